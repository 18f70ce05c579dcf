"""Evaluation of a classifier on photos that it was not trained on, and in operation."""

from shelfvision.evaluation._compare import Comparison, compare
from shelfvision.evaluation._evaluate import evaluate
from shelfvision.evaluation._explanations import Explanations, explain
from shelfvision.evaluation._predicting import PredictsDataset
from shelfvision.evaluation.operation._checks import DriftCheck
from shelfvision.evaluation.operation._drift import Drift, drift
from shelfvision.evaluation.promoting._differences import ClassDifference, ScoreDifference
from shelfvision.evaluation.promoting._promotion import Promotion, promotion
from shelfvision.evaluation.report._context import (
    EvaluatedData,
    EvaluatedModel,
    EvaluationContext,
)
from shelfvision.evaluation.report._report import EvaluationReport
from shelfvision.evaluation.scores._intervals import ClassIntervals, Intervals
from shelfvision.evaluation.scores._leakage import LeakageCheck
from shelfvision.evaluation.scores._metrics import ClassScores, ConfusedPair
from shelfvision.evaluation.scores._mistakes import Mistake
from shelfvision.evaluation.scores._reliability import ReliabilityBin
from shelfvision.evaluation.scores._resampling import Bootstrap
from shelfvision.evaluation.scores._review import ReviewScores
from shelfvision.evaluation.scores._slices import SliceScores
from shelfvision.evaluation.scores._unknown import UnknownScores
from shelfvision.evaluation.shelves._evaluate_regions import evaluate_regions
from shelfvision.evaluation.shelves._matching import PhotoMatches
from shelfvision.evaluation.shelves._report_of_regions import (
    ProductScores,
    RegionIntervals,
    RegionsReport,
)

__all__ = [
    "Bootstrap",
    "ClassDifference",
    "ClassIntervals",
    "ClassScores",
    "Comparison",
    "ConfusedPair",
    "Drift",
    "DriftCheck",
    "EvaluatedData",
    "EvaluatedModel",
    "EvaluationContext",
    "EvaluationReport",
    "Explanations",
    "Intervals",
    "LeakageCheck",
    "Mistake",
    "PhotoMatches",
    "PredictsDataset",
    "ProductScores",
    "Promotion",
    "RegionIntervals",
    "RegionsReport",
    "ReliabilityBin",
    "ReviewScores",
    "ScoreDifference",
    "SliceScores",
    "UnknownScores",
    "compare",
    "drift",
    "evaluate",
    "evaluate_regions",
    "explain",
    "promotion",
]
