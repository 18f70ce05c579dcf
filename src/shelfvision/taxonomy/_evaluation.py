"""Evaluates a classifier on every level of a hierarchy; photos are predicted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsFloat

from shelfvision.data import Dataset
from shelfvision.evaluation import EvaluationReport, PredictsDataset, evaluate
from shelfvision.predictions import Predictions
from shelfvision.taxonomy._hierarchy import Paths, finest_level, parents
from shelfvision.taxonomy._sums import sum_predictions


@dataclass(frozen=True, slots=True)
class _Predicted:
    """A classifier whose predictions are known."""

    predictions: Predictions

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.predictions.class_names

    def predict(self, _photos: Dataset, /) -> Predictions:
        return self.predictions


def reports_of_levels(
    levels: tuple[str, ...],
    paths: Paths,
    classifier: PredictsDataset,
    dataset: Dataset,
    *,
    confidence_level: SupportsFloat,
    resamples: int,
    seed: int,
) -> dict[str, EvaluationReport]:
    """Return a report for the level of the classes and for each level above."""

    def report(one: PredictsDataset, photos: Dataset) -> EvaluationReport:
        return evaluate(
            one, photos, confidence_level=confidence_level, resamples=resamples, seed=seed
        )

    low = finest_level(levels, paths, tuple(classifier.class_names))
    finest = report(classifier, dataset)
    reports = {levels[low]: finest}
    for high in range(low + 1, len(levels)):
        above = parents(paths, low, high)
        photos = dataset.relabel({name: above[name] for name in dataset.class_names})
        rolled = sum_predictions(finest.predictions, above)
        reports[levels[high]] = report(_Predicted(rolled), photos)
    return reports
