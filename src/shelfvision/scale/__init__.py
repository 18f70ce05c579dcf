"""Score and prepare photos in Ray Data, Dask, Spark or any other engine, or in a resumable job.

A `Scorer` is one callable from a batch of photos to a batch of predictions. The engine reads the
photos, distributes the batches, repeats failed tasks and writes the results; this package starts
and imports no engine.

`score` needs no engine: it scores photos into a folder of Parquet files, in one or more processes
of one machine, and continues after a crash. `read_scores` reads them as `Predictions`.
"""

from shelfvision.scale._scorer import Scorer
from shelfvision.scale._settings import KeptType, PhotoKind
from shelfvision.scale.jobs._reading import read_scores
from shelfvision.scale.jobs._status import ScoreStatus
from shelfvision.scale.jobs.scoring import score, score_status
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
    "ScoreStatus",
    "Scorer",
    "audit_features",
    "near_groups",
    "read_scores",
    "score",
    "score_status",
]
