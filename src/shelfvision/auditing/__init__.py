"""Audits of photos: find faults of a dataset before you train on it."""

from shelfvision.auditing._audit import audit
from shelfvision.auditing._finding import Finding
from shelfvision.auditing._report import AuditReport

__all__ = ["AuditReport", "Finding", "audit"]
