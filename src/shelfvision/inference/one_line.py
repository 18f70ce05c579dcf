"""Values of a manifest in one line, as `inspect` and the command line print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["in_one_line"]

_LONGEST = 240
_MOST = 12


def in_one_line(value: object) -> str:
    """Return a value in one line of a length that can be read."""
    text = _written(value)
    # A file's text must not move a terminal's cursor, or break the table.
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        # What is short comes first, lest what is long leave no room for it.
        parts = sorted(value.items(), key=lambda item: isinstance(item[1], Mapping | tuple | list))
        rest = [f"{name} {_inner(part)}" for name, part in parts if name != "name"]
        # What has a name, an augmenter say, is told by it.
        name = value.get("name")
        if isinstance(name, str):
            return name + (f" ({_cut(rest)})" if rest else "")
        return _cut(rest)
    if isinstance(value, tuple | list):
        return _cut([_inner(part) for part in value])
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else repr(value)


def _inner(value: object) -> str:
    """Return a value inside another one, in brackets where its commas would mislead."""
    text = _written(value)
    plain = isinstance(value, str) or "," not in text or text.endswith(")")
    return text if plain else f"[{text}]"


def _cut(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST
    text = ", ".join(parts[:_MOST]) or "none"
    return text if more <= 0 else f"{text} and {more} more"
