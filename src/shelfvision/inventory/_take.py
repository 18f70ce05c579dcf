"""`take_inventory`: counts products on photos, corrected for confusions between classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import SupportsFloat, SupportsIndex, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name, text_of
from shelfvision._product_codes import ProductCodes
from shelfvision._random import rng_for
from shelfvision._validation import as_integer, as_number, as_seed, counted, listed, one_of
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.data.table import frozen
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inventory._counted_regions import CountedRegions, ShelfRegions, counted_regions
from shelfvision.inventory._double_counts import double_counts
from shelfvision.inventory._inventory import Inventory
from shelfvision.inventory._model import (
    CountingModel,
    measured_by,
    rejected_photos,
    rejects_by_itself,
    require_model,
)
from shelfvision.inventory._rejection import (
    RejectionRule,
    RejectUnknown,
    UnknownCount,
    rejection_rule,
)
from shelfvision.inventory._rows import CountedUnit
from shelfvision.inventory.correcting._adjusted_counts import (
    AdjustedCounts,
    Evidence,
    adjusted_counts,
    joined_rows,
)
from shelfvision.inventory.correcting._correction import CorrectionRule
from shelfvision.inventory.correcting._recalibration import centered_logs
from shelfvision.inventory.correcting._sources import (
    ConfusionSource,
    Sources,
    as_exported,
    measured_sources,
    sources_of,
)
from shelfvision.predictions import MeasuredPhotos, Predictions
from shelfvision.protocols import OnError

Column: TypeAlias = Sequence[str] | npt.NDArray[np.object_]
"""A value for every photo."""
PartColumn: TypeAlias = Sequence[str] | npt.NDArray[np.object_] | Callable[[str], str]
"""A value for every photo, or a function that maps a photo's id to its value."""
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Estimator:
    """The data of the estimate: predictions, and what validation photos say of confusions."""

    predictions: Predictions
    groups: Integers | None
    """The group of every photo; None if photos are single."""
    evidence: Evidence
    support: Integers
    """The number of validation photos of each class."""
    confidence_level: float
    n_draws: int
    seed: int
    codes: ProductCodes | None
    unit: CountedUnit = "photo"
    rejected: npt.NDArray[np.bool_] | None = None
    """Which predictions count under no class; the confusion then has a column and a row for them,
    after those of the classes. None if each prediction counts."""

    def inventory_of(self, rows: Integers, key: str) -> Inventory:
        """Return the inventory of some rows of the predictions."""
        found, names = self.predictions[rows], self.predictions.class_names
        readable = np.array([reason is None for reason in found.errors], dtype=np.bool_)
        number = {name: place for place, name in enumerate(names)}
        labels = np.array([number[name] for name in found.labels[readable]], dtype=np.int64)
        if self.rejected is not None:
            labels[self.rejected[rows][readable]] = len(names)
        naive = np.bincount(labels, minlength=len(names))[: len(names)]
        found_counts = self._adjusted(labels, rows[readable], rng_for(self.seed, "inventory", key))
        review = found.decisions == "review" if self.rejected is None else self.rejected[rows]
        return Inventory(
            class_names=names,
            naive=dict(zip(names, naive.tolist(), strict=True)),
            draws=frozen(np.ascontiguousarray(found_counts.draws[:, : len(names)])),
            estimates=frozen(found_counts.counts[: len(names)].copy()),
            confidence_level=self.confidence_level,
            n_photos=int(readable.sum()),
            review=tuple(found.ids[readable & review]),
            failed={i: e for i, e in zip(found.ids, found.errors, strict=True) if e is not None},
            unmeasured=tuple(name for name, n in zip(names, self.support, strict=True) if not n),
            parts={},
            correction=found_counts.correction,
            codes=self.codes,
            unit=self.unit,
            unknown=None if self.rejected is None else self._unknown(found_counts, labels),
        )

    def _unknown(self, found: AdjustedCounts, labels: Integers) -> UnknownCount:
        draws = found.draws[:, -1]
        outside = (1 - self.confidence_level) / 2
        return UnknownCount(
            count=float(found.counts[-1]),
            low=int(np.quantile(draws, outside, method="lower")),
            high=int(np.quantile(draws, 1 - outside, method="higher")),
            rejected=int((labels == len(self.predictions.class_names)).sum()),
        )

    def _adjusted(
        self, labels: Integers, rows: Integers, rng: np.random.Generator
    ) -> AdjustedCounts:
        k = len(self.support) + (self.rejected is not None)
        if not len(labels):
            nothing = np.zeros((self.n_draws, k), dtype=np.int64)
            return AdjustedCounts(counts=np.zeros(k), draws=nothing, correction=None)
        groups = None
        if self.groups is not None:
            groups = np.unique(self.groups[rows], return_inverse=True)[1].ravel().astype(np.int64)
        photos = joined_rows(
            centered_logs(as_exported(self.predictions.probabilities[rows])), labels, groups
        )
        return adjusted_counts(photos, self.evidence, self.n_draws, rng)


