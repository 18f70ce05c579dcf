"""`Profile`: how the photos that a classifier was validated on look, in a few kilobytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.quality import QUALITY
from shelfvision._validation import counted, require_texts
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions._plain import count_of, exact_entries, number_of
from shelfvision.predictions.columns import Floats, Groups, Integers, as_groups
from shelfvision.predictions.profile._distribution import Distribution
from shelfvision.predictions.profile.design_effects import (
    classes_design_effect,
    share_design_effect,
)

if TYPE_CHECKING:
    from typing import Self

    from shelfvision.predictions._predictions import Predictions

_COUNTS = ("n_photos", "n_groups", "n_unreadable")
_EFFECTS = ("class_design_effect", "coverage_design_effect")
_ENTRIES = (*_COUNTS, *_EFFECTS, "class_counts", "confidence", "n_accepted", "quality")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The photos that a classifier was validated on, as counts and distributions.

    A profile contains no photo, no id and no label. `Trainer.fit` makes it from the validation set,
    bundles and exported files contain it, and `drift` compares photos in operation with it. It has
    about 6 KB, plus one number for each predicted class.

    Examples
    --------
    >>> import shelfvision as shv
    >>> rows = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]]
    >>> found = shv.Predictions(rows, ["juice", "milk"], ["a.jpg", "b.jpg", "c.jpg"])
    >>> profile = shv.Profile.from_predictions(found)
    >>> profile.class_shares
    {'juice': 0.6666666666666666, 'milk': 0.3333333333333333}
    """

    n_photos: int
    """The number of photos that could be read."""
    n_groups: int
    """The number of their groups, such as bursts."""
    n_unreadable: int
    """The number of photos that could not be read."""
    class_counts: Mapping[str, int]
    """The number of photos that are predicted as each class, read-only."""
    class_design_effect: float
    """The design effect of the class shares; see `Distribution.design_effect`."""
    confidence: Distribution
    """The distribution of the confidence."""
    quality: Mapping[str, Distribution]
    """The distributions of brightness, contrast, sharpness and warmth, read-only; empty if they
    were not measured."""
    n_accepted: int | None
    """The number of photos that the thresholds accept; None without thresholds."""
    coverage_design_effect: float
    """The design effect of the coverage."""

    def __post_init__(self) -> None:
        """Make the mappings read-only, and check that the counts agree."""
        for name in ("class_counts", "quality"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        agree = (
            sum(self.class_counts.values()) == self.n_photos
            and 1 <= self.n_groups <= self.n_photos
            and (self.n_accepted or 0) <= self.n_photos
        )
        if not agree:
            raise InvalidParameterError(
                f"a profile must have counts that agree, got {self.n_photos} photos, "
                f"{self.n_groups} groups and {sum(self.class_counts.values())} predicted classes; "
                "pass what its to_dict returns",
                code="inconsistent",
                parameter="values",
            )

    @classmethod
    def from_predictions(cls, predictions: Predictions, *, groups: Groups | None = None) -> Profile:
        """Return the profile of predictions, such as those of the first week in operation.

        Parameters
        ----------
        predictions : Predictions
            The predictions. Predict with ``quality=True``, so that the profile has the quality of
            the photos.
        groups : sequence, length n, optional
            The group of each photo: photos of one burst are not independent. By default each photo
            is one group.

        Returns
        -------
        Profile
            The profile.

        Raises
        ------
        DataError
            No photo could be read.
        InvalidParameterError
            `groups` has another length than the predictions.
        """
        readable = np.array([error is None for error in predictions.errors], dtype=np.bool_)
        if not readable.any():
            raise DataError(
                "predictions must have a photo that could be read, got none of "
                f"{counted(len(readable), 'photo')}; pass at least one",
                code="empty",
                parameter="predictions",
            )
        numbers = {name: place for place, name in enumerate(predictions.class_names)}
        decisions = predictions.decisions[readable]
        quality = predictions.quality or {}
        return profile_of(
            predictions.class_names,
            np.array([numbers[name] for name in predictions.labels[readable]], dtype=np.int64),
            predictions.confidences[readable].astype(np.float64),
            as_groups(groups, len(readable))[readable],
            accepted=None if None in decisions else np.asarray(decisions == "accept"),
            quality={name: column[readable] for name, column in quality.items()},
            n_unreadable=int((~readable).sum()),
        )

    @property
    def class_shares(self) -> dict[str, float]:
        """The share of photos that are predicted as each class."""
        return {name: count / self.n_photos for name, count in self.class_counts.items()}

    @property
    def coverage(self) -> float | None:
        """The share of photos that the thresholds accept; None without thresholds."""
        return None if self.n_accepted is None else self.n_accepted / self.n_photos

    def without_coverage(self) -> Self:
        """Return the profile without the coverage, for other thresholds.

        Returns
        -------
        Profile
            The profile.
        """
        return replace(self, n_accepted=None, coverage_design_effect=1.0)

    def to_dict(self) -> dict[str, object]:
        """Return the profile as plain JSON values."""
        plain: dict[str, object] = {
            name: getattr(self, name) for name in (*_COUNTS, *_EFFECTS, "n_accepted")
        }
        return plain | {
            "class_counts": dict(self.class_counts),
            "confidence": self.confidence.to_dict(),
            "quality": {name: one.to_dict() for name, one in self.quality.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the profile from the values of `to_dict`.

        Parameters
        ----------
        values : mapping
            Plain JSON values.

        Returns
        -------
        Profile
            The profile.

        Raises
        ------
        InvalidParameterError
            An entry is missing, unknown or invalid.
        """
        entries = exact_entries(values, _ENTRIES, "a profile")
        accepted = entries["n_accepted"]
        counts, quality = (_mapping(entries[name], name) for name in ("class_counts", "quality"))
        require_texts("class_counts", counts)
        if set(quality) - set(QUALITY):
            raise InvalidParameterError(
                f"quality must have only the measures {QUALITY}, got {sorted(map(str, quality))}; "
                "pass what to_dict returns",
                code="foreign-format",
                parameter="values",
            )
        return cls(
            class_counts={name: count_of(one, "a count") for name, one in counts.items()},
            confidence=Distribution.from_dict(_mapping(entries["confidence"], "confidence")),
            quality={
                name: Distribution.from_dict(_mapping(one, name)) for name, one in quality.items()
            },
            n_accepted=None if accepted is None else count_of(accepted, "n_accepted"),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            n_groups=count_of(entries["n_groups"], "n_groups"),
            n_unreadable=count_of(entries["n_unreadable"], "n_unreadable"),
            class_design_effect=_effect(entries["class_design_effect"]),
            coverage_design_effect=_effect(entries["coverage_design_effect"]),
        )

    def __reduce__(self) -> tuple[Callable[[Mapping[str, object]], Profile], tuple[object]]:
        """Pickle the plain values, because read-only mappings cannot be pickled."""
        return Profile.from_dict, (self.to_dict(),)

    def __str__(self) -> str:
        """Return the counts, and the median and range of every distribution, as a table."""
        unreadable = f", {self.n_unreadable:,} unreadable" if self.n_unreadable else ""
        lines = [
            f"{counted(self.n_photos, 'photo')} of {counted(self.n_groups, 'group')}{unreadable}"
        ]
        for name, one in {"confidence": self.confidence, **self.quality}.items():
            low, high = one.quantile(0.05), one.quantile(0.95)
            lines.append(f"{name:10}  median {one.median:.4g}, 90 % from {low:.4g} to {high:.4g}")
        if self.coverage is not None:
            lines.append(f"coverage    {self.coverage:.1%}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return one line with the number of photos and groups, and the measures."""
        measured = ", with quality" if self.quality else ""
        return f"<Profile: {self.n_photos} photos of {self.n_groups} groups{measured}>"


def profile_of(
    class_names: tuple[str, ...],
    predicted: Integers,
    confidences: Floats,
    groups: Integers,
    *,
    accepted: npt.NDArray[np.bool_] | None = None,
    quality: Mapping[str, npt.NDArray[np.float32]] | None = None,
    n_unreadable: int = 0,
) -> Profile:
    """Return the profile of columns with one entry for each readable photo."""
    groups = np.unique(groups, return_inverse=True)[1].reshape(-1).astype(np.int64)
    counts = np.bincount(predicted, minlength=len(class_names)).tolist()
    effect = 1.0 if accepted is None else share_design_effect(accepted, groups)
    return Profile(
        n_photos=len(predicted),
        n_groups=int(groups.max()) + 1,
        n_unreadable=n_unreadable,
        class_counts={
            name: count for name, count in zip(class_names, counts, strict=True) if count
        },
        class_design_effect=round(classes_design_effect(predicted, groups), 4),
        confidence=Distribution.of(confidences, groups),
        quality=quality_distributions(quality or {}, groups),
        n_accepted=None if accepted is None else int(accepted.sum()),
        coverage_design_effect=round(effect, 4),
    )


def quality_distributions(
    quality: Mapping[str, npt.NDArray[np.float32]], groups: Integers
) -> dict[str, Distribution]:
    """Return the distribution of every measure over the photos that were measured."""
    found = {}
    for name, column in quality.items():
        measured = np.isfinite(column)
        if measured.any():
            inside = np.unique(groups[measured], return_inverse=True)[1].reshape(-1)
            values = column[measured].astype(np.float64)
            found[name] = Distribution.of(values, inside.astype(np.int64))
    return found


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidParameterError(
            f"{name} must be a mapping, got {type(value).__name__}; pass what to_dict returns",
            code="wrong-type",
            parameter="values",
        )
    return value


def _effect(value: object) -> float:
    return number_of(value, "a design effect", 1, 1e9)
