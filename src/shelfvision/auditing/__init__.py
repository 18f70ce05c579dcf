"""What is wrong with a set of photos, told before anything is trained on it."""

from shelfvision.auditing._audit import audit
from shelfvision.auditing._finding import Finding
from shelfvision.auditing._report import AuditReport

__all__ = ["AuditReport", "Finding", "audit"]