def take_inventory(
    classifier: CountingModel,
    photos: Photos | Predictions | ShelfRegions,
    *,
    confusion: ConfusionSource | Sequence[ConfusionSource] | None = None,
    correction: CorrectionRule = "auto",
    confidence_level: SupportsFloat = 0.9,
    unknown: RejectUnknown | None = None,
    min_confidence: SupportsFloat | None = None,
    by: PartColumn | None = None,
    groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
    on_error: OnError = "raise",
    draws: SupportsIndex = 500,
    seed: SupportsIndex = 42,
) -> Inventory:
    """Return adjusted counts of the products on photos, with confidence intervals.

    A classifier that predicts a tenth of the milk as yoghurt counts too little milk and too much
    yoghurt, however many photos there are. The validation photos, whose scores the classifier
    keeps, measure these confusions; this function corrects the counts for them, as far as the
    evidence supports it. `Inventory.correction` says how much and why. The intervals account for
    four sources of error: the photos are a sample, validation photos are few, confusions differ
    between sessions, and photos of a group are confused alike.

    Parameters
    ----------
    classifier : Classifier, Predictor or Gallery
        A classifier with validation scores: trained with a validation set, or made by
        `Classifier.with_validation`. Validation photos should resemble the counted photos. A
        `Predictor` has the scores of the exported classifier. A `Gallery` uses its enrolled photos,
        each compared without the photos of its group, and its decisions reject boxes.
    photos : path, bytes, ndarray, Dataset, iterable of these, Predictions, or Regions
        The photos, as for `Classifier.predict`, one product each; or the predictions of this
        classifier for them. For shelf photos, the `Regions` of one photo, a list of them, or a
        mapping of photo name to `Regions`; each box is counted.
    confusion : EvaluationReport, Classifier, or a sequence of them, optional
        Photos with known classes, which this classifier has predicted and was not trained on. Each
        item of a sequence is one session: several sessions show how much confusions differ
        between sessions. A classifier gives its validation scores. By default the validation
        scores of `classifier`.
    correction : {"auto", "full", "none"}, default="auto"
        Whether the evidence decides how much of the correction is applied. ``"full"`` is for
        validation photos that represent the counted photos, such as photos of the same days and
        places; ``"none"`` returns plain counts, with intervals.
    confidence_level : float, default=0.9
        The share of intervals that contain the true count, strictly between 0 and 1.
    unknown : {"count", "reject"}, optional
        Whether predictions with a low confidence count under their nearest class, or under none:
        ``"reject"`` is for boxes of price tags and of products that the classifier does not know.
        By default regions are rejected by the thresholds of the classifier, if it has any, and
        photos of one product each are counted.
    min_confidence : float, optional
        The lowest confidence of predictions that count under a class, 0 to 1. By default the
        thresholds of the classifier decide.
    by : sequence of str, or callable, optional
        A value for every photo, such as its store, or a function that maps a photo's id to the
        value. `Inventory.parts` then has an inventory for each value. For regions, the photos are
        the shelf photos.
    groups : sequence of str, optional
        The group of every photo, such as its burst. Photos of a group are often confused in the
        same way, so fewer groups give wider intervals. By default the groups of a dataset, and for
        regions the shelf photos; each other photo is a group.
    on_error : {"raise", "skip"}, default="raise"
        Whether a photo that cannot be read raises an error or is listed in `Inventory.failed`.
    draws : int, default=500
        The number of samples of the counts, at least 100.
    seed : int, default=42
        The seed of the samples; the same seed gives the same inventory.

    Returns
    -------
    Inventory
        Counts, intervals, and the photos to review.

    Raises
    ------
    DataError
        The classifier has no validation scores, no photo could be read, or the predictions have
        other classes.
    InvalidParameterError
        The predictions were corrected for `class_prior`, predictions should be rejected without
        thresholds and `min_confidence`, or a number is out of range.
    PhotoError
        A photo cannot be read and `on_error` is ``"raise"``.

    Warns
    -----
    ShelfVisionWarning
        Boxes overlap, or shelf photos show one bay (code ``"counted-twice"``).

    Notes
    -----
    The full correction recalibrates the probabilities on the validation photos and estimates the
    class shares by expectation maximization. It is applied with a weight between 0 and 1, because
    it makes counts worse where confusions in new sessions differ. The weight is the one of James
    and Stein: 1 minus the squared uncertainty of the correction, divided by its squared size. If
    the confidences of the counted photos match the validation photos very well, the weight
    rises to 1; if they differ, the uncertainty is larger.

    If predictions are rejected, the validation photos also measure how many photos of each class
    are rejected, and the counts include these. The other rejected photos are `Inventory.unknown`.
    This assumes that unknown products are always rejected; those that are accepted are counted
    under a class.

    Two boxes of one shelf photo may be counted twice if their intersection over union is at least
    0.5, or if one has 90 % of its area inside the other. Two shelf photos may show one bay if they
    are near-duplicates, with a structural similarity of at least 0.9.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure", Neural Computation 14 (2002) 21-41. A. Alexandari, A.
    Kundaje, A. Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat at
    label shift adaptation", ICML 2020. W. James, C. Stein, "Estimation with quadratic loss",
    Berkeley Symposium 1961. Z. Lipton, Y. Wang, A. Smola, "Detecting and correcting for label shift
    with black box predictors", ICML 2018. J. Mosimann, "On the compound multinomial distribution",
    Biometrika 49 (1962) 65-82.

    Examples
    --------
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
    >>> model = shv.build_model(2, image_size=photos.image_size)
    >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
    >>> inventory = shv.take_inventory(classifier.with_validation(photos), photos)
    >>> inventory
    <Inventory: 16 photos of 2 products>
    >>> round(sum(inventory.counts.values()))
    16
    """
    level = as_number("confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True)
    one_of("correction", correction, ("auto", "full", "none"))
    n_draws = as_integer("draws", draws, minimum=100, maximum=100_000)
    chosen_seed = as_seed(seed)
    measured = _measured(classifier, confusion)
    shelves = counted_regions(photos)
    predictions = _predicted(classifier, photos, shelves, on_error)
    by, groups = _by_box(photos, shelves, by, groups)
    own = rejects_by_itself(
        measured[0], unknown=unknown, min_confidence=min_confidence, of_regions=shelves is not None
    )
    rule = rejection_rule(
        getattr(classifier, "thresholds", None),
        predictions,
        unknown="count" if own else unknown,
        min_confidence=min_confidence,
        of_regions=shelves is not None,
    )
    numbers = None if groups is None else _numbered("groups", groups, len(predictions))
    sources = sources_of(measured, [rejected_photos(one, rule, own=own) for one in measured])
    estimator = _Estimator(
        predictions=predictions,
        groups=numbers,
        evidence=_evidence(sources, numbers, n_draws, chosen_seed, correction),
        support=np.bincount(sources.labels, minlength=len(predictions.class_names)),
        confidence_level=level,
        n_draws=n_draws,
        seed=chosen_seed,
        codes=getattr(classifier, "product_codes", None),
        unit="photo" if shelves is None else "box",
        rejected=_rejected(predictions, rule, own=own),
    )
    parts = {} if by is None else _parts(estimator, by)
    whole = estimator.inventory_of(np.arange(len(predictions)), "")
    return replace(whole, parts=parts, double_counts=double_counts(shelves, estimator.rejected))


def _measured(
    classifier: CountingModel, confusion: ConfusionSource | Sequence[ConfusionSource] | None
) -> list[MeasuredPhotos]:
    if confusion is None:
        return [measured_by(classifier)]
    require_model(classifier)
    return measured_sources(confusion, classifier.class_names)


def _rejected(
    predictions: Predictions, rule: RejectionRule | None, *, own: bool
) -> npt.NDArray[np.bool_] | None:
    if own:
        return np.asarray(predictions.decisions == "review", dtype=np.bool_)
    return None if rule is None else rule.rejected(predictions.probabilities)


def _evidence(
    sources: Sources, groups: Integers | None, n_draws: int, seed: int, rule: CorrectionRule
) -> Evidence:
    n_groups = 1e9 if groups is None else len(np.unique(groups))
    return sources.evidence(n_draws, n_groups, rng_for(seed, "confusion"), rule=rule)


def _by_box(
    photos: object, shelves: CountedRegions | None, by: PartColumn | None, groups: Column | None
) -> tuple[PartColumn | None, Column | None]:
    """Return parts and groups of each counted photo or box; boxes of one photo are a group."""
    if shelves is not None:
        by = None if by is None else shelves.by_box("by", by)
        return by, shelves.photo_of_box if groups is None else shelves.by_box("groups", groups)
    if groups is None and isinstance(photos, Dataset):
        return by, photos.groups
    return by, groups


def _predicted(
    classifier: CountingModel,
    photos: Photos | Predictions | ShelfRegions,
    shelves: CountedRegions | None,
    on_error: OnError,
) -> Predictions:
    # Other kinds of mappings and sequences than those of regions are refused by `predict`.
    photos = cast("Photos | Predictions", photos) if shelves is None else shelves.predictions
    if isinstance(photos, Predictions):
        _require_own(photos, classifier)
        found = photos
    else:
        found = classifier.predict(photos, on_error=on_error)
    # A photo of an empty shelf has no boxes, and all its counts are 0.
    sold_out = shelves is not None and not len(found)
    if not sold_out and all(reason is not None for reason in found.errors):
        raise DataError(
            f"photos must have a photo that can be read, got none of "
            f"{counted(len(found), 'photo')}; give at least one that can",
            code="empty",
            parameter="photos",
        )
    return found


def _require_own(predictions: Predictions, classifier: CountingModel) -> None:
    if predictions.class_names != classifier.class_names:
        raise DataError(
            f"predictions must have the classifier's classes {listed(classifier.class_names)}, got "
            f"{listed(predictions.class_names)}; pass predictions of this classifier",
            code="unknown-class",
            parameter="photos",
        )
    if predictions.class_prior is not None:
        raise InvalidParameterError(
            "predictions must not be corrected for class_prior, because take_inventory estimates "
            "the class prior; predict without class_prior",
            code="conflict",
            parameter="photos",
        )


def _parts(estimator: _Estimator, by: PartColumn) -> dict[str, Inventory]:
    ids = estimator.predictions.ids
    values = [by(name) for name in ids] if callable(by) else list(by)
    odd = [value for value in values if not isinstance(value, str)]
    if odd:
        raise InvalidParameterError(
            f"by must have text for every photo, got {odd[0]!r}; pass by=[str(value) for value in "
            "by]",
            code="wrong-type",
            parameter="by",
        )
    _require_length("by", values, len(ids))
    values = [clean_name(value) for value in values]
    column = np.array(values, dtype=object)
    readable = np.array([reason is None for reason in estimator.predictions.errors])
    found = sorted(set(values))
    empty = [name for name in found if not readable[column == name].any()]
    return {
        name: estimator.inventory_of(np.flatnonzero(column == name), name)
        for name in found
        if name not in empty
    }


def _numbered(
    name: str, values: Sequence[str] | npt.NDArray[np.object_], n: int
) -> npt.NDArray[np.int64]:
    _require_length(name, list(values), n)
    codes: dict[str, int] = {}
    return np.array(
        [codes.setdefault(text_of(one, name=name), len(codes)) for one in values], dtype=np.int64
    )


def _require_length(name: str, values: Sequence[str], n: int) -> None:
    if len(values) != n:
        raise InvalidParameterError(
            f"{name} has {len(values)} values for {counted(n, 'photo')}; give one for each",
            code="wrong-length",
            parameter=name,
        )
