"""Read labelled photos and split them into training, validation and test sets.

`Dataset` is an immutable, lazy sequence of photos and labels. `SeededSplitter` divides it into
`Splits`, which keep related photos together and refuse data leakage. `SeededFolds` gives its folds
to scikit-learn. `DecodeLimits` and `Preprocessing` describe how a file becomes pixels.

>>> import shelfvision as shv
>>> dataset = shv.samples.render_products({"juice": 8, "milk": 8})
>>> train, validation, test = shv.SeededSplitter().split(dataset)
"""

from shelfvision._photos.decode import memory_to_decode
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision.data._dataset import Dataset
from shelfvision.data._lineage import GroupLink
from shelfvision.data.folds._seeded_folds import SeededFolds
from shelfvision.data.splitting._splits import Splits
from shelfvision.data.splitting._splitter import SeededSplitter
from shelfvision.data.splitting.leaks import Leak

__all__ = [
    "Dataset",
    "DecodeLimits",
    "GroupLink",
    "Leak",
    "Preprocessing",
    "SeededFolds",
    "SeededSplitter",
    "SkippedFile",
    "SkippedFiles",
    "Splits",
    "memory_to_decode",
]
