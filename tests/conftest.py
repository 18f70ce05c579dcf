"""Fixtures that several rooms share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A test that fails because the machine is busy teaches nobody anything. Examples are the same in
# every run, so that a change fails for what it changed; `nox -s fuzz` looks for new ones.
settings.register_profile("shelfvision", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("SHELFVISION_HYPOTHESIS", "shelfvision"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests that are marked ``fuzz`` run more than usual."""
    help_ = "how much of their full counts the tests marked fuzz run, 0 to 1"
    parser.addoption("--fuzz-share", type=float, default=0.0, metavar="SHARE", help=help_)


@pytest.fixture(scope="session")
def fuzz_count(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Return a function of the usual and the full count, which gives how many to run."""
    share = float(request.config.getoption("--fuzz-share"))
    return lambda usual, full: max(usual, round(full * share))


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
