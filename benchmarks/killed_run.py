"""A long run on real photos, killed again and again, against one that was never stopped.

Run ``python benchmarks/killed_run.py [--epochs 200] [--photos 0] [--size 100] [--kills 5]`` with
SHELFVISION_PHOTOS set to a folder with ``manifest.csv`` (columns path, label, split). The article's
network learns five packaged classes of the Grocery Store photos, trained on the split ``train``
and judged on ``val``, with one CPU thread and fresh augmentation. One process does so in one go;
others are killed with SIGKILL at random instants until one gets to the end. Then all that the two
runs have left is compared, byte for byte. ``--photos`` takes only so many photos of each part.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import shelfvision as sv
from shelfvision.training._state import decode

CLASSES = {
    "Juice": "juice",
    "Milk": "milk",
    "Yoghurt": "yoghurt",
    "Oat-Milk": "plant drink",
    "Soy-Milk": "plant drink",
    "Oatghurt": "plant yoghurt",
    "Soyghurt": "plant yoghurt",
}
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def part(split: str, options: argparse.Namespace) -> sv.Dataset:
    """Return the photos of one split, or some of them, spread over all."""
    manifest = Path(os.environ["SHELFVISION_PHOTOS"], "manifest.csv")
    size = (options.size, options.size)
    photos = sv.Dataset.from_manifest(
        manifest, where={"split": split}, class_names=list(CLASSES), image_size=size
    ).relabel(CLASSES)
    wanted = min(options.photos or len(photos), len(photos))
    return photos[np.linspace(0, len(photos) - 1, wanted).astype(int)].cached()


def train(options: argparse.Namespace) -> None:
    """Train, or go on, in this process."""
    parts = part("train", options), part("val", options)
    model = sv.build_model(5, image_size=(options.size, options.size))
    sv.Trainer(
        epochs=options.epochs,
        patience=None,
        augmenter=sv.augment.default_augmenter(),
        checkpoint_dir=options.folder,
        save_every=5,
        on_leak="drop",
        verbose=False,
    ).fit(model, *parts)


def started(folder: Path, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a process that trains in a folder."""
    settings = ("epochs", "photos", "size")
    arguments = [f"--{name}={getattr(options, name)}" for name in settings]
    command = [sys.executable, __file__, *arguments, f"--folder={folder}"]
    return subprocess.Popen(command, env=os.environ | ONE_THREAD)


def left_by(folder: Path) -> dict[str, bytes]:
    """Return the bytes that a run has left: its history, its state and its classifier."""
    found = [decode(path.read_bytes()) for path in folder.glob("state-?.safetensors")]
    state = max(found, key=lambda entry: entry[1])[0]
    arrays = {
        name: b"".join(value.tobytes() for value in getattr(state, name))
        for name in ("model", "optimizer", "best_model")
    }
    best = repr((state.epoch, sorted(state.best.items()))).encode()
    files = {name: (folder / name).read_bytes() for name in ("history.csv", "history.json")}
    return files | arrays | {"epoch and judgement": best}


def killed(folder: Path, options: argparse.Namespace, seconds: float) -> list[float]:
    """Train in processes that are killed at random instants; return how long each lived."""
    rng = random.Random(options.seed)
    lives: list[float] = []
    while True:
        process = started(folder, options)
        # On the average there is one kill more than asked for, spread over the whole run.
        life = rng.uniform(0.2, 1.8) * seconds / (options.kills + 1)
        try:
            process.wait(timeout=life if len(lives) < options.kills else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            lives.append(life)
            continue
        if process.returncode:
            raise SystemExit(f"the run failed with {process.returncode}")
        return lives


def main() -> None:
    """Train twice, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--photos", type=int, default=0)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        train(options)
        return
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        if started(Path(home, "whole"), options).wait():
            raise SystemExit("the unbroken run failed")
        seconds = time.perf_counter() - began
        print(f"unbroken: {options.epochs} epochs in {seconds:.0f} s", flush=True)
        lives = killed(Path(home, "killed"), options, seconds)
        told = ", ".join(f"{life:.0f}" for life in lives)
        print(f"killed {len(lives)} times, after {told} s of life", flush=True)
        whole, broken = left_by(Path(home, "whole")), left_by(Path(home, "killed"))
        for name, data in whole.items():
            same = "the same" if broken[name] == data else "DIFFERENT"
            print(f"{name} ({len(data)} bytes): {same}")
        print("last line:", whole["history.csv"].decode().splitlines()[-1])
        if whole != broken:
            raise SystemExit("the killed run ended otherwise")


if __name__ == "__main__":
    main()
