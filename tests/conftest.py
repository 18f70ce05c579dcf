"""Fixtures that several rooms share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A test that fails because the machine is busy teaches nobody anything.
settings.register_profile("shelfvision", deadline=None)
settings.load_profile("shelfvision")


@pytest.fixture(scope="session")
def photos() -> Path:
    """Return the folder of real photos: ``manifest.csv`` and ``photos/<label>/*.jpg``."""
    place = os.environ.get("SHELFVISION_PHOTOS", "")
    if not place:
        pytest.skip("set SHELFVISION_PHOTOS to a folder with manifest.csv and photos/ to run this")
    if not Path(place, "manifest.csv").is_file():
        pytest.skip(f"SHELFVISION_PHOTOS is {place!r}, which holds no manifest.csv")
    return Path(place)


@pytest.fixture(scope="session", autouse=True)
def _pictures_need_no_screen() -> Iterator[None]:
    """Draw into memory, on machines with a screen as on those without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "Agg")
        yield


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close the figures that a test left open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
