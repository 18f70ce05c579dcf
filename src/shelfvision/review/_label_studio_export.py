"""Read the answers of a Label Studio export, in its formats JSON and JSON-MIN.

JSON is a list of tasks. Each task has ``data`` (the image and our ``photo_id``), ``annotations``
(one for each person who answered) and ``predictions``. An annotation has a list ``result``, whose
entries name the control (``from_name``), its type and its value::

    {"data": {"image": "/data/local-files/?d=a.jpg", "photo_id": "a.jpg"},
     "annotations": [{"completed_by": 1, "was_cancelled": false, "result": [
         {"from_name": "label", "type": "choices", "value": {"choices": ["milk"]}}]}]}

JSON-MIN is a list of flat records, one for each annotation: the entries of ``data``, the value of
each control by its name, and who answered when.

References
----------
.. [1] Label Studio, "Label Studio JSON format of annotated tasks",
   https://labelstud.io/guide/task_format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from shelfvision._identifiers import identifier
from shelfvision._storage import RemoteFile, open_regular
from shelfvision._storage.json_stream import LISTED, json_entries
from shelfvision._storage.json_values import Fail
from shelfvision._validation import listed, received
from shelfvision.errors import DataError
from shelfvision.review._answers import RawAnswer
from shelfvision.review._label_studio_names import (
    BOX,
    COMMENT,
    IMAGE,
    LABEL,
    PHOTO_ID,
    REJECTIONS,
    STATUS,
)

MAX_BYTES = 2**30
"""The largest size of an export."""

# Label Studio adds eight hexadecimal digits to the name of an uploaded file.
_UPLOADED = re.compile(r"/?data/upload/(?:\d+/)?(?:[0-9a-f]{8}-)?(?P<name>[^/]+)")
_LOCAL = re.compile(r"/?data/local-files/?\?d=(?P<path>.+)")
# The keys of a JSON-MIN record that are neither data nor a control.
_RECORD = frozenset(
    ("agreement", "annotation_id", "annotator", "created_at", "id", "lead_time", "updated_at")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """One entry of an annotation that may be an answer."""

    control: str
    """The name of the control."""
    names: tuple[str, ...]
    """The class names, choices or texts."""
    box: int | None
    """The number of the box that we wrote; None for an answer about the whole photo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskAnnotation:
    """The answers of one person for one task."""

    photo: str
    where: str
    results: tuple[_Result, ...]
    predicted: Mapping[int | None, str]
    """The predicted class of the photo, or of each box; the same answer confirms it."""


def answers_of_export(place: str | RemoteFile, control: str | None) -> Iterator[RawAnswer]:
    """Yield the answers of an export in the order of its tasks."""
    annotations = list(_annotations(place))
    chosen = control or _only_control(str(place), annotations)
    for one in annotations:
        yield from _answers(one, chosen)


def _annotations(place: str | RemoteFile) -> Iterator[_TaskAnnotation]:
    """Yield all annotations that were not skipped; tasks of an export are read one by one."""
    path = str(place)
    opened = open_regular(place, MAX_BYTES, what="the Label Studio export", parameter="path")
    with opened as file:
        number = 0
        for key, task in json_entries(file, (), repr(path), limit=MAX_BYTES, fail=_failing(path)):
            if key or task is LISTED:
                continue
            number += 1
            where = f"task {number} of {path!r}"
            yield from _of_task(_mapping(task, where), where)
        if not number:
            _refuse(f"the Label Studio export {path!r}", "must have a list of tasks, got none")


def _of_task(task: Mapping[str, object], where: str) -> Iterator[_TaskAnnotation]:
    given = task.get("annotations", task.get("completions"))
    if given is None and "data" in task:
        return  # a task without annotations
    if given is None:
        if "annotation_id" not in task and "annotator" not in task:
            _refuse(where, "must be a task or a record of Label Studio")
        yield _of_record(task, where)
        return
    data = _mapping(task.get("data"), f"data of {where}")
    answered = [
        (_mapping(one, where), number)
        for number, one in enumerate(_list(given, f"annotations of {where}"), 1)
    ]
    kept = [(one, n) for one, n in answered if not (one.get("was_cancelled") or one.get("skipped"))]
    truth = [(one, n) for one, n in kept if one.get("ground_truth")]
    for one, number in truth or kept:
        at = f"annotation {number} of {where}"
        yield _TaskAnnotation(
            photo=_photo_id(data, where),
            where=at + _person(one),
            results=tuple(_results(one, at)),
            predicted=_predicted(task, where),
        )


def _of_record(record: Mapping[str, object], where: str) -> _TaskAnnotation:
    """Return the annotation of a JSON-MIN record; its boxes have no ids, so they are left out."""
    results = []
    for name, value in record.items():
        if name in _RECORD or name in (IMAGE, PHOTO_ID):
            continue
        choices = value.get("choices") if isinstance(value, dict) else value
        names = [choices] if isinstance(choices, str) else choices
        if isinstance(names, list) and names and all(isinstance(one, str) for one in names):
            results.append(_Result(control=name, names=tuple(names), box=None))
    return _TaskAnnotation(
        photo=_photo_id(record, where), where=where, results=tuple(results), predicted={}
    )


