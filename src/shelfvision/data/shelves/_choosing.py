"""Choose the boxes that become rows: their label, size, place and class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import clean_name, closest, spellings, warn_of_twins
from shelfvision._skipped import SkippedFile
from shelfvision._validation import as_number, listed, one_of, received
from shelfvision.boxes.annotated import AnnotatedPhoto
from shelfvision.boxes.box_list import Corners
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import ClassNames

AtBorder: TypeAlias = Literal["keep", "skip"]
"""What to do with boxes that touch the border of their photo."""
LabelMap: TypeAlias = Mapping[str, str | None]
"""The class of each label; None leaves its boxes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFilter:
    """Which boxes are left out for their size or place."""

    min_box_size: float = 0.0
    """The smallest shorter side of a box inside the photo, in pixels."""
    at_border: AtBorder = "keep"
    """Whether boxes at the border of the photo are kept."""

    def __post_init__(self) -> None:
        size = as_number("min_box_size", self.min_box_size, minimum=0, maximum=16384)
        object.__setattr__(self, "min_box_size", size)
        one_of("at_border", self.at_border, get_args(AtBorder))

    def faults(
        self, corners: Corners, photo_size: tuple[int, int]
    ) -> Iterator[tuple[npt.NDArray[np.bool_], str, str]]:
        """Yield the boxes that are left out, with code and reason."""
        size = np.array(photo_size[::-1] * 2, dtype=np.float64)
        inside = corners.clip(0, size)
        shorter = (inside[:, 2:] - inside[:, :2]).min(axis=1)
        limit = self.min_box_size
        small = np.asarray(shorter < limit)
        yield small, "too-small", f"its shorter side is below {limit:g} pixels"
        if self.at_border == "skip":
            near = np.asarray((corners[:, :2] < 1).any(axis=1))
            near |= (corners[:, 2:] > size[2:] - 1).any(axis=1)
            yield near, "at-border", "it is less than 1 pixel from the border of the photo"


def left_out(
    photo: AnnotatedPhoto, corners: Corners, photo_size: tuple[int, int], boxes: BoxFilter
) -> tuple[npt.NDArray[np.bool_], list[SkippedFile]]:
    """Return the boxes that become rows, and those that do not, with reasons."""
    crowd = np.isin(photo.numbers, list(photo.crowds))
    labels = photo.boxes.labels
    unnamed = np.array([not clean_name(label or "") for label in labels], dtype=np.bool_)
    faults = [
        (crowd, "crowd", "it covers several objects (iscrowd)"),
        (unnamed, "no-label", "it has no label"),
        *boxes.faults(corners, photo_size),
    ]
    used = np.ones(len(corners), dtype=np.bool_)
    skipped = []
    for rows, code, reason in faults:
        for row in np.flatnonzero(rows & used).tolist():
            path = f"{photo.name}#{photo.numbers[row]}"
            skipped.append(SkippedFile(path=path, reason=reason, code=code))
        used &= ~rows
    return used, skipped


def numbers_of_labels(
    labels: Sequence[str], label_map: LabelMap | None, class_names: ClassNames | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the class number of each label, -1 for labels that are left out, and the classes."""
    found = spellings(labels)
    renamed = _renamed(found, label_map)
    there = {name for name in renamed.values() if name is not None}
    names = tuple(sorted(there))
    if class_names is not None:
        names = accepted_classes(as_class_names(class_names), there, of="the annotations")
    warn_of_twins({name: found[name] for name in names if name in found}, what="labels")
    number = {name: index for index, name in enumerate(names)}
    of_label = {label: number.get(name or "", -1) for label, name in renamed.items()}
    numbers = np.array([of_label[clean_name(label)] for label in labels], dtype=np.int64)
    if not (numbers >= 0).any():
        raise DataError(
            f"source must have a box of the classes {listed(names)}, got none; choose among its "
            f"labels {listed(sorted(found), limit=50)}",
            code="empty",
            parameter="label_map" if class_names is None else "class_names",
        )
    return numbers, names


def _renamed(
    found: Mapping[str, Sequence[str]], label_map: LabelMap | None
) -> dict[str, str | None]:
    if label_map is None:
        return {name: name for name in found}
    if not isinstance(label_map, Mapping):
        raise _bad_map(
            f"must be a mapping of label to class name or None, got {received(label_map)}"
        )
    wanted: dict[str, str | None] = {}
    for label, name in label_map.items():
        if not isinstance(label, str) or not (name is None or isinstance(name, str)):
            raise _bad_map(f"must have text or None as values, got {received({label: name})}")
        wanted[clean_name(label)] = None if name is None else clean_name(name)
    unknown = [label for label in wanted if label not in found]
    if unknown:
        near = closest(unknown[0], found)
        remedy = f"write {near!r}" if near else f"its labels are {listed(sorted(found), limit=50)}"
        raise InvalidParameterError(
            f"label_map must have labels of the annotations as keys, got {listed(unknown)}; "
            f"{remedy}",
            code="unknown-name",
            parameter="label_map",
        )
    return {name: wanted.get(name, name) for name in found}


def _bad_map(fault: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"label_map {fault}; write {{'Oat-Milk': 'oat milk', 'price tag': None}}",
        code="wrong-type",
        parameter="label_map",
    )
