"""`take_inventory`: counts products on photos, corrected for confusions between classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name, text_of
from shelfvision._random import rng_for
from shelfvision._validation import as_integer, as_number, as_seed, counted, listed
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inference import Classifier
from shelfvision.inventory._adjusted_counts import effective_groups, sample_counts
from shelfvision.inventory._confusion import Confusion
from shelfvision.inventory._confusion_posterior import ConfusionPosterior
from shelfvision.inventory._inventory import Inventory
from shelfvision.predictions import Predictions
from shelfvision.protocols import OnError

PartColumn: TypeAlias = Sequence[str] | npt.NDArray[np.object_] | Callable[[str], str]
"""A value for every photo, or a function that maps a photo's id to its value."""
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Estimator:
    """The data of the estimate: predictions, and the confusion of validation photos."""

    predictions: Predictions
    groups: Integers | None
    """The group of every photo; None to assume groups as large as those of validation photos."""
    confusion: Confusion
    posterior: ConfusionPosterior
    confidence_level: float
    n_draws: int
    seed: int

    def inventory_of(self, rows: Integers, key: str) -> Inventory:
        """Return the inventory of some rows of the predictions."""
        found, names = self.predictions[rows], self.predictions.class_names
        readable = np.array([reason is None for reason in found.errors], dtype=np.bool_)
        number = {name: place for place, name in enumerate(names)}
        labels = np.array([number[name] for name in found.labels[readable]], dtype=np.int64)
        naive = np.bincount(labels, minlength=len(names))
        draws = self._draws(labels, rows[readable], rng_for(self.seed, "inventory", key))
        draws.flags.writeable = False
        support = self.confusion.support
        return Inventory(
            class_names=names,
            naive=dict(zip(names, naive.tolist(), strict=True)),
            draws=draws,
            confidence_level=self.confidence_level,
            n_photos=int(readable.sum()),
            review=tuple(found.ids[readable & (found.decisions == "review")]),
            failed={i: e for i, e in zip(found.ids, found.errors, strict=True) if e is not None},
            unmeasured=tuple(name for name, n in zip(names, support, strict=True) if not n),
            parts={},
        )

    def _draws(self, labels: Integers, rows: Integers, rng: np.random.Generator) -> Integers:
        k = self.confusion.n_classes
        predicted = np.bincount(labels, minlength=k)
        confusions = self.posterior.sample(self.n_draws, rng)
        in_groups = None
        if self.groups is not None:
            codes = np.unique(self.groups[rows], return_inverse=True)[1]
            in_groups = np.zeros((int(codes.max()) + 1, k), dtype=np.int64)
            np.add.at(in_groups, (codes, labels), 1)
        n_groups = effective_groups(
            predicted,
            confusions.mean(axis=0),
            in_groups=in_groups,
            group_sizes=self.confusion.group_sizes(),
        )
        confusions = self.posterior.sample_for_groups(confusions, n_groups, rng)
        return sample_counts(predicted, confusions, rng)