def _results(annotation: Mapping[str, object], where: str) -> Iterator[_Result]:
    for entry in _list(annotation.get("result", []), f"result of {where}"):
        result = _mapping(entry, f"result of {where}")
        kind = str(result.get("type", "")).lower()
        foreign = kind == "textarea" and result.get("from_name") != COMMENT
        if kind not in ("choices", "rectanglelabels", "textarea") or foreign:
            continue
        value = _mapping(result.get("value"), f"value of {where}")
        names = value.get("text" if kind == "textarea" else kind, [])
        names = [names] if isinstance(names, str) else _list(names, f"{kind} of {where}")
        box = BOX.fullmatch(str(result.get("id", ""))) if kind == "rectanglelabels" else None
        if kind == "rectanglelabels" and box is None:
            continue  # a box that the person added; it belongs to no prediction
        if any(not isinstance(name, str) for name in names):
            _refuse(where, f"must have texts in {kind}, got {received(names)}")
        yield _Result(
            control=str(result.get("from_name", "")),
            names=tuple(map(str, names)),
            box=int(box["number"]) if box else None,
        )


def _predicted(task: Mapping[str, object], where: str) -> dict[int | None, str]:
    """Return the class that each prediction of a task names first."""
    found: dict[int | None, str] = {}
    for entry in _list(task.get("predictions") or [], f"predictions of {where}"):
        # Some exports have the numbers of predictions instead of the predictions.
        if isinstance(entry, dict):
            for result in _results(entry, f"a prediction of {where}"):
                if result.names:
                    found.setdefault(result.box, result.names[0])
    return found


def _answers(annotation: _TaskAnnotation, control: str) -> Iterator[RawAnswer]:
    """Yield the answer for the photo, and for each of its boxes."""
    of_photo = [one for one in annotation.results if one.box is None]
    comment = "; ".join(
        name for one in of_photo if one.control == COMMENT != control for name in one.names
    )
    rejected = [n for one in of_photo if one.control == STATUS != control for n in one.names]
    for result in annotation.results:
        if result.control != control or not result.names:
            continue
        if len(result.names) > 1:
            _refuse(
                annotation.where,
                f"must have one class for each photo, got {listed(result.names)}",
                "wrong-length",
            )
        name = result.names[0]
        box = f"#{result.box}" if result.box is not None else ""
        if box and name in REJECTIONS:
            yield _raw(annotation, annotation.photo + box, "", name, comment)
            continue
        if rejected and not box:
            continue  # the status, which says that there is no such product, counts
        confirmed = annotation.predicted.get(result.box) == name
        status = "confirmed" if confirmed else "corrected"
        yield _raw(annotation, annotation.photo + box, name, status, comment)
    for status in rejected:
        yield _raw(annotation, annotation.photo, "", status, comment)


def _raw(
    annotation: _TaskAnnotation, photo: str, label: str, status: str, comment: str
) -> RawAnswer:
    return RawAnswer(id=photo, label=label, status=status, comment=comment, where=annotation.where)


def _only_control(path: str, annotations: Iterable[_TaskAnnotation]) -> str:
    """Return the control with the class: ours, or the only one of the export."""
    controls = list(dict.fromkeys(result.control for one in annotations for result in one.results))
    others = [name for name in controls if name not in (STATUS, COMMENT)]
    if LABEL in controls or not others:
        return LABEL
    if len(others) > 1:
        raise DataError(
            f"the Label Studio export {path!r} must have one control with the class, got "
            f"{listed(others)}; pass one as control=",
            code="ambiguous",
            parameter="control",
        )
    return others[0]


def _photo_id(data: Mapping[str, object], where: str) -> str:
    """Return the id that we wrote, or one from the image of a foreign task."""
    if PHOTO_ID in data:
        return identifier(data[PHOTO_ID], name=PHOTO_ID)
    image = data.get(IMAGE)
    if not isinstance(image, str) or not image or image.startswith("data:"):
        _refuse(where, f"must have the photo in {PHOTO_ID!r} or {IMAGE!r}, got {received(image)}")
    local, uploaded = _LOCAL.fullmatch(image), _UPLOADED.fullmatch(image)
    if local is not None:
        return unquote(local["path"])
    return unquote(uploaded["name"]) if uploaded is not None else image


def _person(annotation: Mapping[str, object]) -> str:
    person = annotation.get("completed_by")
    if isinstance(person, dict):
        person = person.get("email", person.get("id"))
    return "" if person is None else f" (annotator {received(person)})"


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        _refuse(where, f"must be a JSON object, got {received(value)}")
    return value


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list):
        _refuse(where, f"must be a list, got {received(value)}")
    return value


def _refuse(where: str, fault: str, code: str = "foreign-format") -> NoReturn:
    raise DataError(f"{where} {fault}; export the project as JSON", code=code, parameter="path")


def _failing(path: str) -> Fail:
    """Return what raises the error for text that is not JSON."""

    def fail(code: str, fault: str) -> NoReturn:
        raise DataError(
            f"the Label Studio export {path!r} cannot be read as JSON: {fault}; export the project "
            "as JSON again",
            code=code,
            parameter="path",
        )

    return fail
