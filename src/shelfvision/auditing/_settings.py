"""What an audit calls an outlier, a twin, a burst or a small class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The settings of `audit`, checked."""

    threshold: float
    outlier: float
    few: int
