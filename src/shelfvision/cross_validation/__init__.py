"""Cross-validation: train and evaluate once per fold.

`cross_validate` trains a new model for each fold and returns a `CrossValidation` with one report
per fold, one report of all photos together, and confidence intervals.
"""

from shelfvision.cross_validation._cross_validate import cross_validate
from shelfvision.cross_validation._result import CrossValidation, FoldScores

__all__ = ["CrossValidation", "FoldScores", "cross_validate"]
