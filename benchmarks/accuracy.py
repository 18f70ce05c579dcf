"""How often networks name photos rightly, and what learning that costs.

Run ``python benchmarks/accuracy.py --photos PLACE [--models tuned,frozen] [--seeds 3]``. PLACE is

- a folder with one sub-folder a class: a fifth of it, bursts kept whole, is kept apart to judge by;
- a CSV manifest, or a folder with ``manifest.csv``: ``--label-column`` has the classes,
  ``--split-column`` says what to learn from (``--train``) and what to judge by (``--test``);
- a tree with ``images/<CLASS>/`` and ``splits/train0.txt``, ``splits/test0.txt`` and so on, as
  Freiburg Groceries has it: each pair of lists is a round of its own (``--folds 0,1``).

``--task`` takes one of the Grocery Store photos' tasks: drinks, coarse, products. Photos to judge
by never choose an epoch. Finished trainings are kept in ``--rows``,
a file of JSON lines, so that the program can be stopped and started again; ``--table`` only prints
and draws what is there.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

import shelfvision as sv

if TYPE_CHECKING:
    import keras

Row: TypeAlias = dict[str, object]
"""What is known about one finished training."""
Part: TypeAlias = tuple[str, sv.Dataset, sv.Dataset]
"""A name, the photos to learn from and those to judge by."""

DRINKS = {
    "Juice": "Juice",
    "Milk": "Milk",
    "Yoghurt": "Yoghurt",
    "Oat-Milk": "Plant drink",
    "Soy-Milk": "Plant drink",
    "Oatghurt": "Plant yoghurt",
    "Soyghurt": "Plant yoghurt",
}
TASKS: dict[str, dict[str, object]] = {
    "drinks": {"label_column": "label", "relabel": [f"{a}={b}" for a, b in DRINKS.items()]},
    "coarse": {"label_column": "label"},
    "products": {"label_column": "product", "summed_column": "label"},
}
"""Tasks of the Grocery Store photos, as options of this program."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network and the recipe that it is trained by."""

    architecture: str
    recipe: Callable[[keras.Model, sv.Dataset, int], sv.Trainer]
    side: int = 100
    """Of the photos, in pixels."""
    weights: str | None = None
    as_article: bool = False
    """Whether classes are balanced with copies, and a tenth of the photos chooses the epoch."""


def article(_model: keras.Model, _train: sv.Dataset, seed: int) -> sv.Trainer:
    """Return the article's recipe: up to 200 epochs, stopped early."""
    return sv.Trainer(seed=seed, verbose=False)


def recommended(model: keras.Model, train: sv.Dataset, seed: int) -> sv.Trainer:
    """Return what the library recommends, without photos that choose the epoch."""
    return sv.Trainer.recommended(model, train, seed=seed, monitor="loss", verbose=False)


def frozen(model: keras.Model, train: sv.Dataset, seed: int) -> sv.Trainer:
    """Return the same for the last layer alone."""
    return sv.Trainer.recommended(
        model, train, fine_tune="head", seed=seed, monitor="loss", verbose=False
    )


CANDIDATES = {
    "article": Candidate(architecture="grocery_cnn", recipe=article, as_article=True),
    "shelf_cnn": Candidate(architecture="shelf_cnn", recipe=recommended),
    "frozen": Candidate(
        architecture="efficientnet_lite0", recipe=frozen, side=224, weights="imagenet"
    ),
    "tuned": Candidate(
        architecture="efficientnet_lite0", recipe=recommended, side=224, weights="imagenet"
    ),
}


def parts(options: argparse.Namespace, size: tuple[int, int]) -> Iterator[Part]:
    """Yield the rounds that a place holds, its photos at a size."""
    place = Path(options.photos)
    if (place / "splits").is_dir():
        yield from _listed(place, options, size)
    elif place.is_file() or (place / "manifest.csv").is_file():
        yield _from_manifest(place, options, size)
    else:
        photos = sv.Dataset.from_directory(place, image_size=size, on_error="skip")
        grouped = photos.group_near_duplicates().group_bursts()
        splits = sv.SeededSplitter(train=0.8, validation=0.0, test=0.2, seed=42).split(grouped)
        if splits.test is not None:
            yield "a fifth", splits.train, splits.test


def _listed(place: Path, options: argparse.Namespace, size: tuple[int, int]) -> Iterator[Part]:
    photos = sv.Dataset.from_directory(place / "images", image_size=size)
    found = sorted(re.findall(r"train(\d+)\.txt", " ".join(os.listdir(place / "splits"))))
    for fold in options.folds.split(",") if options.folds else found:
        lists = {part: place / "splits" / f"{part}{fold}.txt" for part in ("train", "test")}
        # The published lists have twins across folds; judged is as they are judged elsewhere.
        splits = sv.Splits.from_files(photos, **lists, on_leak="allow")
        if splits.leaks:
            print(f"fold {fold}: {len(splits.leaks)} groups of photos are on both lists")
        if splits.test is not None:
            yield f"fold {fold}", splits.train, splits.test


