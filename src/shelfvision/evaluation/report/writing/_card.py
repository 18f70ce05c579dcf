"""A report as a model card: Markdown with tables of GitHub's syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._text import markdown_text as escaped
from shelfvision.auditing import AuditReport
from shelfvision.evaluation.report.writing._contents import sections
from shelfvision.evaluation.report.writing._score_sections import report_heading
from shelfvision.evaluation.report.writing._section import Section, SectionTable

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport

_MISTAKES = 10


def model_card_text(
    report: EvaluationReport, *, title: str, intended_use: str, audit: AuditReport | None
) -> str:
    """Return the model card."""
    found = sections(report, intended_use, audit, mistakes=_MISTAKES)
    parts = [f"# {escaped(report_heading(report, title))}", *map(_written, found)]
    return "\n\n".join(parts) + "\n"


def _written(section: Section) -> str:
    parts = [f"## {escaped(section.title)}", *map(escaped, section.paragraphs)]
    if section.code == "limits":
        parts[1:] = ["\n".join(f"- {escaped(words)}" for words in section.paragraphs)]
    return "\n\n".join([*parts, *map(_table, section.tables)])


def _table(table: SectionTable) -> str:
    rules = ["---" if place < table.n_text else "---:" for place in range(len(table.head))]
    rows = [table.head, *table.rows]
    lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(rules) + " |", *lines[1:]])
