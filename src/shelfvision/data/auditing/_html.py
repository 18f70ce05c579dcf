"""An audit report as one HTML file that needs nothing else and runs nothing."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

from PIL import Image as PillowImage

from shelfvision.data.auditing._finding import Finding
from shelfvision.data.auditing._look import Photos
from shelfvision.data.auditing._text import examples as worst
from shelfvision.data.auditing._text import heading, printable
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image

_SIDE = 144
# Photos of one set that are shown.
_MEMBERS = 8

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --page: #fff; --card: #f4f6f8;
  --line: #d0d7de; --error: #a40e26; --warning: #7a4b00; --note: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9aa5b1; --page: #0d1117; --card: #161b22; --line: #30363d;
    --error: #ff8a8a; --warning: #e3b341; --note: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 0; }
a { color: var(--note); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; }
th, td.severity { white-space: nowrap; }
section { border-top: 2px solid var(--line); margin-top: 2rem; padding-top: 1rem; }
.error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }
.severity { font-weight: 600; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  list-style: none; margin: 1rem 0; padding: 0; }
ul.sets { grid-template-columns: 1fr; }
ul.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 20.5rem), 1fr)); }
ul.plain { display: block; }
ul.plain li { margin-bottom: .5rem; }
li { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: .4rem; }
figure { margin: 0; width: 9rem; max-width: 100%; }
img { display: block; max-width: 100%; height: 9rem; object-fit: contain; object-position: left; }
.gone { display: flex; align-items: center; height: 9rem; color: var(--soft); }
figcaption, .soft { color: var(--soft); font-size: .8rem; line-height: 1.35; }
figcaption b { color: var(--text); font-weight: 600; }
@media (max-width: 30rem) { .examples { display: none; }
  figure { width: calc(50% - .4rem); } ul figure { width: 100%; }
  ul.sets figure, ul.pairs figure { width: calc(50% - .4rem); } }
""".strip()


def as_page(photos: Photos, findings: Sequence[Finding], *, examples: int) -> str:
    """Return the whole page."""
    sections = "\n".join(_section(photos, found, examples) for found in findings)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Audit of {len(photos):,} photos</title>
<style>
{_STYLE}
</style>
</head>
<body>
<main>
<h1>Is this data fit to train on?</h1>
<p>{_escaped(heading(photos, findings))}.</p>
{_classes(photos)}
<div class="wide">{as_table(photos, findings, links=True)}</div>
{sections}
</main>
</body>
</html>
"""


def as_table(photos: Photos, findings: Sequence[Finding], *, links: bool = False) -> str:
    """Return the findings as a table; names are escaped."""
    head = (
        "<thead><tr><th>severity</th><th>finding</th><th class='number'>count</th>"
        "<th class='examples'>such as</th></tr></thead>"
    )
    body = "".join(_table_row(found, links=links) for found in findings)
    caption = "" if links else f"<caption>{_escaped(heading(photos, findings))}</caption>"
    return f"<table>{caption}{head}<tbody>{body}</tbody></table>"


def _table_row(found: Finding, *, links: bool) -> str:
    code = f'<a href="#{found.code}">{found.code}</a>' if links else found.code
    count = f"{found.count:,}" if found.count else ""
    return (
        f'<tr><td class="{found.severity} severity">{found.severity}</td>'
        f'<td class="code">{code}</td><td class="number">{count}</td>'
        f'<td class="examples soft">{_escaped(worst(found))}</td></tr>'
    )


def _classes(photos: Photos) -> str:
    counts = sorted(photos.counts().items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{_escaped(name)} {count:,}" for name, count in counts)
    return f"<details><summary>Photos of each class</summary><p>{told}</p></details>"


def _section(photos: Photos, found: Finding, examples: int) -> str:
    shown = min(examples, found.count)
    more = f'<p class="soft">{shown:,} of {found.count:,} shown, the worst first.</p>'
    return (
        f'<section id="{found.code}">\n'
        f'<h2><span class="{found.severity}">{found.severity}</span> {found.code}</h2>\n'
        f"<p>{_escaped(found.message)}.</p>\n"
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
    detail = f'<span class="soft">{_escaped(found.details[number])}</span>'
    members = found.sets[number] if found.sets else ()
    return "".join(f"<b>{_escaped(name)}</b><br>" for name in members) + detail


def _set(photos: Photos, found: Finding, number: int) -> str:
    members = found._rows[number]
    figures = "".join(_figure(photos, photo, "") for photo in members[:_MEMBERS])
    rest = len(members) - _MEMBERS
    more = f'<p class="soft">and {rest:,} more</p>' if rest > 0 else ""
    return f'{_escaped(found.details[number])}<div class="row">{figures}</div>{more}'


def _figure(photos: Photos, photo: int, detail: str) -> str:
    part = photos.part(photo)
    lines = [
        f"<b>{_escaped(photos.label(photo))}{f', {part}' if part else ''}</b>",
        _escaped(photos.ids[photo]),
        _escaped(detail),
    ]
    caption = "<br>".join(line for line in lines if line)
    return f"<figure>{_image(photos, photo)}<figcaption>{caption}</figcaption></figure>"


def _image(photos: Photos, photo: int) -> str:
    try:
        picture = photos.picture(photo, _SIDE)
    except PhotoError:
        return '<span class="gone">cannot be read</span>'
    alternative = html.escape(printable(photos.ids[photo]), quote=True)
    return f'<img alt="{alternative}" src="data:image/jpeg;base64,{_jpeg(picture)}">'


def _jpeg(picture: Image) -> str:
    file = io.BytesIO()
    PillowImage.fromarray(picture).save(file, "JPEG", quality=80)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _escaped(text: str) -> str:
    return html.escape(printable(text))