def _from_manifest(place: Path, options: argparse.Namespace, size: tuple[int, int]) -> Part:
    relabel = dict(pair.split("=", 1) for pair in options.relabel or ())
    train, test = (
        sv.Dataset.from_manifest(
            place if place.is_file() else place / "manifest.csv",
            path_column=options.path_column,
            label_column=options.label_column,
            where={options.split_column: part},
            class_names=list(relabel) or None,
            image_size=size,
        ).relabel(relabel)
        for part in (options.train, options.test)
    )
    return f"{options.train} to {options.test}", train, test


def trained(
    candidate: Candidate, train: sv.Dataset, seed: int, cache: str | None
) -> tuple[sv.TrainingResult, Row]:
    """Train once; return the result and what it cost."""
    model = built(candidate, train, seed)
    trainer = replace(candidate.recipe(model, train, seed), cache_dir=cache)
    chooses = None
    if candidate.as_article:
        apart = sv.SeededSplitter(train=0.9, validation=0.1, test=0.0, seed=seed)
        splits = apart.split(train.group_bursts())
        train, chooses = sv.BalancingAugmenter(seed=seed).balance(splits.train), splits.validation
    start = time.perf_counter(), time.process_time()
    result = trainer.fit(model, train, chooses)
    return result, {
        "seconds": round(time.perf_counter() - start[0], 1),
        "cpu_seconds": round(time.process_time() - start[1], 1),
        "parameters": model.count_params(),
        "epochs": result.stopped_epoch,
        "train_accuracy": round(result.history["accuracy"][result.best_epoch - 1], 4),
    }


def built(candidate: Candidate, train: sv.Dataset, seed: int) -> keras.Model:
    """Return the untrained network of a candidate."""
    return sv.build_model(
        len(train.class_names),
        architecture=candidate.architecture,
        image_size=train.image_size,
        weights=candidate.weights,
        seed=seed,
    )


def judged(result: sv.TrainingResult, test: sv.Dataset) -> Row:
    """Return how good a classifier is on photos of bursts, and what one photo costs it."""
    report = sv.evaluate(result.classifier, test)
    image = test[0][0][None]
    laps = []
    for _ in range(30):
        start = time.perf_counter()
        result.classifier.predict_proba(image)
        laps.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classifier.shelf"
        result.classifier.save(path)
        size = path.stat().st_size
    return {
        "accuracy": round(report.accuracy, 4),
        "macro_f1": round(report.macro_f1, 4),
        "interval": [round(end, 4) for end in report.intervals.accuracy],
        "photos": len(test),
        "confusion": np.asarray(report.confusion).tolist(),
        "class_names": list(test.class_names),
        "bytes": size,
        "milliseconds_a_photo": round(1000 * statistics.median(laps), 2),
    }


def summed(result: sv.TrainingResult, test: sv.Dataset, options: argparse.Namespace) -> Row:
    """Return how often the kind of a product is right, whose probabilities are summed up."""
    if not options.summed_column:
        return {}
    place = Path(options.photos)
    path = place if place.is_file() else place / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kind = {row[options.label_column]: row[options.summed_column] for row in rows}
    kinds = np.array([kind[name] for name in test.class_names])
    known = np.unique(kinds)
    scores = result.classifier.predict_proba(test)
    sums = np.stack([scores[:, kinds == name].sum(axis=1) for name in known], axis=1)
    right = known[sums.argmax(axis=1)] == kinds[test.labels]
    return {"summed_accuracy": round(float(right.mean()), 4)}


def key_of(name: str, candidate: Candidate, part: Part, seed: int, task: str) -> Row:
    """Return what a training is known by: another recipe, or other photos, are another one."""
    label, train, test = part
    trainer = candidate.recipe(built(candidate, train, seed), train, seed)
    made_of = [
        candidate.architecture,
        candidate.weights,
        candidate.as_article,
        train.fingerprint,
        test.fingerprint,
        trainer.to_dict(),
    ]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    return {"task": task, "part": label, "model": name, "seed": seed, "made_of": digest}


def run(name: str, options: argparse.Namespace) -> None:
    """Train a candidate on every round with every seed, unless it is in the file."""
    candidate = CANDIDATES[name]
    side = options.side or candidate.side
    for part in parts(options, (side, side)):
        label, train, test = part
        for seed in range(options.seeds):
            key = key_of(name, candidate, part, seed, options.task or Path(options.photos).name)
            if any(row.items() >= key.items() for row in read_rows(options.rows)):
                continue
            result, cost = trained(candidate, train, seed, options.cache)
            row = key | {"side": side} | judged(result, test.group_bursts()) | cost
            row |= summed(result, test, options)
            with options.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            told = ("accuracy", "macro_f1", "interval", "seconds", "cpu_seconds", "train_accuracy")
            print(name, label, seed, *(f"{field} {row[field]}" for field in told), flush=True)


