"""The short form of measured photos has the same predicted classes and confidences."""

from __future__ import annotations

import numpy as np
import pytest

from shelfvision._runtime.card import Card
from shelfvision.errors import BundleError
from shelfvision.predictions import MeasuredPhotos
from support import refuses


def test_the_summary_keeps_predicted_classes_confidences_and_groups() -> None:
    rows = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0]])
    measured = MeasuredPhotos(
        probabilities=rows, labels=np.array([0, 1, 2, 1]), groups=np.array([0, 0, 1, 2])
    )
    copy = MeasuredPhotos.from_summary(measured.summary(), 3)
    assert copy.probabilities.argmax(axis=1).tolist() == rows.argmax(axis=1).tolist()
    np.testing.assert_allclose(copy.probabilities.max(axis=1), rows.max(axis=1), atol=2e-6)
    assert (copy.labels.tolist(), copy.groups.tolist()) == ([0, 1, 2, 1], [0, 0, 1, 2])
    assert repr(copy) == "<MeasuredPhotos: 4 photos, 3 classes>"


@pytest.mark.parametrize(
    "row",
    [
        [0, 7],
        [3, 7, [[1, 0.5]]],
        [0, -1, [[1, 0.5]]],
        [0, 7, []],
        [0, 7, [[3, 0.5]]],
        [0, 7, [[1, 2.0]]],
        [0, 7, [[1, 0.5], [1, 0.4]]],
        [0, 7, [[1]]],
        [0, 7, 5],
        "abcd",
    ],
)
def test_a_file_with_invalid_measured_photos_is_refused(row: object) -> None:
    text = make_card().to_json()
    assert Card.from_json(text, "'a.onnx'").measured == ((0, 7, ((1, 0.5),)),)
    broken = text.replace(
        "[0,7,[[1,0.5]]]", str(row).replace("'", '"') if row != "abcd" else '"abcd"'
    )
    with refuses(BundleError, "damaged"):
        Card.from_json(broken, "'a.onnx'")


def make_card() -> Card:
    from shelfvision.data import Preprocessing

    return Card(
        class_names=("a", "b", "c"),
        preprocessing=Preprocessing(image_size=(8, 8)),
        source_sha256="0" * 64,
        measured=((0, 7, ((1, 0.5),)),),
    )
