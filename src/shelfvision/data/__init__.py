"""Photos and their labels: reading, describing and dividing them."""

from shelfvision._photos.decode import memory_to_decode
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import GroupLink
from shelfvision.data.finding._skipped import SkippedFile, SkippedFiles
from shelfvision.data.splitting._splits import Splits
from shelfvision.data.splitting._splitter import SeededSplitter
from shelfvision.data.splitting.leaks import Leak

__all__ = [
    "Dataset",
    "DecodeLimits",
    "GroupLink",
    "Leak",
    "Preprocessing",
    "SeededSplitter",
    "SkippedFile",
    "SkippedFiles",
    "Splits",
    "memory_to_decode",
]