def take_inventory(
    classifier: Classifier,
    photos: Photos | Predictions,
    *,
    confidence_level: SupportsFloat = 0.9,
    by: PartColumn | None = None,
    groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
    on_error: OnError = "raise",
    draws: SupportsIndex = 500,
    seed: SupportsIndex = 42,
) -> Inventory:
    """Return adjusted counts of the products on photos, with confidence intervals.

    A classifier that predicts a tenth of the milk as yoghurt counts too little milk and too much
    yoghurt, however many photos there are. The validation photos, whose scores the classifier
    keeps, measure these confusions; this function corrects the counts for them. The intervals
    account for three sources of error: the photos are a sample, few validation photos give an
    imprecise confusion matrix, and the confusions of new photos differ.

    Parameters
    ----------
    classifier : Classifier
        A classifier with validation scores: trained with a validation set, or made by
        `Classifier.with_validation`. Validation photos should resemble the counted photos.
    photos : path, bytes, ndarray, Dataset, iterable of these, or Predictions
        The photos, as for `Classifier.predict`, one product each; or the predictions of this
        classifier for them.
    confidence_level : float, default=0.9
        The share of intervals that contain the true count, strictly between 0 and 1.
    by : sequence of str, or callable, optional
        A value for every photo, such as its store, or a function that maps a photo's id to the
        value. `Inventory.parts` then has an inventory for each value.
    groups : sequence of str, optional
        The group of every photo, such as its burst. Photos of a group are often confused in the
        same way, so fewer groups give wider intervals. By default the groups of a dataset; for
        other photos, groups as large as those of the validation photos.
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
        The predictions were corrected for `class_prior`, or a number is out of range.
    PhotoError
        A photo cannot be read and `on_error` is ``"raise"``.

    Notes
    -----
    Counts are the mean of the draws. With an imprecise confusion matrix they are between the
    predicted counts and the fully corrected counts. Each draw has three steps. First, a confusion
    matrix is drawn from its posterior, given the validation photos. Photos of a group count as
    their effective number of independent photos, and classes with few photos borrow strength from
    similar classes. Second, the matrix is varied by as much as the groups of the counted photos
    vary. Third, counts and class shares are drawn in turn, given the predicted classes.

    References
    ----------
    G. Forman, "Quantifying counts and costs via classification", Data Mining and Knowledge
    Discovery 17 (2008) 164-206. M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of
    a classifier to new a priori probabilities: a simple procedure", Neural Computation 14 (2002)
    21-41. J. Mosimann, "On the compound multinomial distribution", Biometrika 49 (1962) 65-82. K.
    Keith, B. O'Connor, "Uncertainty-aware generative models for inferring document class
    prevalence", EMNLP 2018.

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
    if not isinstance(classifier, Classifier):
        raise InvalidParameterError(
            f"classifier must be a Classifier, got {type(classifier).__name__}; make one with "
            "Classifier.from_model(...) or Classifier.load(path)",
            code="wrong-type",
            parameter="classifier",
        )
    level = as_number("confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True)
    n_draws = as_integer("draws", draws, minimum=100, maximum=100_000)
    chosen_seed = as_seed(seed)
    confusion = _validation_confusion(classifier)
    predictions = _predicted(classifier, photos, on_error)
    if groups is None and isinstance(photos, Dataset):
        groups = photos.groups
    estimator = _Estimator(
        predictions=predictions,
        groups=None if groups is None else _numbered("groups", groups, len(predictions)),
        confusion=confusion,
        posterior=ConfusionPosterior.of(confusion),
        confidence_level=level,
        n_draws=n_draws,
        seed=chosen_seed,
    )
    parts = {} if by is None else _parts(estimator, by)
    whole = estimator.inventory_of(np.arange(len(predictions)), "")
    return replace(whole, parts=parts)


def _validation_confusion(classifier: Classifier) -> Confusion:
    """Return the confusion of a classifier's validation photos."""
    scores = classifier.validation_scores
    if scores is None or not len(scores):
        raise DataError(
            "classifier must have validation scores to correct counts for confusions, got none; "
            "call with_validation(dataset) first, or train with a validation set",
            code="no-validation-scores",
            parameter="classifier",
        )
    rows = scores.probabilities
    if classifier.calibration is not None:
        rows = classifier.calibration.apply(rows)
    k = len(classifier.class_names)
    return Confusion.of(
        scores.labels.astype(np.int64), rows.argmax(axis=1), scores.groups.astype(np.int64), k
    )


def _predicted(
    classifier: Classifier, photos: Photos | Predictions, on_error: OnError
) -> Predictions:
    if isinstance(photos, Predictions):
        _require_own(photos, classifier)
        found = photos
    else:
        found = classifier.predict(photos, on_error=on_error)
    if all(reason is not None for reason in found.errors):
        raise DataError(
            f"photos must have a photo that can be read, got none of "
            f"{counted(len(found), 'photo')}; give at least one that can",
            code="empty",
            parameter="photos",
        )
    return found


def _require_own(predictions: Predictions, classifier: Classifier) -> None:
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
