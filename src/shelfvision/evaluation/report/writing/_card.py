"""A report as a model card: Markdown with tables in the way of GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._text import markdown_text as escaped
from shelfvision.auditing import AuditReport
from shelfvision.evaluation.report._about import About
from shelfvision.evaluation.report.writing import _facts, _origin
from shelfvision.evaluation.report.writing._document import Section, Table

if TYPE_CHECKING:
    from shelfvision.evaluation.report._scored import Scored

_MISTAKES = 10


def as_card(
    report: Scored, about: About, *, title: str, intended_use: str, audit: AuditReport | None
) -> str:
    """Return the whole card."""
    found = sections(report, about, intended_use, audit, mistakes=_MISTAKES)
    parts = [f"# {escaped(_facts.heading(report, title))}", *map(_written, found)]
    return "\n\n".join(parts) + "\n"


def sections(
    report: Scored, about: About, intended_use: str, audit: AuditReport | None, *, mistakes: int
) -> list[Section]:
    """Return everything there is to say, in the order in which one asks."""
    worst = report.top_mistakes(mistakes) if mistakes else ()
    found = (
        _facts.summary(report),
        _origin.subject(report, about, intended_use),
        _facts.classes(report),
        _facts.confusion(report),
        _facts.calibration(report),
        _facts.review(report),
        _facts.slices(report),
        _facts.mistakes(worst, len(report.mistakes())) if mistakes else None,
        _origin.leakage(report),
        _origin.audited(audit),
        _facts.limits(report),
        _origin.provenance(about),
    )
    return [section for section in found if section is not None]


def _written(section: Section) -> str:
    parts = [f"## {escaped(section.title)}", *map(escaped, section.paragraphs)]
    if section.code == "limits":
        parts[1:] = ["\n".join(f"- {escaped(words)}" for words in section.paragraphs)]
    return "\n\n".join([*parts, *map(_table, section.tables)])


def _table(table: Table) -> str:
    rules = ["---" if place < table.n_text else "---:" for place in range(len(table.head))]
    rows = [table.head, *table.rows]
    lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(rules) + " |", *lines[1:]])