def read_rows(path: Path) -> list[Row]:
    """Return the finished trainings."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def numbers(rows: list[Row], field: str) -> list[float]:
    """Return a field of the trainings that know it."""
    return [float(str(row[field])) for row in rows if field in row]


def mean(rows: list[Row], field: str) -> float:
    """Return the mean of a field; not a number where none knows it."""
    values = numbers(rows, field)
    return statistics.mean(values) if values else math.nan


def spread(rows: list[Row], field: str) -> str:
    """Return mean and standard deviation of a field, as they are printed."""
    values = numbers(rows, field)
    if not values:
        return "-"
    return f"{statistics.mean(values):.3f}" + (
        f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    )


def between(rows: list[Row]) -> str:
    """Return the mean lower and the mean upper end of the intervals."""
    ends = [row["interval"] for row in rows if "interval" in row]
    if not ends:
        return "-"
    low, high = np.mean(np.array(ends, dtype=float), axis=0)
    return f"{low:.3f} to {high:.3f}"


def kinds(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return the trainings of each task and model."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((str(row["task"]), str(row["model"])), []).append(row)
    return found


def show_table(rows: list[Row]) -> None:
    """Print what is known, as a table of Markdown."""
    print("| photos | network | accuracy | 95 % interval | macro F1 | minutes | CPU minutes |")
    print("|---|---|---|---|---|---|---|")
    for (task, model), some in kinds(rows).items():
        minutes = [f"{mean(some, field) / 60:.1f}" for field in ("seconds", "cpu_seconds")]
        cells = [spread(some, "accuracy"), between(some), spread(some, "macro_f1")]
        print(f"| {task} | {model} ({len(some)}) | " + " | ".join(cells + minutes) + " |")


def draw_confusion(rows: list[Row], folder: Path) -> None:
    """Draw what each model took for what on each task, all its trainings together."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    for (task, model), some in kinds(rows).items():
        names = some[0]["class_names"]
        matrix = np.sum([np.array(row["confusion"]) for row in some], axis=0)
        side = max(4.0, 0.35 * len(matrix))
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        sv.plot.confusion_matrix(matrix, names, ax=axes)  # type: ignore[arg-type]  # a list of names
        axes.set_title(f"{model} on {task}")
        figure.savefig(folder / f"confusion-{task}-{model}.png", dpi=80)


def draw_costs(rows: list[Row], path: Path) -> None:
    """Draw accuracy against the time that training took."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    markers = dict(zip(dict.fromkeys(str(row["task"]) for row in rows), "osD^v", strict=False))
    for (task, model), some in kinds(rows).items():
        x, y = mean(some, "cpu_seconds") / 60, mean(some, "accuracy")
        axes.plot(x, y, markers.get(task, "x"), color="#1f5fa8", markersize=8)
        axes.annotate(f"{model}, {task}", (x, y), (6, -3), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("minutes of processor time for training")
    axes.set_ylabel("share of photos named rightly")
    axes.margins(x=0.3, y=0.15)
    figure.savefig(path, dpi=120)


def options_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return what the caller asks for, a task's own options among it."""
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--task", choices=TASKS, help="one of the Grocery Store photos' tasks")
    parser.add_argument("--models", default="tuned", help=f"with commas: {', '.join(CANDIDATES)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--side", type=int, help="of the photos, instead of each model's own")
    parser.add_argument("--folds", default="", help="numbers of lists with commas; default all")
    parser.add_argument("--path-column", default="path")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--split-column", default="split")
    parser.add_argument("--train", default="train", help="value of the split column")
    parser.add_argument("--test", default="val", help="value of the split column")
    parser.add_argument("--summed-column", help="kinds whose classes' probabilities are added up")
    parser.add_argument("--relabel", action="append", metavar="OLD=NEW", help="only these classes")
    parser.add_argument("--rows", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--cache", help="folder for what frozen parts of networks give")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of confusion")
    parser.add_argument("--costs", type=Path, help="file for the picture of accuracy and time")
    parser.add_argument("--table", action="store_true", help="print what is known, train nothing")
    options = parser.parse_args()
    for name, value in TASKS.get(options.task, {}).items():
        setattr(options, name, value)
    return options


def main() -> None:
    """Train, print and draw."""
    options = options_of(argparse.ArgumentParser(description=__doc__))
    if not options.table:
        for name in options.models.split(","):
            run(name, options)
    rows = read_rows(options.rows)
    show_table(rows)
    if options.pictures:
        draw_confusion(rows, options.pictures)
    if options.costs:
        draw_costs(rows, options.costs)


if __name__ == "__main__":
    main()
