"""Encoded photos, and files of tiny classifiers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXPORT = Path(__file__).parent.parent / "export" / "golden" / "tiny.onnx"
BUNDLE = Path(__file__).parent.parent / "inference" / "golden" / "version-3.shelf"


def encoded(seed: int) -> bytes:
    """Return a JPEG file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="session")
def photos() -> list[bytes]:
    """Return 70 photos, more than two batches of the network."""
    return [encoded(seed) for seed in range(70)]


@pytest.fixture(scope="session")
def ids(photos: list[bytes]) -> list[str]:
    """Return the id of each photo."""
    return [f"s3://shop/shelf-{row}.jpg" for row in range(len(photos))]
