"""`CountedRegions`: the regions of one or more shelf photos as one list of predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.regions import Regions

ShelfRegions: TypeAlias = Regions | Sequence[Regions] | Mapping[str, Regions]
"""The regions of one shelf photo, or of several."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedRegions:
    """The regions of shelf photos, and their predictions as one list."""

    names: tuple[str, ...]
    """A name for each photo; they differ."""
    regions: tuple[Regions, ...]
    """The regions of each photo."""
    predictions: Predictions
    """A row for each box, in the order of the photos, with the ids ``"shelf.jpg#0"``."""

    @property
    def photo_numbers(self) -> npt.NDArray[np.int64]:
        """The number of the photo of each box."""
        return np.repeat(np.arange(len(self.regions)), [len(one) for one in self.regions])

    @property
    def photo_of_box(self) -> list[str]:
        """The name of the photo of each box."""
        return [self.names[number] for number in self.photo_numbers]

    def by_box(
        self, name: str, values: Sequence[str] | npt.NDArray[np.object_] | Callable[[str], str]
    ) -> list[str]:
        """Return a value for each box, given one for each photo."""
        found = [values(one) for one in self.names] if callable(values) else list(values)
        if len(found) != len(self.regions):
            raise InvalidParameterError(
                f"{name} must have a value for each of the {len(self.regions)} photos, got "
                f"{len(found)}; give one for each Regions",
                code="wrong-length",
                parameter=name,
            )
        return [found[number] for number in self.photo_numbers]


def counted_regions(photos: object) -> CountedRegions | None:
    """Return the regions of one or more photos; None for photos of one product each."""
    if isinstance(photos, Regions):
        return _joined([_name_of(photos)], [photos])
    if isinstance(photos, Mapping):
        values = list(photos.values())
        names = [str(name) for name in photos]
    elif isinstance(photos, list | tuple) and any(isinstance(one, Regions) for one in photos):
        values = list(photos)
        names = [_name_of(one) if isinstance(one, Regions) else "" for one in values]
    else:
        return None
    odd = [one for one in values if not isinstance(one, Regions)]
    if odd or not values:
        got = received(odd[0]) if odd else "none"
        raise InvalidParameterError(
            f"photos must be Regions for each shelf photo, got {got}; pass the results of "
            "predict_regions",
            code="wrong-type",
            parameter="photos",
        )
    return _joined(names, values)


def _joined(names: Sequence[str], regions: Sequence[Regions]) -> CountedRegions:
    different = _different(names)
    pooled = Regions.pooled(regions)
    ids = [
        f"{name}#{row}"
        for name, one in zip(different, regions, strict=True)
        for row in range(len(one))
    ]
    predictions = Predictions(
        pooled.probabilities, pooled.class_names, ids, decisions=list(pooled.decisions)
    )
    return CountedRegions(names=different, regions=tuple(regions), predictions=predictions)


def _name_of(regions: Regions) -> str:
    return str(regions.ids[0]).rpartition("#")[0] if len(regions) else "photo"


def _different(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with a number behind those that occur before."""
    taken: dict[str, None] = {}
    for name in names:
        new, number = name, 1
        while new in taken:
            number += 1
            new = f"{name} ({number})"
        taken[new] = None
    return tuple(taken)
