"""scikit-learn's own checks of estimators, on `PhotoClassifier`.

The checks fit tables of numbers, and photos are no tables. So `PhotoClassifierOfTables` draws each
row of a table as a photo first; everything else is `PhotoClassifier`. Its network is not trained
but solved for its weights, because the checks fit an estimator about a hundred times.

All checks pass. These say nothing about `PhotoClassifier`, because drawing refuses or counts what
they are about, before the photos are there: complex and object numbers, sparse tables, NaN and
infinity, the number and the names of features, and a table with one dimension or without columns.
scikit-learn skips that of array libraries, because NumPy alone is supported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import shelfvision as shv
from shelfvision.sklearn import PhotoClassifier
from support import tiny_network

pytestmark = [
    pytest.mark.backend,
    # The blobs of the checks are drawn as flat photos, which are near-duplicates of each other.
    pytest.mark.filterwarnings("ignore::shelfvision.errors.LeakageWarning"),
]


class PhotoClassifierOfTables(PhotoClassifier):  # type: ignore[misc]  # final for users
    """Draw each row of a table as a photo, whose pixels repeat the numbers of the row."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> PhotoClassifierOfTables:  # noqa: N803
        if y is None:
            super().fit(X, y)  # type: ignore[arg-type]
        photos = self._drawn(X, reset=True)
        super().fit(photos, y, groups)
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(X if _is_drawn(X) else self._drawn(X, reset=False))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        return super().score(self._drawn(X, reset=False), y, sample_weight)

    def _drawn(self, X: Any, *, reset: bool) -> Any:  # noqa: N803
        if not reset:
            check_is_fitted(self)
        numbers = validate_data(self, X, reset=reset, dtype=np.float64)
        grey = np.clip(128 + 12 * numbers, 0, 255).astype(np.uint8)
        height, width = tiny_network.SIZE
        values = np.resize(np.arange(grey.shape[1]), height * width * 3)
        return grey[:, values].reshape(len(grey), height, width, 3)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.string = False
        return tags


def _is_drawn(X: Any) -> bool:  # noqa: N803
    return isinstance(X, np.ndarray) and X.ndim == 4


tiny_network.register()


@pytest.fixture(autouse=True)
def _quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfvision.training._trainer.fit", tiny_network.solved)


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [PhotoClassifierOfTables(tiny_network.NAME, trainer=shv.Trainer(), validation=0)]
)
def test_scikit_learn_finds_no_fault(estimator: Any, check: Any) -> None:
    check(estimator)
