"""Score and prepare photos in Ray Data, Dask, Spark or any other engine.

A `Scorer` is one callable from a batch of photos to a batch of predictions. The engine reads the
photos, distributes the batches, repeats failed tasks and writes the results; this package starts
and imports no engine.
"""

from shelfvision.scale._scorer import Scorer
from shelfvision.scale._settings import KeptType, PhotoKind
from shelfvision.scale.preparing import (
    NearBuckets,
    NearPairs,
    PhotoFeatures,
    audit_features,
    near_groups,
)

__all__ = [
    "KeptType",
    "NearBuckets",
    "NearPairs",
    "PhotoFeatures",
    "PhotoKind",
    "Scorer",
    "audit_features",
    "near_groups",
]
