"""A `RegionsReport` as plain values, as text, as CSV and as an HTML page."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from shelfvision._csv import csv_text
from shelfvision._pages.html import render_template
from shelfvision._text import json_text, shortened
from shelfvision.evaluation._results import save_by_suffix, table_lines
from shelfvision.protocols import Location

if TYPE_CHECKING:
    from shelfvision.evaluation.shelves._report_of_regions import ProductScores, RegionsReport

_WIDTH = 40
_TITLES = ("class", "true", "predicted", "correct", "precision", "recall")


def save_regions_report(report: RegionsReport, path: Location) -> None:
    """Write the file; raise `InvalidParameterError` for another suffix."""
    save_by_suffix(
        path,
        {
            ".html": lambda: _page(report),
            ".json": lambda: json_text(regions_dict(report), indent=2) + "\n",
            ".csv": lambda: _csv(report),
        },
    )


def regions_dict(report: RegionsReport) -> dict[str, object]:
    """Return the report in plain types; NaN becomes None."""
    intervals = None if report.intervals is None else asdict(report.intervals)
    names = list(report.class_names)
    return {
        "iou": report.iou,
        "n_photos": report.n_photos,
        "n_true": report.n_true,
        "n_predicted": report.n_predicted,
        "n_matched": report.n_matched,
        **{name: _plain(value) for name, value in _scores(report).items()},
        "confidence_level": report.bootstrap.confidence_level,
        "intervals": intervals and {name: list(ends) for name, ends in intervals.items()},
        "per_class": {name: _plain_product(one) for name, one in report.per_class.items()},
        "confusion": report.confusion.tolist(),
        "confusion_rows": [*names, "unknown", "false detection"],
        "confusion_columns": [*names, "unknown", "missed"],
        "photos": {
            name: {
                "n_true": photo.n_true,
                "n_predicted": photo.n_predicted,
                "n_matched": photo.n_matched,
                "missed": list(photo.missed),
                "false_detections": list(photo.false_detections),
            }
            for name, photo in report.photos.items()
        },
    }


def _scores(report: RegionsReport) -> dict[str, float]:
    return {
        "precision": report.precision,
        "recall": report.recall,
        "f1": report.f1,
        "mean_iou": report.mean_iou,
        "label_accuracy": report.label_accuracy,
        "count_error": report.count_error,
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain_product(one: ProductScores) -> dict[str, object]:
    scores = {"precision": _plain(one.precision), "recall": _plain(one.recall)}
    return {**asdict(one), **scores}


def regions_text(report: RegionsReport) -> str:
    """Return the scores and a table of classes, aligned."""
    facts = _facts(report)
    wide = max(len(name) for name, _ in facts)
    summary = [f"{name.ljust(wide)}  {value}" for name, value in facts]
    if not report.per_class:
        return "\n".join(summary)
    table = table_lines(_TITLES, _cells(report), left={"class"})
    return "\n".join([*summary, "", *table])


def _facts(report: RegionsReport) -> list[tuple[str, str]]:
    level = f"{100 * report.bootstrap.confidence_level:g} %"

    def score(name: str, value: float) -> str:
        if math.isnan(value):
            return "-"
        if report.intervals is None:
            return f"{value:.3f}"
        low, high = getattr(report.intervals, name)
        return f"{value:.3f}  ({level}: {low:.3f} to {high:.3f})"

    facts = [
        ("boxes", f"{report.n_true} annotated, {report.n_predicted} predicted"),
        ("matched", f"{report.n_matched} with an IoU of at least {report.iou:g}"),
        ("precision", score("precision", report.precision)),
        ("recall", score("recall", report.recall)),
    ]
    if report.class_names:
        facts += [
            ("label accuracy", score("label_accuracy", report.label_accuracy)),
            ("count error", "-" if math.isnan(report.count_error) else f"{report.count_error:.2f}"),
        ]
    return facts


def _cells(report: RegionsReport) -> list[tuple[str, ...]]:
    return [
        (
            shortened(name, _WIDTH),
            str(one.true),
            str(one.predicted),
            str(one.correct),
            *(
                "-" if math.isnan(value) else f"{value:.3f}"
                for value in (one.precision, one.recall)
            ),
        )
        for name, one in report.per_class.items()
    ]


def _csv(report: RegionsReport) -> str:
    rows: list[tuple[object, ...]] = [_TITLES]
    for name, one in report.per_class.items():
        scores = (None if math.isnan(value) else value for value in (one.precision, one.recall))
        rows.append((name, one.true, one.predicted, one.correct, *scores))
    return csv_text(rows)


def _page(report: RegionsReport) -> str:
    names = list(report.class_names)
    rows, columns = [*names, "unknown", "false detection"], [*names, "unknown", "missed"]
    mistakes = [
        (rows[row], columns[column], int(report.confusion[row, column]))
        for row in range(len(rows))
        for column in range(len(columns))
        if row != column and report.confusion[row, column]
    ]
    return render_template(
        "regions_report.html",
        title="Evaluation of regions",
        facts=_facts(report),
        titles=_TITLES,
        rows=_cells(report),
        mistakes=sorted(mistakes, key=lambda one: -one[2])[:50],
        photos=[(name, photo) for name, photo in report.photos.items()],
    )
