"""Cut the crops of annotated shelf photos against decoding each photo once.

`Dataset.from_boxes` cuts 300 crops from each photo of 12 megapixels. The time is compared with the
time to decode the same photos once at their full size, with as many threads. The target is a ratio
of at most 1.2. Both ways take turns, and the median of the rounds counts, as wall-clock time and as
CPU time of all threads.

    python benchmarks/boxes.py [--photos 4] [--rounds 5] [--size 100] [--context 0]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import shelfvision as shv
from shelfvision._photos.threads import in_threads
from shelfvision.boxes.whole_photo import whole_photo

NOISE = 6.0
"""The standard deviation of the noise, in levels."""
MOST_PHOTOS = 4
"""The most photos that `Dataset.from_boxes` decodes at a time."""


def write_shelves(folder: Path, n: int) -> dict[Path, shv.Boxes]:
    """Write photos of 12 megapixels with 300 products each, and return their boxes.

    Noise makes the files about as large as those of phones; smooth photos decode faster.
    """
    found = {}
    for seed in range(n):
        small = shv.samples.render_shelf(10, 30, image_size=(750, 1000), gaps=0, seed=seed)
        photo = Image.fromarray(small.photo).resize((4000, 3000), Image.Resampling.BICUBIC)
        path = folder / f"shelf_{seed}.jpg"
        noisy = np.asarray(photo, np.float32)
        noisy += np.random.default_rng(seed).normal(0, NOISE, noisy.shape).astype(np.float32)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=92)
        found[path] = shv.Boxes(4 * small.boxes, labels=small.labels)
    return found


def decode(paths: list[Path]) -> None:
    """Decode each photo once, as many at a time as `Dataset.from_boxes` does."""
    in_threads(lambda row: whole_photo(paths[row]), len(paths), workers=MOST_PHOTOS)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock time and CPU time of a call, in seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--context", type=float, default=0.0)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        boxes = write_shelves(Path(folder), settings.photos)
        side = settings.size
        crops = shv.Dataset.from_boxes(boxes, context=settings.context, image_size=(side, side))
        ways: dict[str, Callable[[], object]] = {
            "decode": lambda: decode(list(boxes)),
            "cut all crops": lambda: crops.resized((side, side + 1)).cached(),
        }
        sizes = [path.stat().st_size / 2**20 for path in boxes]
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for number in range(settings.rounds):
            for name in (list(ways), list(reversed(ways)))[number % 2]:
                taken[name].append(timed(ways[name]))
    print(f"{len(boxes)} photos of 4,000 x 3,000 pixels and {statistics.mean(sizes):.1f} MiB")
    print(f"{len(crops)} crops of {side} x {side} pixels, context {settings.context:g}")
    middle = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in taken.items()
    }
    for name, (wall, cpu) in middle.items():
        print(f"{name:14} {wall:6.2f} s wall-clock, {cpu:6.2f} s CPU")
    wall, cpu = (
        cut / once for cut, once in zip(middle["cut all crops"], middle["decode"], strict=True)
    )
    print(f"ratio          {wall:6.2f}   wall-clock, {cpu:6.2f}   CPU (target: 1.2)")


if __name__ == "__main__":
    main()
