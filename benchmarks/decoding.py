"""Decode photos beside bare Pillow and scikit-image: small ones, large ones, in two threads."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from shelfvision._photos.decode import read_photo
from shelfvision._photos.file_pixels import FilePixels

SIZE = (100, 100)
MEGAPIXELS_12 = (4000, 3000)

_Pixels = npt.NDArray[np.uint8]


def bare_pillow(path: str) -> _Pixels:
    """Open, convert and resize, with no check and no orientation."""
    with Image.open(path) as photo:
        small = photo.convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR)
    return np.asarray(small)


def scikit_image(path: str) -> _Pixels:
    """Read and resize as the article does."""
    from skimage import io as skimage_io
    from skimage.transform import resize

    pixels: _Pixels = (resize(skimage_io.imread(path), SIZE, anti_aliasing=True) * 255).astype(
        np.uint8
    )
    return pixels


def ours(path: str) -> _Pixels:
    """Read and decode with every check."""
    return read_photo(path, image_size=SIZE)


def seconds(read: Callable[[str], object], paths: Sequence[str]) -> float:
    """Return how long it takes to read all, one after the other."""
    start = time.perf_counter()
    for path in paths:
        read(path)
    return time.perf_counter() - start


def ratios(
    read: Callable[[str], object], paths: Sequence[str], rounds: int, limit: int | None = None
) -> tuple[float, float, float]:
    """Return how many times faster ours is than another: median, least and most of the rounds."""
    found = []
    for _ in range(rounds):
        theirs = seconds(read, paths[:limit]) / len(paths[:limit])
        found.append(theirs / (seconds(ours, paths) / len(paths)))
    return statistics.median(found), min(found), max(found)


def large_photos(paths: Sequence[str], folder: Path) -> list[str]:
    """Write photos of 12 megapixels, enlarged and with the grain of a sensor."""
    random = np.random.default_rng(0)
    large = []
    for number, path in enumerate(paths):
        with Image.open(path) as photo:
            wide = photo.convert("RGB").resize(MEGAPIXELS_12, Image.Resampling.BICUBIC)
        grain = random.integers(-6, 7, (*MEGAPIXELS_12[::-1], 1))
        pixels = np.clip(np.asarray(wide).astype(np.int16) + grain, 0, 255).astype(np.uint8)
        large.append(str(folder / f"{number}.jpg"))
        Image.fromarray(pixels).save(large[-1], quality=90)
    return large


def difference(paths: Sequence[str]) -> float:
    """Return how many levels our pixels differ from bare Pillow's, on average."""
    return float(
        np.mean([np.abs(bare_pillow(path).astype(int) - ours(path)).mean() for path in paths])
    )


def in_threads(paths: Sequence[str], rounds: int) -> tuple[float, float, float]:
    """Return how many times faster two threads read a folder than one."""
    names = np.array([os.path.abspath(path) for path in paths], dtype=object)
    rows = np.arange(len(names))
    found = []
    for _ in range(rounds):
        took = []
        for workers in (1, 2):
            source = FilePixels("/", names, image_size=SIZE, workers=workers)
            start = time.perf_counter()
            source.read_many(rows)
            took.append(time.perf_counter() - start)
        found.append(took[0] / took[1])
    return statistics.median(found), min(found), max(found)


def shown(what: str, found: tuple[float, float, float]) -> str:
    """Return a line of the table."""
    return f"{what:52}{found[0]:6.2f}   ({found[1]:.2f} to {found[2]:.2f})"


def rendered(folder: Path) -> list[str]:
    """Return rendered photos, for those who have none of their own."""
    import shelfvision as shv

    shv.samples.write_products(folder, {"Can": 60, "Jar": 60}, image_size=(348, 348))
    return [str(path) for path in sorted(folder.rglob("*.jpg"))]


def main() -> None:
    """Print the ratios."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths = [str(path) for path in sorted(Path(options.photos or scratch).rglob("*.jpg"))]
        if not paths:
            paths = rendered(Path(scratch, "rendered"))
        paths = paths[:: max(1, len(paths) // options.count)]
        if not paths:
            sys.exit(f"there are no .jpg files in {options.photos!r}")
        large = large_photos(paths[:3], Path(scratch))
        ours(paths[0]), bare_pillow(paths[0])
        print(f"times as fast, median of {options.rounds} rounds (least to most)\n")
        what = f"{len(paths)} small JPEGs, against bare Pillow"
        print(shown(what, ratios(bare_pillow, paths, options.rounds)))
        slow = ratios(scikit_image, paths, options.rounds, limit=20)
        print(shown("the same, against skimage imread + resize", slow))
        print(shown("12-megapixel JPEGs, against bare Pillow", ratios(bare_pillow, large, 3)))
        print(f"{'  mean difference of the pixels, in levels':52}{difference(large):6.2f}")
        print(shown("a folder, two threads against one", in_threads(paths, options.rounds)))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        print(f"\n{cores} processors, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
