"""Format the faults that a check found, one line each."""

from __future__ import annotations

from collections.abc import Iterable


def listed_faults(faults: Iterable[str]) -> str:
    """Return the distinct faults, one line each, or an empty string without faults."""
    return "".join(f"\n- {fault}" for fault in dict.fromkeys(faults))


def described_error(error: BaseException) -> str:
    """Return the type and the message of an error in an extension's code, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
