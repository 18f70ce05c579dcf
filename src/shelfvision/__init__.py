"""Classify photos of groceries and count them as inventory.

Importing this package imports nothing else. Public names and submodules are imported on first use,
so ``import shelfvision as shv; shv.training.CosineSchedule`` works.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shelfvision import (
        auditing,
        augment,
        boxes,
        cross_validation,
        data,
        errors,
        evaluation,
        export,
        gallery,
        inference,
        inventory,
        models,
        plot,
        predictions,
        protocols,
        regions,
        review,
        samples,
        scale,
        sklearn,
        taxonomy,
        testing,
        training,
    )
    from shelfvision._product_codes import ProductCodes
    from shelfvision._versions import show_versions
    from shelfvision.auditing import AuditReport, Finding, audit
    from shelfvision.augment import BalancingAugmenter
    from shelfvision.boxes import Boxes, read_boxes
    from shelfvision.cross_validation import CrossValidation, cross_validate
    from shelfvision.data import Dataset, DecodeLimits, SeededSplitter, SkippedFile, Splits
    from shelfvision.evaluation import (
        Comparison,
        Drift,
        EvaluationReport,
        Explanations,
        Promotion,
        RegionsReport,
        compare,
        drift,
        evaluate,
        evaluate_regions,
        explain,
        promotion,
    )
    from shelfvision.gallery import Gallery
    from shelfvision.inference import BundleInfo, Classifier, inspect
    from shelfvision.inventory import Inventory, StockCheck, take_inventory
    from shelfvision.models import (
        available_architectures,
        build_model,
        register_architecture,
    )
    from shelfvision.predictions import (
        Calibration,
        Prediction,
        Predictions,
        Profile,
        Thresholds,
        ValidationScores,
        expected_calibration_error,
    )
    from shelfvision.regions import Regions, ShelfMap
    from shelfvision.review import Corrections
    from shelfvision.taxonomy import Answer, Answers, Taxonomy
    from shelfvision.training import Trainer, TrainingResult

__version__ = "0.1.0"

_HOMES = {
    "Answer": "taxonomy",
    "Answers": "taxonomy",
    "AuditReport": "auditing",
    "BalancingAugmenter": "augment",
    "Boxes": "boxes",
    "BundleInfo": "inference",
    "Calibration": "predictions",
    "Classifier": "inference",
    "Comparison": "evaluation",
    "Corrections": "review",
    "CrossValidation": "cross_validation",
    "Dataset": "data",
    "DecodeLimits": "data",
    "Drift": "evaluation",
    "EvaluationReport": "evaluation",
    "Explanations": "evaluation",
    "Finding": "auditing",
    "Gallery": "gallery",
    "Inventory": "inventory",
    "Prediction": "predictions",
    "Predictions": "predictions",
    "ProductCodes": "_product_codes",
    "Profile": "predictions",
    "Promotion": "evaluation",
    "Regions": "regions",
    "RegionsReport": "evaluation",
    "SeededSplitter": "data",
    "ShelfMap": "regions",
    "SkippedFile": "data",
    "Splits": "data",
    "StockCheck": "inventory",
    "Taxonomy": "taxonomy",
    "Thresholds": "predictions",
    "Trainer": "training",
    "TrainingResult": "training",
    "ValidationScores": "predictions",
    "audit": "auditing",
    "available_architectures": "models",
    "build_model": "models",
    "compare": "evaluation",
    "cross_validate": "cross_validation",
    "drift": "evaluation",
    "evaluate": "evaluation",
    "evaluate_regions": "evaluation",
    "expected_calibration_error": "predictions",
    "explain": "evaluation",
    "inspect": "inference",
    "promotion": "evaluation",
    "read_boxes": "boxes",
    "register_architecture": "models",
    "show_versions": "_versions",
    "take_inventory": "inventory",
}
_SUBMODULES = (
    "auditing",
    "augment",
    "boxes",
    "cross_validation",
    "data",
    "errors",
    "evaluation",
    "export",
    "gallery",
    "inference",
    "inventory",
    "models",
    "plot",
    "predictions",
    "protocols",
    "regions",
    "review",
    "samples",
    "scale",
    "sklearn",
    "taxonomy",
    "testing",
    "training",
)

__all__ = [
    "Answer",
    "Answers",
    "AuditReport",
    "BalancingAugmenter",
    "Boxes",
    "BundleInfo",
    "Calibration",
    "Classifier",
    "Comparison",
    "Corrections",
    "CrossValidation",
    "Dataset",
    "DecodeLimits",
    "Drift",
    "EvaluationReport",
    "Explanations",
    "Finding",
    "Gallery",
    "Inventory",
    "Prediction",
    "Predictions",
    "ProductCodes",
    "Profile",
    "Promotion",
    "Regions",
    "RegionsReport",
    "SeededSplitter",
    "ShelfMap",
    "SkippedFile",
    "Splits",
    "StockCheck",
    "Taxonomy",
    "Thresholds",
    "Trainer",
    "TrainingResult",
    "ValidationScores",
    "__version__",
    "audit",
    "auditing",
    "augment",
    "available_architectures",
    "boxes",
    "build_model",
    "compare",
    "cross_validate",
    "cross_validation",
    "data",
    "drift",
    "errors",
    "evaluate",
    "evaluate_regions",
    "evaluation",
    "expected_calibration_error",
    "explain",
    "export",
    "gallery",
    "inference",
    "inspect",
    "inventory",
    "models",
    "plot",
    "predictions",
    "promotion",
    "protocols",
    "read_boxes",
    "regions",
    "register_architecture",
    "review",
    "samples",
    "scale",
    "show_versions",
    "sklearn",
    "take_inventory",
    "taxonomy",
    "testing",
    "training",
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
