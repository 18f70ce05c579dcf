"""The list of faults that a check found, one sentence and one line for each."""

from __future__ import annotations

from collections.abc import Iterable


def listed_faults(faults: Iterable[str]) -> str:
    """Return the distinct faults, a line each; an empty text where there are none."""
    return "".join(f"\n- {fault}" for fault in dict.fromkeys(faults))


def told_error(error: BaseException) -> str:
    """Return the type and the message of an error of somebody else's code."""
    return f"{type(error).__name__}: {error}"
