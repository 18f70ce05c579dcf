"""A dataset is what PyTorch calls a map-style data set: it goes into a DataLoader as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv


def test_a_data_loader_takes_a_dataset_as_it_is(shop: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch for its DataLoader")
    ds = shv.Dataset.from_directory(shop, image_size=(20, 30))
    batches = list(torch.utils.data.DataLoader(ds, batch_size=2))
    assert [tuple(images.shape) for images, _ in batches] == [(2, 20, 30, 3)] * 2 + [(1, 20, 30, 3)]
    assert batches[0][0].dtype == torch.uint8
    images, labels = ds.to_arrays()
    np.testing.assert_array_equal(torch.cat([images for images, _ in batches]).numpy(), images)
    np.testing.assert_array_equal(torch.cat([labels for _, labels in batches]).numpy(), labels)


def test_worker_processes_of_a_data_loader_read_the_same_photos(shop: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch for its DataLoader")
    ds = shv.Dataset.from_directory(shop, image_size=(20, 30))
    loader = torch.utils.data.DataLoader(
        ds, batch_size=3, num_workers=1, multiprocessing_context="spawn"
    )
    images = torch.cat([images for images, _ in loader]).numpy()
    np.testing.assert_array_equal(images, ds.to_arrays()[0])
