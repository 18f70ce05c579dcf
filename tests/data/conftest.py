"""Fixtures of the data room: small folders of photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakePhoto = Callable[..., Path]
"""Writes a photo that differs with its seed."""


@pytest.fixture
def make_photo() -> MakePhoto:
    """Return a function that writes a photo of soft, random colours."""

    def make(
        path: Path, seed: int = 0, *, size: tuple[int, int] = (120, 90), quality: int = 90
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        spots = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        photo = Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)
        kinds = {".png": "PNG", ".webp": "WEBP"}
        kind = kinds.get(path.suffix.lower(), "JPEG")
        photo.save(path, kind, quality=quality)
        return path

    return make


@pytest.fixture
def shop(tmp_path: Path, make_photo: MakePhoto) -> Path:
    """Return a folder of five photos: three of juice, two of milk."""
    root = tmp_path / "shop"
    for seed, name in enumerate(
        ("Milk/b.jpg", "Milk/a.PNG", "Juice/2.webp", "Juice/10.jpeg", "Juice/1.JPG")
    ):
        make_photo(root / name, seed)
    return root
