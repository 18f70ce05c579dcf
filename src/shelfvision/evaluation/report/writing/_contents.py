"""All sections of a report, in order."""

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
    """Return the sections that apply to a report, in order."""
    worst = report.top_mistakes(mistakes) if mistakes else ()
    found = (
        _score_sections.summary_section(report),
        _source_sections.subject_section(report, intended_use),
        _score_sections.classes_section(report),
        _score_sections.confusion_section(report),
        _score_sections.calibration_section(report),
        _score_sections.review_section(report),
        _score_sections.unknown_section(report),
        _score_sections.slices_section(report),
        _score_sections.mistakes_section(worst, len(report.mistakes())) if mistakes else None,
        _source_sections.leakage_section(report),
        _source_sections.audited_section(audit),
        _score_sections.limits_section(report),
        _source_sections.provenance_section(report),
    )
    return [section for section in found if section is not None]
