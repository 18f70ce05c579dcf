"""The thresholds of an audit: outliers, near-duplicates and small classes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The settings of `audit`, checked."""

    threshold: float
    outlier: float
    few: int
