"""`RawAnswer`: one answer of a file, as text, before it is checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """The answer of a person for one photo, as a file has it."""

    id: str
    """The photo id."""
    label: str
    """The class name; empty without one."""
    status: str
    """The status; empty without one."""
    comment: str
    """A remark; empty without one."""
    where: str
    """The location of the answer, for messages: ``"line 3 of 'corrections.csv'"``."""
