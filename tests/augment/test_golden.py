"""The same key gives the same pixels for ever, in every process.

After a deliberate change, run this file as a script to write the golden images anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shelfvision._random import rng_for
from shelfvision.augment import default_augmenter
from shelfvision.augment._compose import AlwaysChange, Compose, Maybe, OneOf
from shelfvision.augment._recipes import OPERATIONS
from shelfvision.augment.operations._operation import Operation
from shelfvision.protocols import Image

_FILE = Path(__file__).with_name("golden.npz")
# What takes neither sines, which systems round apart, nor Pillow, whose versions do.
_EXACT = (
    *("Flip", "Shift", "Zoom", "Perspective"),
    *("Brightness", "Contrast", "Saturation", "ColorTemperature"),
    *("Noise", "MotionBlur", "Erase"),
)


def _image() -> Image:
    down, right = np.indices((24, 32))
    shades = np.stack([down * 10, right * 8, (down * right) % 256], axis=2)
    shades[6:14, 8:20] = (200, 30, 60)
    return shades.astype(np.uint8)


def _cases() -> dict[str, Operation]:
    blends = (Compose, OneOf, Maybe, AlwaysChange)
    cases = {name: kind() for name, kind in OPERATIONS.items() if kind not in blends}
    return {**cases, "default": default_augmenter()}


def _render() -> dict[str, Image]:
    return {
        name: operation(_image(), rng_for(42, "augment", name, 1))
        for name, operation in _cases().items()
    }


@pytest.mark.parametrize("name", sorted(_cases()))
def test_an_operation_gives_its_golden_image(name: str) -> None:
    with np.load(_FILE) as golden:
        expected = golden[name].astype(int)
    difference = np.abs(_render()[name].astype(int) - expected)
    if name in _EXACT:
        assert difference.max() == 0
    else:
        assert difference.mean() < 0.5
        assert (difference > 8).mean() < 0.02


def _digest() -> str:
    return hashlib.sha256(b"".join(image.tobytes() for image in _render().values())).hexdigest()


@pytest.mark.slow
def test_other_processes_and_hash_seeds_give_the_same_bytes() -> None:
    for hash_seed in ("0", "1", "20"):
        answer = subprocess.run(
            [sys.executable, __file__, "digest"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == _digest()


if __name__ == "__main__":
    if "digest" in sys.argv:
        sys.stdout.write(_digest())
    else:
        np.savez_compressed(_FILE, **_render())  # type: ignore[arg-type]  # numpy's stub is narrow
