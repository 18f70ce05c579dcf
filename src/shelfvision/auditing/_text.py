"""An audit report as plain text."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from shelfvision._text import printable, shortened
from shelfvision.auditing._finding import SEVERITIES, Finding
from shelfvision.auditing.looks import AuditedPhotos

_WIDTH = 96
_NAME = 40
_EXAMPLES = 2


def audit_heading(photos: AuditedPhotos, findings: Sequence[Finding]) -> str:
    """Return a summary in one line."""
    n_classes = len(photos.class_names)
    classes = f"{n_classes} class{'es' if n_classes != 1 else ''}"
    counts = Counter(found.severity for found in findings)
    shown = ", ".join(
        f"{counts[kind]} {kind}{'s' if counts[kind] > 1 else ''}"
        for kind in SEVERITIES
        if counts[kind]
    )
    plural = "" if len(photos) == 1 else "s"
    return f"{len(photos):,} photo{plural} of {classes}: {shown or 'nothing found'}"


def audit_text(photos: AuditedPhotos, findings: Sequence[Finding]) -> str:
    """Return a table of findings with examples, and a sentence on each."""
    lines = [audit_heading(photos, findings)]
    if not findings:
        return lines[0]
    rows = [("severity", "code", "count", "examples")]
    rows += [
        (found.severity, found.code, f"{found.count:,}" if found.count else "", examples(found))
        for found in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines.append("")
    for severity, code, count, shown in rows:
        cells = severity.ljust(widths[0]), code.ljust(widths[1]), count.rjust(widths[2]), shown
        lines.append("  ".join(cells).rstrip())
    lines.append("")
    for found in findings:
        sentence = printable(f"{found.code}: {found.message}.")
        lines += textwrap.wrap(sentence, _WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def examples(found: Finding) -> str:
    """Return the worst photos or details of a finding, in short."""
    if not found.sets:
        return "; ".join(printable(detail) for detail in found.details[:_EXAMPLES])
    shown = [" = ".join(short_id(name) for name in members[:2]) for members in found.sets]
    few = 1 if len(found.sets[0]) > 1 else _EXAMPLES
    return ", ".join(shown[:few])


def short_id(name: str, limit: int = _NAME) -> str:
    """Return a printable name, shortened at its start, where names are often identical."""
    return shortened(name, limit, keep_end=True)
