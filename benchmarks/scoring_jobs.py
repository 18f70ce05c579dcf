"""Compare `shelfvision.scale.score` with a plain loop over `Predictor`: processor time per photo.

The loop predicts 256 photos at a time with one thread. Each job runs in a new process, with few and
with many photos; the difference leaves out the start of processes and the loading of the model.

``python benchmarks/scoring_jobs.py --photos 1500``
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import shelfvision as shv

FEW = 256
AT_ONCE = 256


def main() -> None:
    """Print processor and wall-clock time per photo of each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--model", type=Path, help="an exported file (default: shelf_cnn, written now)"
    )
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(*chosen.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home, chosen.photos, chosen.model)
        times: dict[str, list[tuple[float, float]]] = {"loop": [], "1": [], "2": []}
        for number in range(chosen.rounds):
            for way, found in times.items():
                found.append(per_photo(home, way, chosen.photos, number))
        report(times)


def prepare(home: Path, n_photos: int, exported: Path | None) -> None:
    """Write an exported network and rendered photos of 348 x 348 pixels."""
    shv.samples.write_products(home / "photos", -(-n_photos // 5), image_size=(348, 348))
    if exported is not None:
        (home / "m.onnx").write_bytes(exported.read_bytes())
        return
    model = shv.build_model(5, architecture="shelf_cnn", image_size=(100, 100), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=list("abcde"))
    classifier.export(home / "m.onnx", format="onnx")


def per_photo(home: Path, way: str, n_photos: int, number: int) -> tuple[float, float]:
    """Return processor and wall-clock milliseconds per photo, without the start."""
    few = measured(home, way, FEW, number)
    many = measured(home, way, n_photos, number)
    n = n_photos - FEW
    return 1000 * (many[0] - few[0]) / n, 1000 * (many[1] - few[1]) / n


def measured(home: Path, way: str, n_photos: int, number: int) -> tuple[float, float]:
    """Return processor seconds of all processes, and wall-clock seconds."""
    out = home / f"out-{way}-{n_photos}-{number}"
    began, before = time.perf_counter(), os.times()
    command = [sys.executable, __file__, "--child", str(home), way, str(n_photos), str(out)]
    subprocess.run(command, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system, time.perf_counter() - began


def child(folder: str, way: str, n_photos: str, out: str) -> None:
    """Score the first photos in one way."""
    home = Path(folder)
    paths = sorted(str(path) for path in (home / "photos").rglob("*.jpg"))[: int(n_photos)]
    if way != "loop":
        shv.scale.score(home / "m.onnx", paths, out, processes=int(way))
        return
    predictor = shv.export.Predictor(home / "m.onnx", threads=1)
    for start in range(0, len(paths), AT_ONCE):
        predictor.predict(paths[start : start + AT_ONCE], on_error="skip")


def report(times: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians, and ratios to the loop."""
    base = statistics.median(cpu for cpu, _ in times["loop"])
    for way, found in times.items():
        name = "loop over Predictor" if way == "loop" else f"score, processes={way}"
        cpu, wall = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:22} {cpu:6.2f} ms CPU ({cpu / base:.2f} x) {wall:6.2f} ms wall-clock")


if __name__ == "__main__":
    main()
