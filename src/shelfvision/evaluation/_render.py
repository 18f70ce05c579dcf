"""An evaluation report as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from shelfvision._validation import counted
from shelfvision.evaluation._scores import ReportDict

_WIDTH = 32
_TITLES = ("class", "precision", "recall", "f1", "photos")


def as_text(report: ReportDict) -> str:
    """Return the report as an aligned table."""
    rows = [_TITLES, *_rows(report["per_class"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    baseline = f"always {_cut(report['majority_class'])!r}: {report['baseline']:.3f}"
    summary = [
        f"accuracy  {report['accuracy']:.3f}  ({baseline})",
        f"macro F1  {report['macro_f1']:.3f}",
        f"photos    {report['n']}",
    ]
    if report["failed"]:
        summary.append(f"failed    {len(report['failed'])}, not in the scores: see report.failed")
    return "\n".join([*summary, "", *lines])


def as_html(report: ReportDict) -> str:
    """Return the report as an HTML table; names are escaped."""
    head = "".join(f"<th>{title}</th>" for title in _TITLES)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(report["per_class"])
    )
    failed = f"; {len(report['failed'])} failed, not in the scores" if report["failed"] else ""
    largest = html.escape(_cut(report["majority_class"]))
    caption = (
        f"accuracy {report['accuracy']:.3f} (always {largest}: {report['baseline']:.3f}), "
        f"macro F1 {report['macro_f1']:.3f}, {counted(report['n'], 'photo')}{failed}"
    )
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _rows(per_class: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    return [(_cut(name), *_cells(scores)) for name, scores in per_class.items()]


def _cells(scores: Mapping[str, float]) -> tuple[str, str, str, str]:
    # Without photos of the class, its recall and F1 would be shares of nothing.
    shares = [f"{scores[name]:.3f}" if scores["support"] else "-" for name in ("recall", "f1")]
    return f"{scores['precision']:.3f}", shares[0], shares[1], str(scores["support"])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([name, *numbers])


def _cut(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 1] + "…"
