r"""Escaping of untrusted text for terminals, CSV, HTML, Markdown and JSON.

Names, ids, labels, paths and messages of other libraries may contain terminal escape sequences,
characters that reverse the reading direction, spreadsheet formulas and markup. Code that shows such
text passes it through the function for its output format; the text itself is never changed.

============ ==================================================================================
shown in     function
============ ==================================================================================
terminal,    `printable`: control, direction and invisible characters are shown escaped; letters
log, message of every script, accents and emoji stay
CSV          `csv_cell`: the same, and no cell is a formula; `from_csv_cell` gives the text back
HTML         `printable`, which every template of ``_pages`` applies before it escapes a text
Markdown     `markdown_text`: `printable` on one line without markup
JSON         `json_text`: invisible characters as ``\uXXXX``, which every reader undoes
============ ==================================================================================

Examples
--------
>>> printable("Milk \x1b[2J\u202e")
'Milk \\x1b[2J\\u202e'
>>> csv_cell('=HYPERLINK("http://x")')
'\'=HYPERLINK("http://x")'
"""

from __future__ import annotations

import json
import re
import unicodedata

# Characters that Unicode calls default-ignorable: they are invisible. Python counts some of them as
# printable (Hangul fillers, variation selectors).
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe0e\ufe0f"
_KEYCAPS = "0123456789#*"
# Visible format characters, such as the Arabic sign before a number.
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd")
# Emoji that are newer than the Unicode tables of this Python.
_PICTURES = range(0x1F000, 0x1FB00)
# More accents on one letter cover the lines above and below.
_MOST_MARKS = 8

_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# Positions where an apostrophe prevents a formula: at the start of a cell, and after characters
# that separate cells in other locales.
_START = re.compile(rf"^(?=[\s']*[{_FORMULA}])")
_INSIDE = re.compile(rf"(?<=[;\t\r\n])(?=[ ']*[{_FORMULA}])")
_GUARDED_START = re.compile(rf"^'(?=[\s']*[{_FORMULA}])")
_GUARDED_INSIDE = re.compile(rf"(?<=[;\t\r\n])'(?=[ ']*[{_FORMULA}])")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
# Patterns that Markdown turns into links, lists, headings and rules.
_LINK = re.compile(r"(:)(?=//)|(?<=www)(\.)", re.IGNORECASE)
_LIST = re.compile(r"^(?=[-+](?:\s|$)|[-=]{2,}\s*$)(?!-$)")
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text that is safe to show in a terminal, a log or a message.

    Control characters, direction overrides, invisible characters, lone surrogates and characters
    without a meaning are written as Python writes them: ``\x1b``, ``\u202e``. Letters, accents
    and emoji stay, with the joiners and selectors that scripts and emoji need.

    Parameters
    ----------
    text : str
        Any text.
    lines : bool, default=False
        Whether line breaks (``\n``) stay, for text with intended lines.

    Returns
    -------
    str
        The escaped text, or the text itself if it is harmless. It cannot be converted back.

    Examples
    --------
    >>> printable("Käse\n茶 🥛")
    'Käse\\n茶 🥛'
    """
    if _is_plain(text):
        return text
    return "".join(
        letter if (lines and letter == "\n") or _is_harmless(text, place) else _named(letter)
        for place, letter in enumerate(text)
    )


def shortened(text: str, width: int, *, keep_end: bool = False) -> str:
    """Return a text as `printable` does, cut to `width` characters at its end or its front."""
    shown = printable(text)
    if len(shown) <= width:
        return shown
    return "…" + shown[1 - width :] if keep_end else shown[: width - 1] + "…"


def csv_cell(text: str) -> str:
    r"""Return a text as a CSV cell that spreadsheets do not evaluate.

    An apostrophe is added before a formula (``=``, ``+``, ``-``, ``@``,
    also after spaces, a tab or a semicolon), as OWASP advises. What `printable` escapes is
    escaped, each as ``\x1b`` or ``\u202e``, and so is a backslash that would read as such an
    escape. Line breaks stay, because the CSV writer quotes them. Do not use it for numbers.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        A text that `from_csv_cell` converts back exactly.

    References
    ----------
    .. [1] OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.
    """
    guarded = _INSIDE.sub("'", _START.sub("'", text))
    if guarded.isascii() and guarded.isprintable() and "\\" not in guarded:
        return guarded
    return "".join(
        letter if _stays_in_csv(guarded, place) else _escaped(letter)
        for place, letter in enumerate(guarded)
    )


def from_csv_cell(cell: str) -> str:
    r"""Return the text that `csv_cell` escaped; for files that shelfvision wrote.

    Examples
    --------
    >>> from_csv_cell(csv_cell("=1+1\x00")) == "=1+1\x00"
    True
    """
    return unguarded(_ESCAPE.sub(_unescaped, cell) if "\\" in cell else cell)


def unguarded(cell: str) -> str:
    """Return a cell without the apostrophe that prevents a formula.

    For files from any tool: spreadsheets do not count this apostrophe as text either.

    Examples
    --------
    >>> unguarded("'=A1"), unguarded("'s-Hertogenbosch")
    ('=A1', "'s-Hertogenbosch")
    """
    if "'" not in cell:
        return cell
    return _GUARDED_INSIDE.sub("", _GUARDED_START.sub("", cell))


def markdown_text(text: str) -> str:
    """Return a text as one line of Markdown with escaped markup, links, cells and lists."""
    shown = _MARKUP.sub(r"\\\1", printable(text).lstrip())
    shown = _NUMBERED.sub(r"\1\\", _LIST.sub(r"\\", shown))
    return _LINK.sub(lambda found: f"\\{found[0]}", shown)


def json_text(value: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    r"""Return a value as JSON that is safe to show; parsers return the identical value.

    Invisible characters, controls and lone surrogates are written as ``\uXXXX``; with
    `ascii_only`, so is every character outside ASCII.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        letter if letter == "\n" or _is_harmless(text, place) else json.dumps(letter)[1:-1]
        for place, letter in enumerate(text)
    )


