"""An audit report as one HTML file that needs nothing else and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from shelfvision._pages.html import escaped, image, page
from shelfvision.auditing._finding import Finding
from shelfvision.auditing._look import Photos
from shelfvision.auditing._text import examples as worst
from shelfvision.auditing._text import heading
from shelfvision.errors import PhotoError

_SIDE = 144
# Photos of one set that are shown.
_MEMBERS = 8


def as_page(photos: Photos, findings: Sequence[Finding], *, examples: int) -> str:
    """Return the whole page."""
    sections = "\n".join(_section(photos, found, examples) for found in findings)
    body = f"""<h1>Is this data fit to train on?</h1>
<p>{escaped(heading(photos, findings))}.</p>
{_classes(photos)}
<div class="wide">{as_table(photos, findings, links=True)}</div>
{sections}"""
    return page(f"Audit of {len(photos):,} photos", body)


def as_table(photos: Photos, findings: Sequence[Finding], *, links: bool = False) -> str:
    """Return the findings as a table; names are escaped."""
    head = (
        "<thead><tr><th>severity</th><th>finding</th><th class='number'>count</th>"
        "<th class='examples'>such as</th></tr></thead>"
    )
    body = "".join(_table_row(found, links=links) for found in findings)
    caption = "" if links else f"<caption>{escaped(heading(photos, findings))}</caption>"
    return f"<table>{caption}{head}<tbody>{body}</tbody></table>"


def _table_row(found: Finding, *, links: bool) -> str:
    code = f'<a href="#{found.code}">{found.code}</a>' if links else found.code
    count = f"{found.count:,}" if found.count else ""
    return (
        f'<tr><td class="{found.severity} severity">{found.severity}</td>'
        f'<td class="code">{code}</td><td class="number">{count}</td>'
        f'<td class="examples soft">{escaped(worst(found))}</td></tr>'
    )


def _classes(photos: Photos) -> str:
    counts = sorted(photos.counts().items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{escaped(name)} {count:,}" for name, count in counts)
    return f"<details><summary>Photos of each class</summary><p>{told}</p></details>"


def _section(photos: Photos, found: Finding, examples: int) -> str:
    shown = min(examples, found.count)
    more = f'<p class="soft">{shown:,} of {found.count:,} shown, the worst first.</p>'
    return (
        f'<section id="{found.code}">\n'
        f'<h2><span class="{found.severity}">{found.severity}</span> {found.code}</h2>\n'
        f"<p>{escaped(found.message)}.</p>\n"
        f"{_listing(photos, found, shown)}{more if shown < found.count else ''}</section>"
    )


def _listing(photos: Photos, found: Finding, shown: int) -> str:
    if not shown:
        return ""
    if not found._rows or found.code == "unreadable":
        items = [_told(found, number) for number in range(shown)]
        return _list("plain", items)
    largest = max(map(len, found._rows))
    if largest > 1:
        kind = "sets" if largest > 2 else "pairs"
        return _list(kind, [_set(photos, found, number) for number in range(shown)])
    return _list(
        "singles",
        [_figure(photos, found._rows[number][0], found.details[number]) for number in range(shown)],
    )


def _list(kind: str, items: Sequence[str]) -> str:
    return f'<ul class="{kind}">\n' + "\n".join(f"<li>{item}</li>" for item in items) + "\n</ul>\n"


def _told(found: Finding, number: int) -> str:
    """Return a file or a class in words."""
    detail = f'<span class="soft">{escaped(found.details[number])}</span>'
    members = found.sets[number] if found.sets else ()
    return "".join(f"<b>{escaped(name)}</b><br>" for name in members) + detail


def _set(photos: Photos, found: Finding, number: int) -> str:
    members = found._rows[number]
    figures = "".join(_figure(photos, photo, "") for photo in members[:_MEMBERS])
    rest = len(members) - _MEMBERS
    more = f'<p class="soft">and {rest:,} more</p>' if rest > 0 else ""
    return f'{escaped(found.details[number])}<div class="row">{figures}</div>{more}'


def _figure(photos: Photos, photo: int, detail: str) -> str:
    part = photos.part(photo)
    lines = [
        f"<b>{escaped(photos.label(photo))}{f', {part}' if part else ''}</b>",
        escaped(photos.ids[photo]),
        escaped(detail),
    ]
    caption = "<br>".join(line for line in lines if line)
    return f"<figure>{_picture(photos, photo)}<figcaption>{caption}</figcaption></figure>"


def _picture(photos: Photos, photo: int) -> str:
    try:
        picture = photos.picture(photo, _SIDE)
    except PhotoError:
        return '<span class="gone">cannot be read</span>'
    return image(picture, alt=photos.ids[photo])
