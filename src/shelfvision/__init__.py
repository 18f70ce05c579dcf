"""Turn photos of groceries into inventory knowledge.

Importing this package loads nothing else: every public name is fetched when first used.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shelfvision import augment, errors, plot, samples, testing
    from shelfvision._versions import show_versions
    from shelfvision.augment import BalancingAugmenter
    from shelfvision.data import (
        AuditReport,
        Dataset,
        DecodeLimits,
        Finding,
        SeededSplitter,
        SkippedFile,
        Splits,
        audit,
    )
    from shelfvision.evaluation import EvaluationReport, evaluate
    from shelfvision.inference import Classifier
    from shelfvision.models import build_model
    from shelfvision.predictions import Prediction, Predictions
    from shelfvision.training import Trainer, TrainingResult

__version__ = "0.1.0.dev0"

_HOMES = {
    "AuditReport": "data",
    "BalancingAugmenter": "augment",
    "Classifier": "inference",
    "Dataset": "data",
    "DecodeLimits": "data",
    "EvaluationReport": "evaluation",
    "Finding": "data",
    "Prediction": "predictions",
    "Predictions": "predictions",
    "SeededSplitter": "data",
    "SkippedFile": "data",
    "Splits": "data",
    "Trainer": "training",
    "TrainingResult": "training",
    "audit": "data",
    "build_model": "models",
    "evaluate": "evaluation",
    "show_versions": "_versions",
}
_SUBMODULES = ("augment", "errors", "plot", "samples", "testing")

__all__ = [
    "AuditReport",
    "BalancingAugmenter",
    "Classifier",
    "Dataset",
    "DecodeLimits",
    "EvaluationReport",
    "Finding",
    "Prediction",
    "Predictions",
    "SeededSplitter",
    "SkippedFile",
    "Splits",
    "Trainer",
    "TrainingResult",
    "__version__",
    "audit",
    "augment",
    "build_model",
    "errors",
    "evaluate",
    "plot",
    "samples",
    "show_versions",
    "testing",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    if name in _HOMES:
        home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
        value: object = getattr(home, name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
