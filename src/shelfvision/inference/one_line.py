"""Format the values of a manifest in one line each, for `inspect` and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["in_one_line"]

_LONGEST = 240
_MOST = 12


def in_one_line(value: object) -> str:
    """Return a value as one line of at most 240 printable characters."""
    text = _written(value)
    # Control characters in a file must not move the cursor of a terminal or break the table.
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        # Short values come first, so that they remain when the line is shortened.
        parts = sorted(value.items(), key=lambda item: isinstance(item[1], Mapping | tuple | list))
        rest = [f"{name} {_inner(part)}" for name, part in parts if name != "name"]
        # The name of an object, such as an augmenter, comes before its settings.
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
    """Return a nested value, in brackets if its commas would be ambiguous."""
    text = _written(value)
    plain = isinstance(value, str) or "," not in text or text.endswith(")")
    return text if plain else f"[{text}]"


def _cut(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST
    text = ", ".join(parts[:_MOST]) or "none"
    return text if more <= 0 else f"{text} and {more} more"
