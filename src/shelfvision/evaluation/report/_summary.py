"""A report as a small table: text, HTML or a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from shelfvision._pages.html import render_template
from shelfvision._text import shortened
from shelfvision._validation import counted
from shelfvision.evaluation.report._context import size_text
from shelfvision.evaluation.report._dictionary import top_k
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._metrics import ClassScores, plain_scores
from shelfvision.evaluation.scores._unknown import UnknownScores

if TYPE_CHECKING:
    import pandas as pd

    from shelfvision.evaluation.report._report import EvaluationReport

_WIDTH = 32
_TITLES = ("class", "precision", "recall", "f1", "photos")


def report_text(report: EvaluationReport) -> str:
    """Return the scores and a table of classes, aligned."""
    facts = _facts(report)
    wide = max(len(name) for name, _ in facts)
    rows = [_TITLES, *_rows(report)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    summary = [f"{name.ljust(wide)}  {value}" for name, value in facts]
    return "\n".join([*summary, "", *(_line(row, widths) for row in rows)])


def report_table(report: EvaluationReport) -> str:
    """Return the scores and the classes as an HTML table."""
    return render_template(
        "evaluation_table.html", facts=_facts(report), titles=_TITLES, rows=_rows(report)
    )


def report_frame(report: EvaluationReport, pandas: ModuleType) -> pd.DataFrame:
    """Return a data frame with a row for every class and the ends of the intervals."""
    rows = []
    for name, scores in report.per_class.items():
        row: dict[str, float | int] = dict(plain_scores(scores))
        sure = report.intervals.per_class[name]
        for title in ("precision", "recall", "f1"):
            row[f"{title}_low"], row[f"{title}_high"] = getattr(sure, title)
        rows.append(row)
    frame: pd.DataFrame = pandas.DataFrame(
        rows, index=pandas.Index(report.class_names, name="class")
    )
    return frame


def between(interval: Interval) -> str:
    """Return an interval as text."""
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def photos_text(report: EvaluationReport) -> str:
    """Return the number of scored photos and of their groups."""
    if report.n_groups == report.n:
        return f"{report.n:,}"
    return f"{report.n:,} in {counted(report.n_groups, 'group')}"


def baselines_text(report: EvaluationReport) -> str:
    """Return the baselines to compare the accuracy with."""
    baseline = f"always {short_name(report.majority_class)!r} {report.baseline:.3f}"
    nearest = report.nearest_baseline
    return baseline if nearest is None else f"{baseline}, nearest neighbour {nearest:.3f}"


def unknown_text(scores: UnknownScores) -> str:
    """Return how many photos of unknown classes are sent to review."""
    photos = counted(scores.n, "photo")
    return f"{photos}, {scores.rejected:.3f} to review ({between(scores.rejected_interval)})"


def short_name(name: str, width: int = _WIDTH) -> str:
    """Return a printable name, shortened at its end."""
    return shortened(name, width)


def class_cells(scores: ClassScores) -> tuple[str, str, str, str]:
    """Return precision, recall, F1 and support as text; a dash if the denominator is zero."""
    precision = f"{scores.precision:.3f}" if scores.predicted else "-"
    recall, f1 = (f"{x:.3f}" if scores.support else "-" for x in (scores.recall, scores.f1))
    return precision, recall, f1, str(scores.support)


def _facts(report: EvaluationReport) -> list[tuple[str, str]]:
    sure = report.intervals
    level = f"{100 * sure.confidence_level:g} %"
    facts = [
        ("accuracy", f"{report.accuracy:.3f}  ({level}: {between(sure.accuracy)})"),
        ("macro F1", f"{report.macro_f1:.3f}  ({level}: {between(sure.macro_f1)})"),
        ("baselines", baselines_text(report)),
    ]
    tops = {k: share for k, share in top_k(report).items() if k != "1"}
    if tops:
        facts.append(("top", ", ".join(f"{k}: {share:.3f}" for k, share in tops.items())))
    facts += [
        ("calibration", f"ECE {report.calibration_error:.3f}"),
        ("photos", photos_text(report)),
    ]
    return facts + _warnings(report)


def _warnings(report: EvaluationReport) -> list[tuple[str, str]]:
    facts = []
    if report.review is not None:
        good = "-" if report.review.accuracy is None else f"{report.review.accuracy:.3f}"
        share = f"{100 * report.review.coverage:.0f} %"
        facts.append(("accepted", f"{share}, accuracy {good}; the rest to review"))
    if report.unknown is not None:
        facts.append(("unknown", unknown_text(report.unknown)))
    data = report.context.data
    if data is not None and data.brought != "as given":
        facts.append(("photos at", size_text(data)))
    if report.leakage is not None and not report.leakage.ok:
        facts.append(("LEAKAGE", f"{counted(report.leakage.photos, 'photo')} trained on"))
    if report.failed:
        facts.append(("failed", f"{len(report.failed)}, not scored: see report.failed"))
    return facts


def _rows(report: EvaluationReport) -> list[tuple[str, ...]]:
    return [(short_name(name), *class_cells(scores)) for name, scores in report.per_class.items()]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([name, *numbers])
