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
    """Draw accuracy on all photos to judge by, with intervals, against the time of training."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    found = {key: [row for row in some if "sets" in row] for key, some in kinds(rows).items()}
    found = {key: some for key, some in found.items() if some}
    tasks = list(dict.fromkeys(task for task, _ in found))
    figure = Figure(figsize=(6.4, 2.8 * len(tasks) + 0.6), layout="constrained")
    for axes, task in zip(figure.subplots(len(tasks), squeeze=False)[:, 0], tasks, strict=True):
        for model, some in ((model, some) for (of, model), some in found.items() if of == task):
            scores = [_last(row) for row in some]
            x, y = mean(some, "cpu_seconds") / 60, mean(scores, "accuracy")
            low, high = np.mean([np.array(score["interval"], float) for score in scores], axis=0)
            axes.errorbar(x, y, [[y - low], [high - y]], fmt="o", color="#1f5fa8", capsize=3)
            place = {"xytext": (8, 4), "textcoords": "offset points"}
            axes.annotate(f"{SAID.get(model, model)}, {y:.3f}", (x, y), fontsize=8, **place)
        axes.set_xscale("log")
        # Minutes as people say them, not as powers of ten.
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(task, fontsize=10)
        axes.set_ylabel("accuracy")
        axes.margins(x=0.35, y=0.2)
    axes.set_xlabel("minutes of CPU time for training")
    figure.savefig(path, dpi=120)


def _last(row: Row) -> Row:
    """Return the scores of all sets together, or of the only set."""
    sets = row["sets"]
    assert isinstance(sets, dict)
    return list(sets.values())[-1]
