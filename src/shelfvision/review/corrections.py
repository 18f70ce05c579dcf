"""`Corrections`: the labels that people gave to photos, by photo id.

A review of predictions gives one answer for each photo: another class, the same class, or no class
at all. `Corrections` joins the answers of one or more files. An id that has two different answers
is an error, because the library cannot know which person is right.

>>> corrections = Corrections({"a.jpg": "milk", "b.jpg": Correction(status="unusable")})
>>> corrections.labels
{'a.jpg': 'milk'}
>>> corrections["b.jpg"].status
'unusable'
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, final, get_args

from shelfvision._identifiers import clean_name, identifier
from shelfvision._storage import RemoteFile, as_location, suffix_of_location, write_atomically
from shelfvision._text import printable
from shelfvision._urls import is_url
from shelfvision._validation import counted, one_of, received
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Location
from shelfvision.review._answers import RawAnswer
from shelfvision.review._corrections_csv import answers_of_csv, csv_of_answers
from shelfvision.review._label_studio_export import answers_of_export

if TYPE_CHECKING:
    from typing import Self

Status: TypeAlias = Literal["corrected", "confirmed", "other product", "unusable"]
"""The outcome of a review: another class, the predicted class, no class that is known, or a photo
that shows no product."""

STATUSES: tuple[Status, ...] = get_args(Status)
"""The outcomes of a review."""
REJECTED: tuple[Status, ...] = ("other product", "unusable")
"""The outcomes without a class."""

_SHOWN = 5
"""The number of conflicts in a message."""
_BETWEEN = "; "
"""The text between the comments of several people on one photo."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The answer of a person for one photo.

    Raises
    ------
    InvalidParameterError
        The status is unknown, a status that needs a class has none, or ``"other product"`` or
        ``"unusable"`` has one.
    """

    label: str | None = None
    """The class name; None if the status is ``"other product"`` or ``"unusable"``."""
    status: Status = "corrected"
    """``"corrected"``, ``"confirmed"``, ``"other product"`` or ``"unusable"``."""
    comment: str = ""
    """A remark of the person."""

    def __post_init__(self) -> None:
        """Check and normalize the values."""
        one_of("status", self.status, STATUSES)
        if self.label is not None and not isinstance(self.label, str):
            raise InvalidParameterError(
                f"label must be a class name or None, got {received(self.label)}; write it as text",
                code="wrong-type",
                parameter="label",
            )
        label = clean_name(self.label or "") or None
        if (label is None) != (self.status in REJECTED):
            wanted = "None" if self.status in REJECTED else "a class name"
            raise InvalidParameterError(
                f"label must be {wanted} if status is {self.status!r}, got {self.label!r}; correct "
                "one of them",
                code="conflict",
                parameter="label",
            )
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "comment", str(self.comment).strip())


@final
class Corrections(Mapping[str, Correction]):
    """The answers of people for photos: an immutable mapping of photo id to `Correction`.

    `read` reads the file that the review page downloads, or an export of Label Studio.
    `Dataset.with_labels` uses the answers as labels.

    Parameters
    ----------
    answers : mapping of str to Correction or str
        The answer for each photo id; a class name stands for a correction to that class. Ids that
        are whole numbers become text.

    Raises
    ------
    InvalidParameterError
        `answers` is not a mapping, or a value is neither a class name nor a `Correction`.

    Examples
    --------
    >>> import shelfvision as shv
    >>> corrections = shv.Corrections({"shelf.jpg#3": "oat milk"})
    >>> corrections["shelf.jpg#3"].label
    'oat milk'
    >>> corrections
    <Corrections: 1 photo, 1 corrected>
    """

    __slots__ = ("_answers",)

    def __init__(self, answers: Mapping[str, Correction | str]) -> None:
        if not isinstance(answers, Mapping):
            raise InvalidParameterError(
                f"answers must be a mapping of photo id to class name, got {received(answers)}; "
                'write {"a.jpg": "milk"}',
                code="wrong-type",
                parameter="answers",
            )
        self._answers = _joined(
            (identifier(name, name="answers"), _as_correction(value), f"answers[{name!r}]")
            for name, value in answers.items()
        )

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        control: str | None = None,
        encoding: str | None = None,
    ) -> Self:
        r"""Read the corrections of a review.

        A CSV file has the columns ``id`` and ``label``, and optionally ``status`` and ``comment``;
        the review page writes all four. The status is ``corrected`` (the default), ``confirmed``,
        ``other product`` or ``unusable``; the label is empty for the last two. Rows without a
        label and a status are not reviewed yet and are left out. Delimiters, encodings and line
        ends are detected as for `Dataset.from_manifest`.

        A file with the suffix ``.json`` is an export of Label Studio in the format JSON or
        JSON-MIN, with one choice for each photo or one label for each rectangle. The id is the
        ``photo_id`` that `Predictions.save_label_studio` wrote. In other projects it is the path
        behind ``?d=`` of local files, the name of an uploaded file, or the image itself. Skipped
        tasks and tasks without an answer are left out. If a task has ground truth annotations,
        only these count.

        Parameters
        ----------
        path : path-like, or sequence of path-like
            The file, or the files of several people.
        control : str, optional
            The name of the Label Studio control with the class, such as ``"choice"``. By default
            ``"label"``, or the only control of the file.
        encoding : str, optional
            The encoding of a CSV file, such as ``"cp1252"``; by default that of its byte order
            mark, or UTF-8.

        Returns
        -------
        Corrections
            The answers, in the order of the file.

        Raises
        ------
        DatasetNotFoundError
            A file does not exist.
        DataError
            A file cannot be parsed, lacks a column, has an unknown status or a missing label, or a
            photo has two different answers (code ``"conflict"``).

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> path = pathlib.Path(tempfile.mkdtemp(), "corrections.csv")
        >>> _ = path.write_text("id,label,status,comment\na.jpg,milk,corrected,\n")
        >>> shv.Corrections.read(path).labels
        {'a.jpg': 'milk'}
        """
        named = isinstance(path, str | os.PathLike) or is_url(path)
        one_file = named or not isinstance(path, Iterable)
        paths = [path] if one_file else path
        raw = (
            answer
            for one in cast("Sequence[str]", paths)
            for answer in _answers_of_file(as_location(one), control, encoding)
        )
        self = cls.__new__(cls)
        self._answers = _joined((one.id, _of_raw(one), one.where) for one in raw)
        return self

    @property
    def labels(self) -> dict[str, str]:
        """The class name of each photo that has one, by photo id."""
        return {
            name: answer.label for name, answer in self._answers.items() if answer.label is not None
        }

    @property
    def rejected(self) -> dict[str, Correction]:
        """The answers without a class: other products and unusable photos, by photo id."""
        return {name: one for name, one in self._answers.items() if one.label is None}

    @property
    def counts(self) -> dict[str, int]:
        """The number of photos by status; a status without photos counts 0."""
        found = Counter(answer.status for answer in self._answers.values())
        return {status: found[status] for status in STATUSES}

    def save(self, path: Location) -> None:
        """Write the corrections as a CSV file that `read` reads, in UTF-8.

        Cells that a spreadsheet would run as formulas start with an apostrophe, which `read`
        removes.

        Parameters
        ----------
        path : path-like or URL
            The file to write; an existing file is replaced atomically.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        rows = (
            (name, one.label or "", one.status, one.comment) for name, one in self._answers.items()
        )
        write_atomically(path, csv_of_answers(rows).encode("utf-8"))

    def __getitem__(self, photo: str) -> Correction:
        """Return the answer for a photo id."""
        return self._answers[photo]

    def __iter__(self) -> Iterator[str]:
        """Yield the photo ids."""
        return iter(self._answers)

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._answers)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the answers."""
        return type(self), (self._answers,)

    def __repr__(self) -> str:
        """Return one line with the number of photos by status."""
        shown = [f"{n} {status}" for status, n in self.counts.items() if n]
        return printable(f"<Corrections: {', '.join([counted(len(self), 'photo'), *shown])}>")


def _answers_of_file(
    path: str | RemoteFile, control: str | None, encoding: str | None
) -> Iterable[RawAnswer]:
    if suffix_of_location(path) == ".json":
        return answers_of_export(path, control)
    return answers_of_csv(path, encoding)


def _as_correction(value: object) -> Correction:
    if isinstance(value, Correction):
        return value
    if isinstance(value, str):
        return Correction(label=value)
    raise InvalidParameterError(
        f"answers must have a class name or a Correction for each photo, got {received(value)}; "
        "write the class name as text",
        code="wrong-type",
        parameter="answers",
    )


def _of_raw(raw: RawAnswer) -> Correction:
    """Return the correction of a file's answer, or an error with its location."""
    status = clean_name(raw.status).casefold() or "corrected"
    if status not in STATUSES:
        raise DataError(
            f"{raw.where} must have one of the statuses {', '.join(map(repr, STATUSES))}, got "
            f"{raw.status!r}; correct it",
            code="not-an-option",
            parameter="path",
        )
    try:
        return Correction(label=raw.label or None, status=status, comment=raw.comment)
    except InvalidParameterError as error:
        raise DataError(f"in {raw.where}, {error}", code=error.code, parameter="path") from error


