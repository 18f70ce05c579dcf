"""Figures drawn as SVG, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._pages.html import escaped
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._reliability import ReliabilityBin

_SIDE = 260
_LEFT, _TOP = 44, 10
_COUNTS = 56
# Classes whose names fit beside a matrix.
MOST_NAMED = 25


def reliability(bins: Sequence[ReliabilityBin], error: float) -> str:
    """Return a reliability diagram, and below it how many photos have each confidence."""
    width, height = _LEFT + _SIDE + 12, _TOP + _SIDE + _COUNTS + 58
    most = max(part.n for part in bins)
    bars = "".join(_bar(part) + _count(part, most) for part in bins)
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    ticks = "".join(_tick(share) for share in (0, 0.25, 0.5, 0.75, 1))
    told = escaped(
        f"Reliability diagram: the share of right answers for each range of confidence, beside the "
        f"diagonal on which the two are equal; they are {error:.3f} apart on average."
    )
    return (
        f'<svg role="img" aria-label="{told}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">{ticks}{bars}'
        f'<line class="ideal" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{_TOP}"/>'
        f'<text x="{_LEFT + _SIDE / 2}" y="{height - 6}" text-anchor="middle">confidence</text>'
        f'<text transform="translate(12 {_TOP + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"share right</text>"
        f'<text transform="translate(12 {bottom + 12 + _COUNTS / 2}) rotate(-90)" '
        f'text-anchor="middle">photos</text></svg>'
    )


def _bar(part: ReliabilityBin) -> str:
    x, width = _LEFT + part.low * _SIDE + 1, (part.high - part.low) * _SIDE - 2
    tall = part.accuracy * _SIDE
    y = _TOP + _SIDE
    dot_x, dot_y = _LEFT + part.confidence * _SIDE, y - tall
    return (
        f'<rect class="bar" x="{x:.1f}" y="{y - tall:.1f}" width="{width:.1f}" '
        f'height="{tall:.1f}"/><circle class="dot" cx="{dot_x:.1f}" cy="{dot_y:.1f}" r="3"/>'
    )


def _count(part: ReliabilityBin, most: int) -> str:
    x, width = _LEFT + part.low * _SIDE + 1, (part.high - part.low) * _SIDE - 2
    tall = _COUNTS * part.n / most
    y = _TOP + _SIDE + 12 + _COUNTS - tall
    return (
        f'<rect class="few" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}">'
        f"<title>{part.n:,}</title></rect>"
    )


def _tick(share: float) -> str:
    x, y = _LEFT + share * _SIDE, _TOP + _SIDE - share * _SIDE
    right, low = _LEFT + _SIDE, _TOP + _SIDE + 12 + _COUNTS
    return (
        f'<line class="axis" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>'
        f'<text x="{x:.1f}" y="{low + 16}" text-anchor="middle">{share:g}</text>'
    )


def whisker(value: float, interval: Interval) -> str:
    """Return a dot on its interval, on a scale from 0 to 1."""
    low, high = (4 + 92 * end for end in interval)
    return (
        '<svg class="whisker" aria-hidden="true" viewBox="0 0 100 14" width="100" height="14">'
        '<line class="axis" x1="4" y1="7" x2="96" y2="7"/>'
        f'<line class="span" x1="{low:.1f}" y1="7" x2="{high:.1f}" y2="7"/>'
        f'<circle class="dot" cx="{4 + 92 * value:.1f}" cy="7" r="4"/></svg>'
    )


def matrix(counts: npt.NDArray[np.int64], class_names: Sequence[str]) -> str:
    """Return the confusion matrix: a table where its names fit, else a picture."""
    if len(class_names) > MOST_NAMED:
        return _grid(counts, class_names)
    head = "".join(f'<th scope="col"><span>{escaped(name)}</span></th>' for name in class_names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    body = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>'
        + "".join(
            _cell(int(count), float(share), right=row == column)
            for column, (count, share) in enumerate(zip(counts[row], shares[row], strict=True))
        )
        + "</tr>"
        for row, name in enumerate(class_names)
    )
    return (
        '<p class="soft">Photos by the class they show (rows) and the class they were taken for '
        "(columns); the stronger the colour, the larger the share of the row.</p>"
        '<div class="wide" role="region" aria-label="Confusion matrix" tabindex="0">'
        '<table class="matrix" aria-label="Confusion matrix">'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _cell(count: int, share: float, *, right: bool) -> str:
    kind = "right" if right else "wrong"
    shade = f' style="--share:{share:.2f}"' if count else ""
    return f'<td class="{kind}"{shade}>{count or ""}</td>'


def _grid(counts: npt.NDArray[np.int64], class_names: Sequence[str]) -> str:
    k, side = len(class_names), 8
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = "".join(
        f'<rect class="{"right" if row == column else "wrong"}" x="{column * side}" '
        f'y="{row * side}" width="{side}" height="{side}" '
        f'fill-opacity="{0.15 + 0.85 * shares[row, column]:.2f}"><title>'
        f"{escaped(class_names[row])} taken for {escaped(class_names[column])}: "
        f"{counts[row, column]:,}</title></rect>"
        for row, column in zip(*np.nonzero(counts), strict=True)
    )
    told = (
        f"Confusion matrix of {k} classes, rows what photos show, columns what they were taken "
        "for, in the order of the classes; the table below tells the most confused pairs."
    )
    return (
        f'<figure class="drawing"><svg class="grid" role="img" aria-label="{told}" '
        f'viewBox="0 0 {k * side} {k * side}" width="{k * side}" height="{k * side}">{cells}</svg>'
        f"<figcaption>Rows: what photos show. Columns: what they were taken for. {k} classes, in "
        "order; the diagonal is right.</figcaption></figure>\n"
    )
