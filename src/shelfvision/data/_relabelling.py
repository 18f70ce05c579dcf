"""Use the labels that people gave to single photos: `Dataset.with_labels`.

The ids of a review are text from another program, so they are joined as foreign identifiers: an id
fits exactly, or in Unicode NFC; otherwise it is an error that names the closest id.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import closest
from shelfvision._product_codes import codes_of_classes
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import counted, listed, one_of, received
from shelfvision.data.table import PhotoTable, taken
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import ClassNames
from shelfvision.review.corrections import Correction, Corrections

Unreviewed: TypeAlias = Literal["keep", "drop"]
"""What happens to photos without an answer."""

_SHOWN = 5


def with_answers(
    table: PhotoTable,
    labels: Corrections | Mapping[str, str],
    class_names: ClassNames | None,
    unreviewed: Unreviewed,
) -> PhotoTable:
    """Return the rows with the labels of a review; photos without a class are left out."""
    one_of("unreviewed", unreviewed, get_args(Unreviewed))
    answers = labels if isinstance(labels, Corrections) else _as_corrections(labels)
    by_id = _joined(answers, table.ids.tolist())
    names = table.class_names if class_names is None else as_class_names(class_names)
    _require_known(answers.labels, names, given=class_names is not None)
    number = {name: index for index, name in enumerate(names)}
    # Rows without an answer keep their class; -1 marks those that leave the dataset.
    kept_class = [number.get(name, -2) for name in table.class_names]
    new = np.array(kept_class, dtype=np.int64)[table.labels]
    if unreviewed == "drop":
        new[:] = -1
    for row, name in enumerate(table.ids.tolist()):
        answer = by_id.get(name)
        if answer is not None:
            new[row] = -1 if answer.label is None else number[answer.label]
    _require_classes_of_rest(table, new)
    kept = new >= 0
    return replace(
        taken(table, kept),
        labels=new[kept],
        class_names=names,
        product_codes=codes_of_classes(table.product_codes, names),
        skipped=SkippedFiles((*table.skipped, *_left_out(by_id))),
    )


def _as_corrections(labels: object) -> Corrections:
    if not isinstance(labels, Mapping):
        raise InvalidParameterError(
            f"labels must be Corrections or a mapping of photo id to class name, got "
            f"{received(labels)}; read a file with Corrections.read(path)",
            code="wrong-type",
            parameter="labels",
        )
    return Corrections(labels)


def _joined(answers: Corrections, ids: Collection[str]) -> dict[str, Correction]:
    """Return the answers by the ids of the dataset; refuse ids that it does not have."""
    known = set(ids)
    found = {name: answer for name, answer in answers.items() if name in known}
    if len(found) == len(answers):
        return found
    composed: dict[str, set[str]] = {}
    for name in known:
        composed.setdefault(unicodedata.normalize("NFC", name), set()).add(name)
    unknown = []
    for name, answer in answers.items():
        if name in found:
            continue
        same = composed.get(unicodedata.normalize("NFC", name), set()) - found.keys()
        if len(same) == 1:
            found[same.pop()] = answer
        else:
            unknown.append(name)
    if unknown:
        raise DataError(
            f"labels must have ids of the dataset, got {counted(len(unknown), 'id')} that it does "
            f"not have: {_suggested(unknown, _near_ids(unknown, known))}; correct them, or leave "
            "them out",
            code="unknown-id",
            parameter="labels",
        )
    return found


def _near_ids(unknown: Collection[str], known: Iterable[str]) -> list[str | None]:
    """Return the id with the same file name, or the closest id, for the first unknown ids."""
    pool = sorted(known)
    file_names: dict[str, list[str]] = {}
    for name in pool:
        file_names.setdefault(PurePosixPath(name).name, []).append(name)
    near = []
    for name in list(unknown)[:_SHOWN]:
        same = file_names.get(PurePosixPath(name.replace("\\", "/")).name, [])
        near.append(same[0] if len(same) == 1 else closest(name, pool))
    return near


def _suggested(unknown: Collection[str], near: Iterable[str | None]) -> str:
    """Return the first unknown names, each with a suggestion if there is one."""
    shown = [
        repr(name) if other is None else f"{name!r} (did you mean {other!r}?)"
        for name, other in zip(unknown, near, strict=False)
    ]
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return ", ".join(shown) + more


def _require_known(labels: Mapping[str, str], names: Collection[str], *, given: bool) -> None:
    unknown = sorted(set(labels.values()) - set(names))
    if unknown:
        remedy = (
            f"add {listed(unknown)} to class_names"
            if given
            else f"correct them, or pass class_names=[*dataset.class_names, {listed(unknown)}] "
            "for new classes"
        )
        near = [closest(name, names) for name in unknown[:_SHOWN]]
        raise DataError(
            f"labels must be classes of {'class_names' if given else 'the dataset'}, got "
            f"{_suggested(unknown, near)}; {remedy}",
            code="unknown-class",
            parameter="labels",
        )


def _require_classes_of_rest(table: PhotoTable, new: npt.NDArray[np.int64]) -> None:
    """Refuse class names that lack the class of a photo without an answer."""
    lost = np.unique(table.labels[new == -2])
    if len(lost):
        classes = [table.class_names[label] for label in lost.tolist()]
        raise DataError(
            f"class_names must have the classes of photos without an answer, got no "
            f"{listed(classes)}; add them, or leave out these photos with unreviewed='drop'",
            code="unknown-class",
            parameter="class_names",
        )


def _left_out(answers: Mapping[str, Correction]) -> Iterable[SkippedFile]:
    """Yield the reviewed photos without a class."""
    for name, answer in answers.items():
        if answer.label is None:
            reason = f"a person marked it as {answer.status}"
            reason += f": {answer.comment}" if answer.comment else ""
            yield SkippedFile(name, reason, answer.status.replace(" ", "-"))