def _joined(named: Iterable[tuple[str, Correction, str]]) -> dict[str, Correction]:
    """Return the answer of each id; refuse ids with two different answers."""
    found: dict[str, Correction] = {}
    places: dict[str, str] = {}
    conflicts: dict[str, str] = {}
    # The comments of ids with several answers, each once and in their order.
    comments: dict[str, dict[str, None]] = {}
    for name, answer, where in named:
        first = found.setdefault(name, answer)
        at = places.setdefault(name, where)
        if _said(first) != _said(answer):
            conflicts.setdefault(
                name, f"{name!r} is {_said(first)} in {at} and {_said(answer)} in {where}"
            )
        elif answer.comment != first.comment:
            known = comments.setdefault(name, dict.fromkeys(_parts(first.comment)))
            known |= dict.fromkeys(_parts(answer.comment))
    if conflicts:
        shown = "; ".join(list(conflicts.values())[:_SHOWN])
        more = f"; and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
        raise DataError(
            f"each photo must have one answer, got {counted(len(conflicts), 'photo')} with two: "
            f"{shown}{more}; keep the right one of each",
            code="conflict",
            parameter="path",
        )
    return found | {
        name: replace(found[name], comment=_BETWEEN.join(parts)) for name, parts in comments.items()
    }


def _parts(comment: str) -> Iterable[str]:
    return filter(None, comment.split(_BETWEEN))


def _said(answer: Correction) -> str:
    return repr(answer.label) if answer.label is not None else answer.status
