"""Finished trainings, kept as JSON lines, and the tables and pictures that are made of them."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import TypeAlias

import numpy as np

import shelfvision as shv

Row: TypeAlias = dict[str, object]
"""What is known about one finished training."""

SAID = {
    "article": "article's network",
    "frozen": "Lite0, last layer",
    "tuned": "Lite0, fine-tuned",
}
"""What pictures call a model, where its name is too short to tell."""


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


def show_sets(rows: list[Row]) -> None:
    """Print the scores of each set of photos, those of summed classes among them."""
    print("\n| task | network | photos | n | accuracy | 95 % interval | kinds | 95 % interval |")
    print("|---|---|---|---|---|---|---|---|")
    for (task, model), some in kinds(rows).items():
        sets = [row["sets"] for row in some if isinstance(row.get("sets"), dict)]
        for name in dict.fromkeys(name for found in sets for name in found):
            scores = [found[name] for found in sets if name in found]
            of_kinds = [
                {key.removeprefix("summed_"): score[key] for key in score if "summed_" in key}
                for score in scores
            ]
            cells = [f"{mean(scores, 'photos'):.0f}"]
            cells += [f(part) for part in (scores, of_kinds) for f in (_accuracies, between)]
            print(f"| {task} | {model} ({len(scores)}) | {name} | " + " | ".join(cells) + " |")


def _accuracies(rows: list[Row]) -> str:
    return spread(rows, "accuracy")


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
        shv.plot.confusion_matrix(matrix, names, ax=axes)  # type: ignore[arg-type]  # a list of names
        axes.set_title(f"{model} on {task}")
        figure.savefig(folder / f"confusion-{task}-{model}.png", dpi=80)


def draw_costs(rows: list[Row], path: Path) -> None:
    """Draw accuracy against the time that training took."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    markers = dict(zip(dict.fromkeys(str(row["task"]) for row in rows), "osD^v", strict=False))
    for (task, model), some in kinds(rows).items():
        x, y = mean(some, "cpu_seconds") / 60, mean(some, "accuracy")
        axes.plot(x, y, markers.get(task, "x"), color="#1f5fa8", markersize=8)
        said = f"{SAID.get(model, model)}, {task}"
        place = {"xytext": (0, -15), "textcoords": "offset points", "ha": "center"}
        axes.annotate(said, (x, y), fontsize=8, **place)
    axes.set_xscale("log")
    # Minutes as people say them, not as powers of ten.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("minutes of processor time for training")
    axes.set_ylabel("share of photos named rightly")
    axes.margins(x=0.3, y=0.2)
    figure.savefig(path, dpi=120)
