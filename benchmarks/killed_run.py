"""A long run on real photos, killed again and again, against one that was never stopped.

Run ``python benchmarks/killed_run.py [--epochs 200] [--kills 5] [--home FOLDER]`` with
SHELFVISION_PHOTOS set to a folder with ``manifest.csv`` (columns path, label, split). The article's
network learns five packaged classes of the Grocery Store photos, trained on the split ``train``
and judged on ``val``, with one CPU thread and fresh augmentation. One process does so in one go;
others, one after the other, are killed with SIGKILL at random instants until one gets to the end.
Both go on side by side where ``--together`` says so. Then all that the two runs have left is
compared, byte for byte. ``--photos`` takes only so many photos of each part.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

import shelfvision as shv
from shelfvision.training.run._state import RunState, decode

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


def part(split: str, options: argparse.Namespace) -> shv.Dataset:
    """Return the photos of one split, or some of them, spread over all."""
    manifest = Path(os.environ["SHELFVISION_PHOTOS"], "manifest.csv")
    size = (options.size, options.size)
    photos = shv.Dataset.from_manifest(
        manifest, where={"split": split}, class_names=list(CLASSES), image_size=size
    ).relabel(CLASSES)
    wanted = min(options.photos or len(photos), len(photos))
    return photos[np.linspace(0, len(photos) - 1, wanted).astype(int)].cached()


def train(options: argparse.Namespace) -> None:
    """Train, or go on, in this process."""
    parts = part("train", options), part("val", options)
    model = shv.build_model(5, image_size=(options.size, options.size))
    shv.Trainer(
        epochs=options.epochs,
        patience=None,
        augmenter=shv.augment.default_augmenter(),
        checkpoint_dir=options.folder,
        save_every=2,
        on_leak="drop",
        verbose=False,
    ).fit(model, *parts)


def started(folder: Path, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a process that trains in a folder."""
    settings = ("epochs", "photos", "size")
    arguments = [f"--{name}={getattr(options, name)}" for name in settings]
    command = [sys.executable, __file__, *arguments, f"--folder={folder}"]
    return subprocess.Popen(command, env=os.environ | ONE_THREAD)


def state_in(folder: Path) -> RunState | None:
    """Return the newest state of a run."""
    found = [decode(path.read_bytes()) for path in folder.glob("state-?.safetensors")]
    return max(found, key=lambda entry: entry[1])[0] if found else None


def left_by(folder: Path) -> dict[str, bytes]:
    """Return the bytes that a run has left: its history, its state and its classifier."""
    state = state_in(folder)
    if state is None:
        raise SystemExit(f"{folder} holds no state")
    arrays = {
        name: b"".join(value.tobytes() for value in getattr(state, name))
        for name in ("model", "optimizer", "best_model")
    }
    best = repr((state.epoch, sorted(state.best.items()))).encode()
    files = {name: (folder / name).read_bytes() for name in ("history.csv", "history.json")}
    return files | arrays | {"epoch and judgement": best}


def epochs_done(folder: Path) -> int:
    """Return how many epochs the history tells of."""
    history = folder / "history.csv"
    return len(history.read_text().splitlines()) - 1 if history.exists() else 0


def succeeded(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process, which has to be a good one."""
    if process.wait():
        raise SystemExit(f"a run failed with {process.returncode}")


def killed(folder: Path, options: argparse.Namespace) -> None:
    """Train in processes that are killed at random instants, spread over the whole run."""
    rng = random.Random(options.seed)
    for due in sorted(rng.sample(range(1, options.epochs - 1), options.kills)):
        process, began, before = started(folder, options), time.perf_counter(), epochs_done(folder)
        while epochs_done(folder) < due and process.poll() is None:
            time.sleep(0.05)
        done = max(epochs_done(folder) - before, 1)
        time.sleep(rng.uniform(0, (time.perf_counter() - began) / done))
        process.kill()
        if process.wait() >= 0:
            raise SystemExit(f"a run ended with {process.returncode} before it was killed")
        tell_kill(folder)
    succeeded(started(folder, options))


def tell_kill(folder: Path) -> None:
    """Print where a run was killed and what will be gone on from."""
    state = state_in(folder)
    saved = f"epoch {state.epoch} and {state.step} steps" if state else "nothing"
    torn = [path.name for path in folder.iterdir() if path.suffix == ".tmp"]
    print(f"killed; saved: {saved}; half-written: {torn or 'none'}", flush=True)


def compare(home: Path) -> None:
    """Compare what the two runs have left, and print it."""
    whole, broken = left_by(home / "whole"), left_by(home / "killed")
    for name, data in whole.items():
        same = "the same" if broken[name] == data else "DIFFERENT"
        print(f"{name} ({len(data)} bytes): {same}")
    print("last line:", whole["history.csv"].decode().splitlines()[-1])
    if whole != broken:
        raise SystemExit("the killed run ended otherwise")


def main() -> None:
    """Train twice, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--photos", type=int, default=0)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--together", action="store_true", help="train both at the same time")
    parser.add_argument("--home", type=Path, help="new folder to keep both runs in")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        train(options)
        return
    with nullcontext(options.home) if options.home else tempfile.TemporaryDirectory() as place:
        home, began = Path(place), time.perf_counter()
        unbroken = started(home / "whole", options)
        if not options.together:
            succeeded(unbroken)
        killed(home / "killed", options)
        succeeded(unbroken)
        print(f"{options.epochs} epochs, twice, in {time.perf_counter() - began:.0f} s", flush=True)
        compare(home)


if __name__ == "__main__":
    main()
