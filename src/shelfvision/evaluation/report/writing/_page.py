"""A report as one page of HTML that needs nothing else and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._pages.html import escaped, image, page
from shelfvision._photos.decode import resize_image
from shelfvision.auditing import AuditReport
from shelfvision.errors import DataError, ModelError
from shelfvision.evaluation.report._about import About
from shelfvision.evaluation.report._pictures import explained, photos_of
from shelfvision.evaluation.report._table import answered, between
from shelfvision.evaluation.report.writing import _facts, _figures
from shelfvision.evaluation.report.writing._card import sections
from shelfvision.evaluation.report.writing._document import Section, Table
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._mistakes import Mistake
from shelfvision.plot._heat import laid_over
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from shelfvision.evaluation.report._scored import Scored

_SIDE = 160
# Sections whose tables are folded away.
_FOLDED = ("calibration",)

_BESIDE = (
    "Beside each photo: where it saw the predicted class, dark where nothing speaks for it and "
    "light where most does (Grad-CAM)."
)

_STYLE = """
:root { --blue: #0969da; --red: #bc4c00; }
@media (prefers-color-scheme: dark) { :root { --blue: #58a6ff; --red: #ff9b52; } }
nav { font-size: .9rem; } nav a { display: inline-block; margin: 0 .9rem .2rem 0; }
h1 { margin-bottom: .5rem; } h2 { margin-bottom: .5rem; }
ul.tiles { grid-template-columns: repeat(auto-fill, minmax(min(100%, 11rem), 1fr)); }
.tiles b { display: block; font-size: 1.8rem; line-height: 1.3; }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding: .6rem 0 .2rem; }
tbody th { font-weight: normal; white-space: normal; min-width: 7rem; }
td { font-variant-numeric: tabular-nums; }
td.number, th.number { padding-left: .6rem; }
td.number { white-space: nowrap; }
td.text { overflow-wrap: anywhere; min-width: 5rem; }
summary { cursor: pointer; color: var(--note); margin-top: .8rem; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
.axis { stroke: var(--line); } .ideal { stroke: var(--text); stroke-dasharray: 5 4; }
.bar { fill: var(--blue); fill-opacity: .45; } .few { fill: var(--soft); fill-opacity: .6; }
.dot { fill: var(--blue); stroke: var(--page); }
.span { stroke: var(--blue); stroke-width: 3; stroke-opacity: .5; }
.whisker { min-width: 6rem; margin-top: .3rem; }
.grid { background: var(--card); }
rect.right { fill: var(--blue); } rect.wrong { fill: var(--red); }
figure.drawing { width: auto; margin: 1rem 0; }
table { width: auto; min-width: min(100%, 36rem); }
table.matrix { min-width: 0; }
.matrix td { text-align: center; min-width: 2.1rem; padding: .3rem; }
.matrix thead th { vertical-align: bottom; padding: .3rem; font-weight: normal; }
.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 12rem; }
.matrix .right, .matrix .wrong { background: color-mix(in srgb,
  var(--shade) calc(var(--share, 0) * 50%), var(--page)); }
.matrix .right { --shade: var(--blue); } .matrix .wrong { --shade: var(--red); }
ul.mistakes { grid-template-columns: repeat(auto-fill, minmax(min(100%, 20.5rem), 1fr)); }
.mistakes p { margin: 0; } .mistakes .row figure { flex: 1 1 8rem; }
.mistakes img { width: 100%; height: auto; }
@media (max-width: 30rem) { .interval { display: none; }
  ul.mistakes figure { width: auto; flex-basis: 40%; } }
@media print { :root { color-scheme: light; --text: #000; --soft: #444; --page: #fff; --card: #fff;
    --line: #bbb; --blue: #0550ae; --red: #953800; --note: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  li, figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; }
  .wide { overflow: visible; } * { print-color-adjust: exact; } }
""".lstrip()


def as_page(
    report: Scored,
    about: About,
    *,
    title: str,
    intended_use: str,
    audit: AuditReport | None,
    examples: int,
    heat_maps: bool,
) -> str:
    """Return the whole page."""
    heading = _facts.heading(report, title)
    found = sections(report, about, intended_use, audit, mistakes=examples)
    figures = {
        "confusion": _figures.matrix(report.confusion, report.class_names),
        "calibration": _diagram(report),
        "mistakes": _mistakes(report, about, examples, heat_maps=heat_maps),
        "classes": _classes(report),
    }
    links = "".join(f'<a href="#{one.code}">{escaped(one.title)}</a>' for one in found)
    parts = "\n".join(_section(one, figures.get(one.code, "")) for one in found)
    body = (
        f"<h1>{escaped(heading)}</h1>\n{_tiles(report)}"
        f'<nav aria-label="Sections">{links}</nav>\n{parts}'
    )
    return page(heading, body, style=_STYLE)


def _tiles(report: Scored) -> str:
    sure = report.intervals
    level = f"{100 * sure.confidence_level:g} %"
    baselines = f"always {report.majority_class!r}: {report.baseline:.3f}"
    if report.nearest_baseline is not None:
        baselines += f"; nearest neighbour: {report.nearest_baseline:.3f}"
    tiles = [
        (f"{report.accuracy:.3f}", f"accuracy ({level}: {between(sure.accuracy)})"),
        (f"{report.macro_f1:.3f}", f"macro F1 ({level}: {between(sure.macro_f1)})"),
        (f"{report.baseline:.3f}", f"baseline ({baselines})"),
        (f"{report.calibration_error:.3f}", "calibration error: how far confidence is from truth"),
    ]
    if report.review is not None:
        share = f"{100 * report.review.coverage:.0f} %"
        tiles.append((share, "accepted unseen; the rest goes to review"))
    items = "".join(
        f'<li><b>{value}</b><span class="soft">{escaped(told)}</span></li>' for value, told in tiles
    )
    return f'<ul class="tiles">{items}</ul>\n'


def _section(section: Section, figure: str) -> str:
    if section.code == "limits":
        items = "".join(f"<li>{escaped(words)}</li>" for words in section.paragraphs)
        words = f'<ul class="plain">{items}</ul>'
    else:
        words = "".join(f"<p>{escaped(words)}</p>" for words in section.paragraphs)
    # The pictures and bars of these say what the tables say.
    own = figure and section.code in ("mistakes", "classes")
    tables = "" if own else "".join(_table(table, section.code) for table in section.tables)
    return (
        f'<section id="{section.code}">\n<h2>{escaped(section.title)}</h2>\n{words}\n'
        f"{figure}{tables}</section>"
    )


def _table(table: Table, code: str) -> str:
    head = "".join(
        f'<th scope="col"{_kind(place, name, table, cell=False)}>{escaped(name)}</th>'
        for place, name in enumerate(table.head)
    )
    body = "".join(f"<tr>{_row(row, table)}</tr>" for row in table.rows)
    written = (
        f'<div class="wide" role="region" aria-label="{escaped(table.caption)}" tabindex="0">'
        f"<table><caption>{escaped(table.caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>\n"
    )
    if code not in _FOLDED or len(table.rows) <= 1:
        return written
    return f"<details><summary>{escaped(table.caption)}</summary>{written}</details>\n"


def _row(row: Sequence[str], table: Table) -> str:
    first, *rest = row
    cells = "".join(
        f"<td{_kind(place, table.head[place], table, cell=True)}>{escaped(cell)}</td>"
        for place, cell in enumerate(rest, 1)
    )
    return f'<th scope="row">{escaped(first)}</th>{cells}'


def _kind(place: int, name: str, table: Table, *, cell: bool) -> str:
    long = name == "what to do"
    if place < table.n_text or long:
        return ' class="text"' if cell and place else ""
    return ' class="number"'


def _classes(report: Scored) -> str:
    """Return the table of classes, with a bar for each."""
    rows = []
    named = answered(report)
    for name, scores in _facts.worst_first(report):
        sure = report.intervals.per_class[name]
        bar = _figures.whisker(scores.f1, sure.f1) if scores.support else ""
        numbers = "".join(
            _score(value, ends) if told else '<td class="number">-</td>'
            for value, ends, told in (
                (scores.f1, sure.f1, scores.support),
                (scores.precision, sure.precision, name in named),
                (scores.recall, sure.recall, scores.support),
            )
        )  # fmt: skip
        rows.append(
            f'<tr><th scope="row">{escaped(name)}</th><td class="number">{scores.support:,}</td>'
            f'<td class="number">{bar}</td>{numbers}</tr>'
        )
    head = "".join(
        f'<th scope="col" class="number">{name}</th>' for name in ("F1", "precision", "recall")
    )
    return (
        '<div class="wide" role="region" aria-label="Scores of every class" tabindex="0">'
        '<table><thead><tr><th scope="col">class</th>'
        '<th scope="col" class="number">photos</th><th scope="col" class="number">F1, 0 to 1</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _score(value: float, ends: Interval) -> str:
    told = f'<span class="soft interval">{between(ends)}</span>'
    return f'<td class="number">{value:.3f} {told}</td>'


def _diagram(report: Scored) -> str:
    drawn = _figures.reliability(report.reliability, report.calibration_error)
    told = (
        "Bars: the share of right answers for each range of confidence; dots: at their mean "
        "confidence. On the dashed line the two are equal; below it, it claims too much."
    )
    return f'<figure class="drawing">{drawn}<figcaption>{told}</figcaption></figure>\n'


def _mistakes(report: Scored, about: About, examples: int, *, heat_maps: bool) -> str:
    """Return the most confident mistakes as pictures, or nothing where there are no photos."""
    if not examples or about.photos is None or not len(report.mistakes()):
        return ""
    mistakes = report.top_mistakes(examples)
    photos = photos_of(mistakes, about)
    heated, why = _heated(mistakes, photos, about) if heat_maps else ({}, "")
    items = "\n".join(
        f"<li>{_told(mistake)}{_pair(mistake, photo, heated.get(mistake.row))}</li>"
        for mistake, photo in zip(mistakes, photos, strict=True)
    )
    words = _BESIDE if heated else why
    note = f"<p>{escaped(words)}</p>" if words else ""
    return f'{note}<ul class="mistakes">\n{items}\n</ul>\n'


def _heated(
    mistakes: Sequence[Mistake], photos: Sequence[Image | None], about: About
) -> tuple[dict[int, Image], str]:
    """Return photos under their heat maps by row, or why there are none."""
    readable = [
        (one, photo) for one, photo in zip(mistakes, photos, strict=True) if photo is not None
    ]
    if about.classifier is None or not readable:
        return {}, ""
    try:
        found = explained([one for one, _ in readable], np.stack([p for _, p in readable]), about)
    except (DataError, ModelError) as error:
        return {}, f"There are no heat maps: {error}."
    pairs = zip(readable, found.images, found.heat_maps, strict=True)
    return {one.row: laid_over(seen, heat) for (one, _), seen, heat in pairs}, ""


def _told(mistake: Mistake) -> str:
    return (
        f"<p><b>{escaped(mistake.predicted)}</b> {100 * mistake.confidence:.0f} %, labelled "
        f'<b>{escaped(mistake.true)}</b><br><span class="soft">{escaped(mistake.id)}</span></p>'
    )


def _pair(mistake: Mistake, photo: Image | None, heated: Image | None) -> str:
    if photo is None:
        return '<span class="gone">cannot be read</span>'
    alt = f"{mistake.id}, labelled {mistake.true}, taken for {mistake.predicted}"
    pictures = [_figure(photo, alt)]
    if heated is not None:
        pictures.append(_figure(heated, f"where {mistake.predicted} was seen in {mistake.id}"))
    return f'<div class="row">{"".join(pictures)}</div>'


def _figure(pixels: Image, alt: str) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = pixels if scale == 1 else resize_image(pixels, image_size=size)
    return f"<figure>{image(small, alt=alt)}</figure>"
