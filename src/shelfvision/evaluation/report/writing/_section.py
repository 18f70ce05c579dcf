"""The content of a report, before it is written as HTML or Markdown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTable:
    """Rows of text under a heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_text: int = 1
    """The number of columns of text, from the left; the others are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a report."""

    code: str
    """A short stable identifier, the same in every report."""
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[SectionTable, ...] = ()
