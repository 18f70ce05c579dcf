"""Validation photos of one or several sessions, from which confusions are estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, listed, received
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inventory.correcting._adjusted_counts import USUAL_SPREAD, Evidence
from shelfvision.inventory.correcting._confusion import Confusion
from shelfvision.inventory.correcting._confusion_posterior import ConfusionPosterior
from shelfvision.inventory.correcting._correction import CorrectionRule
from shelfvision.inventory.correcting._label_shift import KnownPhotos
from shelfvision.inventory.correcting._recalibration import (
    Recalibration,
    centered_logs,
    spread_between,
)
from shelfvision.predictions import MeasuredPhotos, Predictions
from shelfvision.predictions.measured import kept_probabilities

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rejected = npt.NDArray[np.bool_]


@runtime_checkable
class MeasuredModel(Protocol):
    """A `Classifier`, `Predictor` or `Gallery` with photos of known classes."""

    @property
    def measured(self) -> MeasuredPhotos | None:
        """The predictions for photos with known classes; None if there are none."""
        ...


@runtime_checkable
class MeasuredReport(Protocol):
    """An `EvaluationReport`: predictions of photos with known classes."""

    @property
    def predictions(self) -> Predictions:
        """The predictions."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The true class index of each photo."""
        ...

    @property
    def groups(self) -> npt.NDArray[np.object_] | None:
        """The group of each photo; None if each photo is one group."""
        ...


ConfusionSource: TypeAlias = MeasuredPhotos | MeasuredReport | MeasuredModel
"""Photos with known classes of one session: a report, or a model with its measured photos."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """The photos of all sources."""

    probabilities: Floats
    labels: Integers
    groups: Integers
    source: Integers
    """The number of the source of each photo."""
    n: int
    """The number of sources."""
    rejected: Rejected | None = None

    def evidence(
        self,
        n_draws: int,
        n_groups: float,
        rng: np.random.Generator,
        *,
        rule: CorrectionRule = "auto",
    ) -> Evidence:
        """Return the knowledge about confusions; `n_groups` is that of the counted photos."""
        fit = Recalibration.of(self.probabilities, self.labels, self.groups)
        logs = centered_logs(self.probabilities)
        accepted = np.ones(len(logs), np.bool_) if self.rejected is None else ~self.rejected
        parts = [
            (self.probabilities[rows], self.labels[rows], self.groups[rows])
            for rows in (self.source == number for number in range(self.n))
        ]
        return Evidence(
            fit=fit,
            known=KnownPhotos(
                likelihoods=fit.likelihoods(logs[accepted]),
                labels=self.labels[accepted],
                predicted=self.probabilities[accepted].argmax(axis=1).astype(np.int64),
                groups=self.groups[accepted],
                correlation=fit.correlation,
            ),
            spread=spread_between(fit, parts, USUAL_SPREAD),
            n_sources=self.n,
            rule=rule,
            rejection=self._rejection(n_draws, n_groups, rng),
        )

    def _rejection(self, n: int, n_groups: float, rng: np.random.Generator) -> Floats | None:
        """Return samples of the share of each class that is rejected, shape (n, k)."""
        if self.rejected is None:
            return None
        k = self.probabilities.shape[1]
        predicted = np.where(self.rejected, k, self.probabilities.argmax(axis=1))
        posterior = ConfusionPosterior.of(Confusion.of(self.labels, predicted, self.groups, k + 1))
        found = posterior.sample_for_groups(
            posterior.sample(n, rng), np.full(k + 1, max(n_groups, 1.0)), rng
        )
        return np.asarray(found[:, :k, k], dtype=np.float64)


def as_exported(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Return probabilities as exported files keep them, so that all models count alike."""
    k = probabilities.shape[1]
    found = kept_probabilities(probabilities)
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1 / k), np.float64)


def measured_sources(
    confusion: ConfusionSource | Sequence[ConfusionSource], class_names: tuple[str, ...]
) -> list[MeasuredPhotos]:
    """Return the photos of each source, or raise if one is not of these classes."""
    given = list(confusion) if isinstance(confusion, list | tuple) else [confusion]
    if not given:
        raise DataError(
            "confusion must have at least one source, got none; pass reports of evaluate, or "
            "leave confusion out",
            code="empty",
            parameter="confusion",
        )
    return [_measured(cast("object", one), class_names) for one in given]


def _measured(source: object, class_names: tuple[str, ...]) -> MeasuredPhotos:
    if isinstance(source, MeasuredPhotos):
        if source.probabilities.shape[1] != len(class_names):
            raise InvalidParameterError(
                f"confusion must have probabilities of {counted(len(class_names), 'class')}, got "
                f"{source.probabilities.shape[1]}; pass photos that this classifier has predicted",
                code="wrong-length",
                parameter="confusion",
            )
        return source
    if isinstance(source, MeasuredModel):
        names = tuple(getattr(source, "class_names", ()))
        _require_classes(class_names, names)
        if source.measured is not None:
            return source.measured
    elif isinstance(source, MeasuredReport):
        names = source.predictions.class_names
        _require_classes(class_names, names)
        return _of_report(source)
    raise InvalidParameterError(
        f"confusion must be a report of evaluate, or a classifier with validation scores, or a "
        f"sequence of them, got {received(source)}; pass confusion=[evaluate(classifier, photos)]",
        code="wrong-type",
        parameter="confusion",
    )


def _of_report(report: MeasuredReport) -> MeasuredPhotos:
    good = np.array([reason is None for reason in report.predictions.errors], dtype=np.bool_)
    n = len(report.labels)
    groups = np.arange(n) if report.groups is None else np.asarray(report.groups).astype(str)
    numbers = np.unique(groups[good], return_inverse=True)[1].ravel()
    return MeasuredPhotos(
        probabilities=report.predictions.probabilities[good],
        labels=np.asarray(report.labels)[good],
        groups=numbers.astype(np.int64),
        rejected=None,
    )


def _require_classes(expected: tuple[str, ...], got: tuple[str, ...]) -> None:
    if got != expected:
        raise DataError(
            f"confusion must have the classifier's classes {listed(expected)}, got "
            f"{listed(got)}; pass "
            "photos that this classifier has predicted",
            code="unknown-class",
            parameter="confusion",
        )


def sources_of(measured: Sequence[MeasuredPhotos], rejected: Sequence[Rejected | None]) -> Sources:
    """Return the photos of all sources; their groups are different ones."""
    offsets = np.cumsum([0, *(int(one.groups.max(initial=0)) + 1 for one in measured)])
    rules = [one for one in rejected if one is not None]
    return Sources(
        probabilities=np.concatenate([as_exported(one.probabilities) for one in measured]),
        labels=np.concatenate([one.labels for one in measured]),
        groups=np.concatenate(
            [one.groups + offset for one, offset in zip(measured, offsets, strict=False)]
        ),
        n=len(measured),
        source=np.repeat(np.arange(len(measured)), [len(one) for one in measured]),
        rejected=np.concatenate(rules) if rules else None,
    )
