"""`Trust`: what a classifier knows about its own confidence, and how it decides by it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, listed
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.errors import DataError, ShelfVisionWarning
from shelfvision.predictions import Calibration, Thresholds, ValidationScores
from shelfvision.predictions.class_prior import as_prior
from shelfvision.predictions.columns import Floats

if TYPE_CHECKING:
    from typing import Self

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trust:
    """What a classifier knows about its own confidence."""

    validation: ValidationScores | None = None
    """What the network said of photos that it was not trained on."""
    calibration: Calibration | None = None
    """What makes probabilities mean what they say."""
    thresholds: Thresholds | None = None
    """From which confidence on a prediction is accepted."""

    def calibrated(self, raw: Scores) -> Scores:
        """Return what the network's probabilities mean."""
        return raw if self.calibration is None else self.calibration.apply(raw)

    def require_scores(self, what: str) -> ValidationScores:
        """Return the scores that are kept, or say how to get some."""
        if self.validation is None or not len(self.validation):
            raise DataError(
                f"{what} is learned from photos that the network was not trained on, and this "
                "classifier keeps no scores of such photos; pass dataset=, or train with a "
                "validation part",
                code="needs-labels",
                parameter="dataset",
            )
        return self.validation

    def with_calibration(self, calibration: Calibration | None) -> Self:
        """Return the same with another calibration; thresholds of the old one say nothing."""
        if self.thresholds is not None:
            warnings.warn(
                ShelfVisionWarning(
                    "the thresholds were chosen under another calibration and are dropped; call "
                    "with_threshold again",
                    code="thresholds-dropped",
                ),
                stacklevel=3,
            )
        return replace(self, calibration=calibration, thresholds=None)


def require_labelled(dataset: object, class_names: tuple[str, ...]) -> Dataset:
    """Return a dataset with this classifier's class numbers, with photos; classes may lack them."""
    photos = require_dataset("dataset", dataset)
    photos = aligned(photos, class_names, parameter="dataset", of="classifier")
    if not len(photos):
        raise DataError(
            "the dataset has no photos; give at least one", code="empty", parameter="dataset"
        )
    return photos


def warn_of_too_few(thresholds: Thresholds, class_names: Sequence[str]) -> None:
    """Warn where photos do not support the precision, and say how many would do."""
    short = [place for place, value in enumerate(thresholds.values) if value is None]
    if not short or thresholds.precision is None:
        return
    share = f"{thresholds.precision:.4g}"
    if not thresholds.per_class:
        sentence = (
            f"{_photos(thresholds)} do not support a precision of {share}{_surely(thresholds)}, so "
            f"every photo goes to review; {_remedy(thresholds.needed[0])}"
        )
    else:
        names = listed(class_names[place] for place in short)
        # A class that was never predicted has no number, which says nothing of the others.
        numbers = [thresholds.needed[place] for place in short]
        most = max((number for number in numbers if number is not None), default=None)
        sentence = (
            f"{_photos(thresholds)} do not support a precision of {share}{_surely(thresholds)} for "
            f"{names}, so what is predicted as such goes to review; {_remedy(most, each=True)}"
        )
    warnings.warn(ShelfVisionWarning(sentence, code="too-few-photos"), stacklevel=3)


def _photos(thresholds: Thresholds) -> str:
    photos = counted(thresholds.n_photos, "photo")
    if thresholds.n_groups == thresholds.n_photos:
        return f"the {photos}"
    return f"the {photos} of {counted(thresholds.n_groups, 'group')}"


def _surely(thresholds: Thresholds) -> str:
    if thresholds.confidence_level is None:
        return " on average"
    return f" with a confidence of {thresholds.confidence_level:.4g}"


def _remedy(needed: int | None, *, each: bool = False) -> str:
    if needed is None:
        return "no number of such photos would do, for mistakes are too many; ask for less"
    of_what = " of the class" if each else ""
    return (
        f"about {needed} photos{of_what} taken apart from each other would do if mistakes stay as "
        "rare as on these; add photos, or ask for less"
    )


def training_prior(
    provenance: Mapping[str, object], trust: Trust, class_names: tuple[str, ...]
) -> Floats | None:
    """Return the class prior that probabilities are made for; None where it is not known."""
    calibration = trust.calibration
    counts = provenance.get("class_counts")
    # A temperature nearly keeps the prior of training; other methods bring that of their photos.
    kept = calibration is None or calibration.temperature is not None
    if kept and _are_counts(counts, class_names):
        return as_prior(counts, class_names)  # type: ignore[arg-type]  # _are_counts looked
    if trust.validation is not None and len(trust.validation):
        counted_labels = np.bincount(trust.validation.labels, minlength=len(class_names))
        return np.asarray(counted_labels / counted_labels.sum(), dtype=np.float64)
    return None


def _are_counts(counts: object, class_names: tuple[str, ...]) -> bool:
    return (
        isinstance(counts, Mapping)
        and set(counts) == set(class_names)
        and all(type(n) in (int, float) and n >= 0 for n in counts.values())
        and sum(counts.values()) > 0
    )
