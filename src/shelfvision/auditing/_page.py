"""An audit report as a self-contained HTML page without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfvision._pages.html import photo_uri, render_template
from shelfvision._pages.notebook import notebook_view
from shelfvision.auditing._finding import Finding
from shelfvision.auditing._text import audit_heading
from shelfvision.auditing._text import examples as worst
from shelfvision.auditing.looks import AuditedPhotos
from shelfvision.errors import PhotoError

_SIDE = 144
# The maximum number of photos of one set on the page.
_MEMBERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A photo with its caption."""

    uri: str | None
    """None for a photo that cannot be read."""
    id: str
    place: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownFault:
    """One fault: its photos or its detail."""

    detail: str
    names: Sequence[str] = ()
    photos: Sequence[_Figure] = ()
    left_out: int = 0


def audit_page(photos: AuditedPhotos, findings: Sequence[Finding], *, examples: int) -> str:
    """Return the page."""
    return render_template(
        "audit.html",
        title=f"Audit of {len(photos):,} photos",
        heading=audit_heading(photos, findings),
        classes=sorted(photos.counts().items(), key=lambda pair: -pair[1]),
        rows=_rows(findings),
        sections=[_section(photos, found, examples) for found in findings],
    )


def audit_table(photos: AuditedPhotos, findings: Sequence[Finding]) -> str:
    """Return the findings as a table, for notebooks."""
    rows = [(found.severity, found.code, found.count or "", worst(found)) for found in findings]
    return notebook_view(
        f"Audit: {audit_heading(photos, findings)}",
        columns=("severity", "finding", "count", "examples"),
        rows=rows,
    )


def _rows(findings: Sequence[Finding]) -> list[dict[str, object]]:
    return [
        {
            "severity": found.severity,
            "code": found.code,
            "count": found.count,
            "examples": worst(found),
        }
        for found in findings
    ]


def _section(photos: AuditedPhotos, found: Finding, examples: int) -> dict[str, object]:
    kind = _kind(found)
    shown = range(min(examples, found.count))
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "count": found.count,
        "kind": kind,
        "entries": [_entry(photos, found, number, kind) for number in shown],
    }


def _kind(found: Finding) -> str:
    """Return the style of the list: text for files and classes, pictures for photos."""
    if not found.rows or found.code == "unreadable":
        return "plain"
    largest = max(map(len, found.rows))
    return "singles" if largest == 1 else "pairs" if largest == 2 else "sets"


def _entry(photos: AuditedPhotos, found: Finding, number: int, kind: str) -> _ShownFault:
    detail = found.details[number]
    if kind == "plain":
        return _ShownFault(detail=detail, names=found.sets[number] if found.sets else ())
    members = found.rows[number]
    if kind == "singles":
        return _ShownFault(detail=detail, photos=[_figure(photos, members[0], detail)])
    return _ShownFault(
        detail=detail,
        photos=[_figure(photos, photo, "") for photo in members[:_MEMBERS]],
        left_out=max(len(members) - _MEMBERS, 0),
    )


def _figure(photos: AuditedPhotos, photo: int, detail: str) -> _Figure:
    part = photos.part(photo)
    try:
        uri = photo_uri(photos.picture(photo, _SIDE))
    except PhotoError:
        uri = None
    return _Figure(
        uri=uri,
        id=photos.ids[photo],
        place=f"{photos.label(photo)}, {part}" if part else photos.label(photo),
        detail=detail,
    )
