"""Every section of a report, in the order in which one asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision.auditing import AuditReport
from shelfvision.evaluation.report.writing import _score_sections, _source_sections
from shelfvision.evaluation.report.writing._section import Section

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport


def sections(
    report: EvaluationReport,
    intended_use: str,
    audit: AuditReport | None,
    *,
    mistakes: int,
) -> list[Section]:
    """Return everything there is to say, in the order in which one asks."""
    worst = report.top_mistakes(mistakes) if mistakes else ()
    found = (
        _score_sections.summary(report),
        _source_sections.subject(report, intended_use),
        _score_sections.classes(report),
        _score_sections.confusion(report),
        _score_sections.calibration(report),
        _score_sections.review(report),
        _score_sections.slices(report),
        _score_sections.mistakes(worst, len(report.mistakes())) if mistakes else None,
        _source_sections.leakage(report),
        _source_sections.audited(audit),
        _score_sections.limits(report),
        _source_sections.provenance(report),
    )
    return [section for section in found if section is not None]
