"""Boxes in a shelf photo of 12 megapixels against the same crops as arrays, side by side.

Three ways from one photo of 300 products to their classes, in turn, median of rounds:
``predict_regions`` on pixels, ``predict_regions`` on a JPEG file, and ``predict`` on a list of
crops that were cut out of the decoded photo beforehand. The ratio is that of images/s to the last;
the bar is 0.9. Decoding the file once is told apart, for with a small network it costs as much as
classifying.

    python benchmarks/regions.py [--rounds 5] [--architecture grocery_cnn]
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import shelfvision as shv


def large_shelf() -> shv.samples.Shelf:
    """Return 300 products on 12 megapixels: rendered at a fourth of the size, and enlarged."""
    small = shv.samples.render_shelf(10, 30, image_size=(750, 1000), gaps=0)
    photo = np.asarray(Image.fromarray(small.photo).resize((4000, 3000), Image.Resampling.BICUBIC))
    return dataclasses.replace(small, photo=photo, boxes=4 * small.boxes)


def crops_of(shelf: shv.samples.Shelf) -> list[np.ndarray]:
    """Return what is in the boxes, by the pixels that they touch."""
    edges = np.concatenate([np.floor(shelf.boxes[:, :2]), np.ceil(shelf.boxes[:, 2:])], axis=1)
    return [
        np.ascontiguousarray(shelf.photo[top:bottom, left:right])
        for left, top, right, bottom in edges.astype(int)
    ]


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--architecture", default="grocery_cnn")
    settings = parser.parse_args()
    shelf = large_shelf()
    model = shv.build_model(5, architecture=settings.architecture)
    classifier = shv.Classifier.from_model(model, class_names=shelf.class_names)
    crops = crops_of(shelf)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "shelf.jpg")
        Image.fromarray(shelf.photo).save(path, quality=92)
        ways: dict[str, Callable[[], object]] = {
            "crops as arrays": lambda: classifier.predict(crops),
            "regions of pixels": lambda: classifier.predict_regions(shelf.photo, shelf.boxes),
            "regions of a file": lambda: classifier.predict_regions(path, shelf.boxes),
            "decoding the file with Pillow": lambda: np.asarray(Image.open(path).convert("RGB")),
        }
        same = classifier.predict_regions(shelf.photo, shelf.boxes).probabilities
        assert np.array_equal(same, classifier.predict(crops).probabilities)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for round_number in range(settings.rounds):
            # Each way goes first in turn, so that a slow moment hits them alike.
            names = list(ways)[round_number % len(ways) :] + list(ways)[: round_number % len(ways)]
            for name in names:
                taken[name].append(seconds(ways[name]))
    report(taken, len(crops), settings.architecture, path.name)


def report(taken: dict[str, list[float]], n: int, architecture: str, file: str) -> None:
    """Print medians, and the ratios of throughput in each round."""
    print(f"{n} boxes in 4000 x 3000 pixels ({file}), {architecture}")
    base, decoding = taken["crops as arrays"], taken["decoding the file with Pillow"]
    for name, times in taken.items():
        print(f"{name:32} {statistics.median(times):7.3f} s")
    pixels, files = taken["regions of pixels"], taken["regions of a file"]
    ratio = statistics.median(b / t for b, t in zip(base, pixels, strict=True))
    print(f"regions of pixels against crops as arrays:               {ratio:.2f}  (bar 0.90)")
    ratio = statistics.median(b / t for b, t in zip(base, files, strict=True))
    print(f"regions of a file against crops as arrays:               {ratio:.2f}")
    ratio = statistics.median((b + d) / t for b, d, t in zip(base, decoding, files, strict=True))
    print(f"regions of a file against Pillow's decoding, then crops: {ratio:.2f}")


if __name__ == "__main__":
    main()
