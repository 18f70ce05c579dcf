"""Judging a classifier on photos that it was not trained on."""

from shelfvision.evaluation._evaluate import PredictsDataset, evaluate
from shelfvision.evaluation._report import EvaluationReport
from shelfvision.evaluation._scores import ClassScores

__all__ = ["ClassScores", "EvaluationReport", "PredictsDataset", "evaluate"]
