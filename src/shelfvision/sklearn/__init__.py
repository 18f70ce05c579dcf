"""Train photo classifiers with scikit-learn's tools.

`PhotoClassifier` is an estimator for ``cross_val_score``, ``GridSearchCV``, ``Pipeline`` and
``CalibratedClassifierCV``. `shelfvision.data.SeededFolds` gives them folds.
"""

from shelfvision.sklearn._photo_classifier import PhotoClassifier

__all__ = ["PhotoClassifier"]
