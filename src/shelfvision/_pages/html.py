"""Pages of HTML that stand alone: one style, escaped text, pictures inside, no script."""

from __future__ import annotations

import base64
import io

from PIL import Image as PillowImage

from shelfvision._text import html_text
from shelfvision.protocols import Image

STYLE = """
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
"""The look of every page: one column, on phone and paper, in light and dark."""


def page(title: str, body: str, *, style: str = "") -> str:
    """Return a whole page; `body` is HTML, `title` any text."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escaped(title)}</title>
<style>
{STYLE}
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def image(pixels: Image, *, alt: str) -> str:
    """Return an ``img`` with its pixels inside."""
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="{escaped(alt)}" src="data:image/jpeg;base64,{data}">'


def escaped(text: str) -> str:
    """Return any text as HTML shows it, in an element or in a quoted attribute."""
    return html_text(text)
