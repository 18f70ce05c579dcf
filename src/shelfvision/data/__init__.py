"""Photos and their labels: reading, describing and dividing them."""

from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import GroupLink
from shelfvision.data.auditing._audit import audit
from shelfvision.data.auditing._finding import Finding
from shelfvision.data.auditing._report import AuditReport
from shelfvision.data.decoding._decode import memory_to_decode
from shelfvision.data.decoding._limits import DecodeLimits
from shelfvision.data.finding._skipped import SkippedFile, SkippedFiles
from shelfvision.data.splitting._leaks import Leak
from shelfvision.data.splitting._splits import Splits
from shelfvision.data.splitting._splitter import SeededSplitter

__all__ = [
    "AuditReport",
    "Dataset",
    "DecodeLimits",
    "Finding",
    "GroupLink",
    "Leak",
    "SeededSplitter",
    "SkippedFile",
    "SkippedFiles",
    "Splits",
    "audit",
    "memory_to_decode",
]
