"""Save a report as an HTML page or as a model card, depending on the file's suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._storage import as_location, suffix_of_location, write_atomically
from shelfvision.auditing import AuditReport
from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation.report.writing._card import model_card_text
from shelfvision.evaluation.report.writing._page import report_page
from shelfvision.protocols import Location

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport


def save_report(
    report: EvaluationReport,
    path: Location,
    *,
    title: str,
    intended_use: str,
    audit: AuditReport | None,
    examples: int,
    heat_maps: bool,
) -> None:
    """Write the file; raise `InvalidParameterError` for another suffix."""
    target = as_location(path, writes=True)
    kind = suffix_of_location(target)
    if kind in (".html", ".htm"):
        text = report_page(
            report,
            title=title,
            intended_use=intended_use,
            audit=audit,
            examples=examples,
            heat_maps=heat_maps,
        )
    elif kind == ".md":
        text = model_card_text(report, title=title, intended_use=intended_use, audit=audit)
    else:
        raise InvalidParameterError(
            f"a report is saved as 'report.html' or 'card.md', but {str(target)!r} ends in "
            f"{kind!r}; use one of these endings, or to_dict() for JSON",
            code="not-an-option",
            parameter="path",
        )
    write_atomically(target, text.encode("utf-8", "backslashreplace"))
