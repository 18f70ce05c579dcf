"""Fine-tune the same network with other libraries, and compare accuracy, time, memory and code.

Run ``python benchmarks/fine_tuning/compare.py --photos PLACE [--judge PLACE] [--task drinks]
[--keep FOLDER] [shelfvision pytorch fastai]`` in an environment with ``shelfvision[tensorflow,
pretrained]``, torch, torchvision, pandas, fastai and efficientnet-lite-pytorch. PLACE is a folder
with ``manifest.csv``, as for ``benchmarks/accuracy.py``, whose options are understood.

Each library has a program of its own, `with_pytorch.py` and so on, as its documentation would write
it: the same weights, photos, size, batches and number of epochs, its own augmentation. The programs
run one after another on ``--cores`` cores. Their probabilities are compared photo by photo.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from _judging import Judged, kinds_of, sets_to_judge
from _places import TASKS, Part, parts

import shelfvision as shv

HERE = Path(__file__).parent
LIBRARIES = ("shelfvision", "pytorch", "fastai")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a program took."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    """Of its largest process."""


def write_manifest(path: Path, sets: list[tuple[Path, shv.Dataset]]) -> None:
    """Write absolute paths and labels of the photos of several folders."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        for folder, photos in sets:
            for name, label in zip(photos.ids, photos.labels, strict=True):
                writer.writerow([folder.resolve() / name, photos.class_names[label]])


def run(program: Path, arguments: list[Path], cores: int) -> Run:
    """Run a program with a number of threads and return its cost."""
    threads = {name: str(cores) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
    environment = os.environ | threads | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, program, *arguments],
        env=environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{program.name} failed")
    return Run(
        seconds=time.perf_counter() - start,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        megabytes=usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
    )


def lines_of(program: Path) -> int:
    """Return the lines of code, without blank lines, comments and docstrings."""
    return len(ast.unparse(ast.parse(program.read_text(encoding="utf-8"))).splitlines()) - 1


def judged(path: Path, sets: dict[str, shv.Dataset]) -> Judged:
    """Return what a program predicted for all sets, one after another."""
    with np.load(path) as file:
        shares, names = file["probabilities"], tuple(file["class_names"].tolist())
    return Judged(
        probabilities=np.asarray(shares, np.float32),
        class_names=names,
        ids=np.array([f"{name}/{one}" for name, some in sets.items() for one in some.ids]),
        labels=np.concatenate([some.labels for some in sets.values()]).astype(np.int64),
        groups=np.array([f"{name}/{one}" for name, some in sets.items() for one in some.groups]),
        sets=np.concatenate([np.full(len(some), name) for name, some in sets.items()]),
    )


def figures_of(found: Judged, first: Judged, kinds: dict[str, str]) -> list[str]:
    """Return accuracy with its interval and the difference to the first, for classes and kinds."""
    cells = []
    pairs = [(found, first)]
    if kinds:
        pairs.append((found.summed(kinds), first.summed(kinds)))
    for part, other in pairs:
        report = part.report()
        low, high = report.intervals.accuracy
        cells.append(f"{report.accuracy:.3f} ({low:.3f} to {high:.3f})")
        against = shv.compare(other.report(), report)
        low, high = against.interval
        cells.append(f"{against.difference:+.3f} ({low:+.3f} to {high:+.3f})")
    return cells


def options_of() -> argparse.Namespace:
    """Return what the caller asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("libraries", nargs="*", default=LIBRARIES, metavar="LIBRARY")
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--task", choices=TASKS, default="products")
    parser.add_argument("--judge", action="append", metavar="MANIFEST", help="more photos")
    parser.add_argument("--train", default="train", help="value of the split column")
    parser.add_argument("--test", default="val", help="value of the split column")
    parser.add_argument("--keep", type=Path, help="folder for the probabilities")
    parser.add_argument("--cores", type=int, default=2)
    parser.set_defaults(
        path_column="path", split_column="split", relabel=None, leave_out=None, summed_column=None
    )
    options = parser.parse_args()
    return argparse.Namespace(**vars(options) | TASKS[options.task])


def prepared(options: argparse.Namespace, folder: Path) -> dict[str, shv.Dataset]:
    """Write the manifests of a task; return the sets to judge by."""
    task: Part = next(parts(options, (224, 224)))
    _, train, test = task
    sets = sets_to_judge(options, test, train)
    places = [Path(place) for place in (options.photos, *(options.judge or ()))]
    write_manifest(folder / "train.csv", [(places[0], train)])
    write_manifest(folder / "test.csv", list(zip(places, sets.values(), strict=True)))
    return sets


def main() -> None:
    """Run every program and print one table."""
    options = options_of()
    # Programs that are started have the same cores.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        sets = prepared(options, folder)
        first: Judged | None = None
        for library in options.libraries:
            program, output = HERE / f"with_{library}.py", folder / f"{library}.npz"
            cost = run(program, [folder / "train.csv", folder / "test.csv", output], options.cores)
            found = judged(output, sets)
            found.save(folder / f"{library}-judged.npz")
            first = first or found
            cells = [
                *figures_of(found, first, kinds_of(options)),
                *(f"{value / 60:.1f}" for value in (cost.seconds, cost.cpu_seconds)),
                f"{cost.megabytes:.0f} MB",
                f"{lines_of(program)} lines",
            ]
            print(f"| {library} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