def _is_plain(text: str) -> bool:
    """Return whether every character is harmless, by a fast check."""
    if text.isascii():
        return text.isprintable()
    return text.isprintable() and not _INVISIBLE.search(text) and not _has_marks(text)


def _has_marks(text: str) -> bool:
    return any(unicodedata.category(letter) in ("Mn", "Me") for letter in text)


def _is_harmless(text: str, place: int) -> bool:
    letter = text[place]
    if letter in _JOINERS:
        return _joins(text, place)
    if letter in _SELECTORS:
        return _selects(text, place)
    if "\U000e0100" <= letter <= "\U000e01ef":
        # A selector of a variant of one Chinese character.
        before = text[place - 1] if place else ""
        return unicodedata.category(before or " ") == "Lo" and not _INVISIBLE.match(before)
    if _INVISIBLE.match(letter):
        return False
    kind = unicodedata.category(letter)
    if kind in ("Mn", "Me"):
        return not _is_heaped(text, place)
    return letter.isprintable() or kind == "Zs" or letter in _SEEN or ord(letter) in _PICTURES


def _joins(text: str, place: int) -> bool:
    """Return whether a joiner is between two characters of a script or emoji that needs it."""
    if not 0 < place < len(text) - 1 or not _may_join(text[place + 1]):
        return False
    if text[place - 1] in _SELECTORS:
        return _selects(text, place - 1)
    return _may_join(text[place - 1]) and not _is_heaped(text, place - 1)


def _may_join(letter: str) -> bool:
    """Return whether this is a visible letter, mark or symbol outside ASCII."""
    if letter.isascii() or _INVISIBLE.match(letter):
        return False
    return unicodedata.category(letter)[0] in "LMS" or ord(letter) in _PICTURES


def _selects(text: str, place: int) -> bool:
    """Return whether a selector changes the appearance of the character before it."""
    before = text[place - 1] if place else ""
    if not before or _INVISIBLE.match(before):
        return False
    if before.isascii():
        return before in _KEYCAPS and text[place + 1 : place + 2] == "\u20e3"
    return unicodedata.category(before)[0] in "LPS" or ord(before) in _PICTURES


def _is_heaped(text: str, place: int) -> bool:
    """Return whether a mark exceeds the maximum number of marks on one letter."""
    start = place - _MOST_MARKS
    return start >= 0 and all(
        unicodedata.category(letter) in ("Mn", "Me") for letter in text[start:place]
    )


def _stays_in_csv(text: str, place: int) -> bool:
    """Return whether a character needs no escape in CSV."""
    if text[place] != "\\":
        # Every CSV reader treats a quoted line break as part of the cell.
        return text[place] == "\n" or _is_harmless(text, place)
    found = _ESCAPE.match(text, place)
    return found is None or _unescaped(found) == found[0]


def _unescaped(found: re.Match[str]) -> str:
    number = int(found[1] or found[2] or found[3], 16)
    if number > 0x10FFFF:
        return found[0]
    letter = chr(number)
    return (
        letter if letter == "\\" or not letter.isascii() or not letter.isprintable() else found[0]
    )


def _named(letter: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or _escaped(letter)


def _escaped(letter: str) -> str:
    number = ord(letter)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
