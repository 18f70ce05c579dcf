"""The thresholds of an audit: outliers, near-duplicates and small classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex

from shelfvision._validation import as_integer, as_number


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The settings of `audit`, checked."""

    threshold: float
    outlier: float
    few: int


def audit_settings(
    *, threshold: SupportsFloat, outlier: SupportsFloat, few: SupportsIndex
) -> AuditSettings:
    """Return the settings, or refuse values out of range."""
    return AuditSettings(
        threshold=as_number("threshold", threshold, minimum=0.5, maximum=1.0),
        outlier=as_number("outlier", outlier, minimum=1.0, maximum=100.0),
        few=as_integer("few", few, minimum=0),
    )
