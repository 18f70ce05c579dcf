"""What a report says, before it is written as HTML or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTable:
    """Rows of text under a heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_text: int = 1
    """How many columns, from the left, are text; the others are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report."""

    code: str
    """A short stable word, the same in every report."""
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[SectionTable, ...] = ()
