"""`Distribution`: the distribution of a measure as a few values and cumulated shares."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from shelfvision._validation import as_number
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import count_of, exact_entries, list_of, number_of
from shelfvision.predictions.columns import Floats, Integers
from shelfvision.predictions.profile.design_effects import values_design_effect

if TYPE_CHECKING:
    from typing import Self

_KNOTS = 50
_ENTRIES = ("values", "shares", "n_photos", "design_effect")
MAX_KNOTS = 1024
"""The largest number of values that a file may have."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The distribution of a measure over photos: quantiles, with cumulated shares.

    There are at most 51 quantiles. For a value that more than 2 % of the photos have, the number
    just below it is also kept, because no quantile tells how many photos are below the value.

    Examples
    --------
    >>> from shelfvision.predictions import Distribution
    >>> Distribution(values=(0.2, 0.5, 0.9), shares=(0.25, 0.5, 1.0), n_photos=4).median
    0.5
    """

    values: tuple[float, ...]
    """Values in ascending order, from the smallest to the largest of all photos."""
    shares: tuple[float, ...]
    """The share of photos at or below each value; the last is 1."""
    n_photos: int
    """The number of photos."""
    design_effect: float = 1.0
    """The variance of these shares, divided by that of as many independent photos."""

    def __post_init__(self) -> None:
        _require(0 < len(self.values) == len(self.shares) <= MAX_KNOTS, "equally many values")
        _require(all(np.diff(self.values) > 0), "ascending values")
        _require(all(np.diff(self.shares) >= 0) and self.shares[0] >= 0, "ascending shares")
        _require(abs(self.shares[-1] - 1) < 1e-6, "shares that end at 1")
        _require(1 <= self.design_effect < 1e9, "a design effect of at least 1")

    @classmethod
    def of(cls, values: Floats, groups: Integers) -> Self:
        """Return the distribution of the values of at least one photo.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)
            The measure of each photo.
        groups : ndarray of int64, shape (n,)
            The group of each photo, numbered from 0.

        Returns
        -------
        Distribution
            The quantiles of the values, with exact shares.
        """
        # Six digits keep files small; shares are counted after rounding, so they are exact.
        kept = rounded(values)
        ordered, levels = np.sort(kept), np.linspace(0, 1, _KNOTS + 1)
        cuts = np.unique(np.quantile(ordered, levels, method="inverted_cdf"))
        knots = np.union1d(cuts, _before_atoms(ordered, cuts))
        below = np.searchsorted(ordered, knots, side="right")
        return cls(
            values=tuple(knots.tolist()),
            shares=tuple((below / len(kept)).round(6).tolist()),
            n_photos=len(kept),
            design_effect=round(values_design_effect(kept, groups), 4),
        )

    @property
    def median(self) -> float:
        """The median."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """Return the smallest of the values with at least a share of the photos at or below it.

        Parameters
        ----------
        share : float
            The share, 0 to 1.

        Returns
        -------
        float
            The value.

        Raises
        ------
        InvalidParameterError
            `share` is not a number from 0 to 1.
        """
        share = as_number("share", share, minimum=0, maximum=1)
        return self.values[min(bisect_left(self.shares, share), len(self.values) - 1)]

    def to_dict(self) -> dict[str, object]:
        """Return the distribution as plain JSON values."""
        return {
            "values": list(self.values),
            "shares": list(self.shares),
            "n_photos": self.n_photos,
            "design_effect": self.design_effect,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the distribution from the values of `to_dict`.

        Parameters
        ----------
        values : mapping
            Plain JSON values.

        Returns
        -------
        Distribution
            The distribution.

        Raises
        ------
        InvalidParameterError
            An entry is missing, unknown or invalid.
        """
        entries = exact_entries(values, _ENTRIES, "a distribution")
        return cls(
            values=tuple(number_of(one, "a value") for one in list_of(entries["values"], "values")),
            shares=tuple(
                number_of(one, "a share", 0, 1) for one in list_of(entries["shares"], "shares")
            ),
            n_photos=count_of(entries["n_photos"], "n_photos"),
            design_effect=number_of(entries["design_effect"], "design_effect", 1, 1e9),
        )


def _before_atoms(ordered: Floats, cuts: Floats) -> Floats:
    """Return the number below each cut that more than one of `_KNOTS` parts of the photos have."""
    first, last = (np.searchsorted(ordered, cuts, side=side) for side in ("left", "right"))
    atoms = cuts[(last - first > len(ordered) / _KNOTS) & (first > 0)]
    return np.asarray(np.nextafter(atoms, -np.inf))


def rounded(values: Floats) -> Floats:
    """Return values with six significant digits, as a distribution keeps them."""
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-12)))
    scale = 10.0 ** (5 - size)
    return np.asarray(np.round(values * scale) / scale, dtype=np.float64)


def _require(right: object, what: str) -> None:
    if not right:
        raise InvalidParameterError(
            f"a distribution must have {what}, got others; pass what its to_dict returns",
            code="inconsistent",
            parameter="values",
        )
