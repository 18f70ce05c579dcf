"""`Predictions`: the predictions for many photos, stored as columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._storage import as_location, write_atomically
from shelfvision._validation import (
    Rows,
    as_integer,
    as_path,
    as_rows,
    counted,
    import_package,
    listed,
)
from shelfvision.data.reading import Photos
from shelfvision.data.table import frozen
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._label_studio import label_studio_tasks
from shelfvision.predictions._notebook import predictions_view
from shelfvision.predictions._prediction import DECISIONS, Decision, Prediction
from shelfvision.predictions._reviewing import pictures_of
from shelfvision.predictions._table import render_table
from shelfvision.predictions.columns import as_quality
from shelfvision.predictions.profile import Profile
from shelfvision.predictions.saving import save_predictions
from shelfvision.protocols import ClassNames, Location, StorageOptions
from shelfvision.review.label_studio import photo_config, write_tasks
from shelfvision.review.page import review_page

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd


_HIGHEST = 1 + 1e-3
"""The highest probability that rounding may give."""


@final
class Predictions(Sequence[Prediction]):
    """The predictions for many photos: an immutable sequence of `Prediction`.

    Parameters
    ----------
    probabilities : array_like of float32, shape (n, k)
        One row of probabilities per photo. Rows of photos with an error are ignored.
    class_names : iterable of str, length k
        The class names, in the order of the columns.
    ids : sequence of str, length n
        The names of the photos.
    errors : sequence of str or None, length n, optional
        The reason why a photo could not be read, None if it was read. By default all None.
    decisions : sequence of {"accept", "review"} or None, length n, optional
        The decision for each photo, by default None. Photos that could not be read always get
        ``"review"``.
    class_prior : mapping of str to float, optional
        The class prior that the probabilities were corrected for.
    quality : mapping of str to array_like of float32, optional
        Quality measures of the photos, each of length n; see `quality`.
    profile : Profile, optional
        The profile of the classifier, which `drift` compares the predictions with.

    Raises
    ------
    InvalidParameterError
        The columns have inconsistent lengths, or a probability is not a number from 0 to 1.

    Examples
    --------
    >>> import shelfvision as shv
    >>> found = shv.Predictions([[0.9, 0.1], [0.2, 0.8]], ["juice", "milk"], ["a.jpg", "b.jpg"])
    >>> [(p.id, p.label) for p in found]
    [('a.jpg', 'juice'), ('b.jpg', 'milk')]
    """

    __slots__ = (
        "_class_names",
        "_class_prior",
        "_decisions",
        "_errors",
        "_ids",
        "_probabilities",
        "_profile",
        "_quality",
        "_winners",
    )

    def __init__(
        self,
        probabilities: npt.ArrayLike,
        class_names: ClassNames,
        ids: Sequence[str] | npt.NDArray[np.object_],
        errors: Sequence[str | None] | None = None,
        *,
        decisions: Sequence[Decision | None] | None = None,
        class_prior: Mapping[str, float] | None = None,
        quality: Mapping[str, npt.ArrayLike] | None = None,
        profile: Profile | None = None,
    ) -> None:
        self._class_names = as_class_names(class_names)
        n = len(ids)
        reasons = (None,) * n if errors is None else tuple(errors)
        failed = np.array([reason is not None for reason in reasons], dtype=np.bool_)
        self._errors = _of_length("errors", reasons, n)
        self._probabilities = _checked(probabilities, (n, len(self._class_names)), failed)
        self._ids = _checked_ids(ids)
        self._decisions = _checked_decisions(decisions, failed)
        self._class_prior = None if class_prior is None else dict(class_prior)
        self._quality = None if quality is None else as_quality(quality, failed)
        self._profile = profile
        winners = self._probabilities.argmax(axis=1).astype(np.int64)
        # A row of NaN has no predicted class, marked by -1.
        winners[failed] = -1
        self._winners = frozen(winners)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of the columns of `probabilities`."""
        return self._class_names

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The names of the photos, ``str``, shape (n,), read-only."""
        return self._ids

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """The probability of each class, shape (n, k), read-only; NaN for unreadable photos."""
        return self._probabilities

    @property
    def labels(self) -> npt.NDArray[np.object_]:
        """The most probable class of each photo, ``str``, shape (n,); None for unreadable ones."""
        names = _column((*self._class_names, None))
        return frozen(names[self._winners])

    @property
    def confidences(self) -> npt.NDArray[np.float32]:
        """The probability of the most probable class, shape (n,); NaN for unreadable photos."""
        columns = np.maximum(self._winners, 0)
        return frozen(self._probabilities[np.arange(len(self)), columns])

    @property
    def errors(self) -> tuple[str | None, ...]:
        """The reason why each photo could not be read; None if it was read."""
        return self._errors

    @property
    def decisions(self) -> npt.NDArray[np.object_]:
        """The decision for each photo, shape (n,), read-only: ``"accept"``, ``"review"`` or None.

        Without thresholds all decisions are None, except ``"review"`` for unreadable photos.
        """
        return self._decisions

    @property
    def class_prior(self) -> dict[str, float] | None:
        """The class prior that the probabilities were corrected for; None if they were not."""
        return None if self._class_prior is None else dict(self._class_prior)

    @property
    def quality(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """The quality measures of the photos, each of shape (n,), read-only; None without them.

        They are ``"brightness"`` (mean grey level, 0 to 255), ``"contrast"`` (difference of the
        grey levels below which 95 % and 5 % of the pixels are, 0 to 255), ``"sharpness"`` (0 to 1)
        and ``"warmth"`` (mean red minus mean blue level, -255 to 255) of the pixels of the model
        input; NaN for unreadable photos. Predict with ``quality=True`` to measure them.
        """
        return None if self._quality is None else dict(self._quality)

    @property
    def profile(self) -> Profile | None:
        """The profile of the classifier, for `drift`; None without one."""
        return self._profile

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the columns, so that unpickled arrays are read-only again."""
        columns = (self._probabilities, self._class_names, self._ids, self._errors)
        rest = (self._decisions, self._class_prior, self._quality, self._profile)
        return _remade, (*columns, rest)

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._errors)

    @overload
    def __getitem__(self, index: int | np.integer) -> Prediction: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> Prediction | Self:
        """Return one `Prediction`, or the rows that a slice, mask or list selects."""
        if isinstance(index, int | np.integer):
            return self._one(range(len(self))[index])
        rows = np.arange(len(self))[as_rows(index, len(self), of="predictions")]
        return type(self)(
            self._probabilities[rows],
            self._class_names,
            self._ids[rows],
            [self._errors[row] for row in rows],
            decisions=list(self._decisions[rows]),
            class_prior=self._class_prior,
            quality={name: one[rows] for name, one in self._quality.items()}
            if self._quality
            else None,
            profile=self._profile,
        )

    def __iter__(self) -> Iterator[Prediction]:
        """Yield one `Prediction` per photo."""
        return (self._one(row) for row in range(len(self)))

    def _one(self, row: int) -> Prediction:
        winner = int(self._winners[row])
        return Prediction(
            id=self._ids[row],
            label=self._class_names[winner] if winner >= 0 else None,
            confidence=float(self._probabilities[row, winner]),
            probabilities=self._probabilities[row],
            decision=self._decisions[row],
            error=self._errors[row],
        )

    def top(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """Return the `k` most probable classes of each photo, the most probable first.

        Parameters
        ----------
        k : int, default=5
            The number of classes; limited to the number of classes of the classifier.

        Returns
        -------
        list of list of (str, float)
            Class names and probabilities; ties are in the order of `class_names`. The list of a
            photo that could not be read is empty.
        """
        k = min(as_integer("k", k, minimum=1), len(self._class_names))
        order = np.argsort(-self._probabilities, axis=1, kind="stable")[:, :k]
        return [
            [(self._class_names[i], float(row[i])) for i in best] if error is None else []
            for row, best, error in zip(self._probabilities, order, self._errors, strict=True)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table with id, label, confidence, decision, error and all probabilities.

        Returns
        -------
        pandas.DataFrame
            One row per photo, with the measures of `quality` if there are any. The columns of
            probabilities are named ``p(class name)``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        columns: dict[str, object] = {"id": self._ids, "label": self.labels}
        columns |= {"confidence": self.confidences, "decision": self._decisions}
        columns |= {"error": list(self._errors), **(self._quality or {})}
        columns |= {
            f"p({name})": self._probabilities[:, i] for i, name in enumerate(self._class_names)
        }
        return pd.DataFrame(columns)

    def save_review(self, path: Location, photos: Photos, *, top: SupportsIndex = 5) -> None:
        """Save a page on which a person confirms or corrects the predictions.

        The page is one HTML file that needs no server and no network. It shows each photo with its
        most probable classes, the least confident prediction first. The browser keeps the answers,
        and the page downloads them as ``corrections.csv`` with the columns id, label, status and
        comment. Select the predictions to review first, for example
        ``found[found.decisions == "review"]``.

        Parameters
        ----------
        path : path-like or URL
            The HTML file. A missing folder is created.
        photos : path, bytes, array, PIL image, Dataset, or iterable of these
            The photos of the predictions, in the same order. A photo that cannot be read is
            listed without its picture.
        top : int, default=5
            The number of classes to offer for each photo, at most 20.

        Raises
        ------
        DataError
            The number of predictions is 0 or above 10,000, or several have one id.
        InvalidParameterError
            `photos` has another length or order than the predictions, or `top` is out of range.
        PhotoError
            None of the photos can be read.
        StorageError
            The file cannot be written; an existing file is unchanged.

        Notes
        -----
        The page contains a JPEG thumbnail of each photo of at most 48 KB, with 2,000 photos or
        more of at most 12 KB.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products({"juice": 1, "milk": 1})
        >>> found = shv.Predictions([[0.9, 0.1], [0.4, 0.6]], ["juice", "milk"], photos.ids)
        >>> found.save_review("review.html", photos)
        """
        target = as_location(path, writes=True)
        page = review_page(
            list(self._ids),
            self._class_names,
            self._probabilities,
            pictures_of(photos, self._ids, self._errors),
            top=top,
        )
        write_atomically(target, page.encode("utf-8", "backslashreplace"))

    def save_label_studio(
        self,
        path: Location,
        photos: Photos,
        *,
        root: str | os.PathLike[str] | None = None,
    ) -> str:
        """Write Label Studio tasks with the predictions as pre-annotations.

        Import the file into a project whose labelling configuration is the returned text. Each
        photo has its predicted class preselected; a person confirms it, chooses another class, or
        marks the photo as another product or unusable. `Corrections.read` reads the JSON export of
        the project. Photos that could not be read are left out.

        Parameters
        ----------
        path : path-like or URL
            The JSON file to write; an existing file is replaced atomically.
        photos : path, URL, bytes, array, PIL image, Dataset, or iterable of these
            The photos of the predictions, in the same order. Label Studio opens paths as local
            files, and URLs unchanged. Other photos are written into the file as JPEG of at most
            1,024 pixels.
        root : path-like, optional
            The folder that Label Studio serves, its setting
            ``LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT``; by default the root of the file system.

        Returns
        -------
        str
            The labelling configuration, XML with all classes.

        Raises
        ------
        DataError
            Two predictions have one id, or a class name has control characters.
        InvalidParameterError
            `photos` has another length or order than the predictions, or a path is not below
            `root`.
        PhotoError
            A photo that is not a file cannot be read.
        StorageError
            The file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> path = pathlib.Path(tempfile.mkdtemp(), "tasks.json")
        >>> found = shv.Predictions([[0.9, 0.1]], ["juice", "milk"], ["photos/1.jpg"])
        >>> config = found.save_label_studio(path, ["photos/1.jpg"], root="photos")
        >>> "/data/local-files/?d=1.jpg" in path.read_text()
        True
        """
        config = photo_config(self._class_names)
        folder = None if root is None else as_path(root, "root")
        write_tasks(path, label_studio_tasks(self, photos, folder))
        return config

    def save(
        self,
        path: Location,
        *,
        probabilities: bool = False,
        storage_options: StorageOptions | None = None,
    ) -> None:
        """Write the predictions as CSV, JSON lines or Parquet, by the suffix of the path.

        The columns are ``id``, ``label``, ``confidence``, ``decision`` and ``error``. A photo that
        could not be read has no label and no confidence. CSV cells that a spreadsheet would run as
        formulas start with an apostrophe.

        Parameters
        ----------
        path : path-like or URL
            The file to write, with the suffix ``.csv``, ``.jsonl`` or ``.parquet``; an existing
            file is replaced atomically. Parquet needs ``pip install "shelfvision[parquet]"``.
        probabilities : bool, default=False
            Whether the probability of each class is written, too: in columns named
            ``p(class name)``, or in JSON lines as an object ``probabilities``.
        storage_options : mapping, optional
            Options of the fsspec file system, for a URL.

        Raises
        ------
        InvalidParameterError
            The suffix is not known.
        DataError
            A name is not Unicode and the format is Parquet.
        MissingDependencyError
            pyarrow is not installed and the format is Parquet.
        StorageError
            The file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import shelfvision as shv
        >>> path = pathlib.Path(tempfile.mkdtemp(), "predictions.csv")
        >>> shv.Predictions([[0.9, 0.1]], ["juice", "milk"], ["a.jpg"]).save(path)
        >>> print(path.read_text(), end="")
        id,label,confidence,decision,error
        a.jpg,juice,0.9,,
        """
        save_predictions(self, path, probabilities=probabilities, storage_options=storage_options)

    def _repr_html_(self) -> str:
        """Return the counts of labels and a table of the first photos, for notebooks."""
        return predictions_view(self)

    def __repr__(self) -> str:
        """Return a short table with the first and last photos."""
        failed = sum(error is not None for error in self._errors)
        note = f", {failed} failed" if failed else ""
        photos = counted(len(self), "photo")
        title = f"<Predictions: {photos}, {counted(len(self._class_names), 'class')}{note}>"
        return "\n".join([title, *render_table(self)])


def _remade(
    probabilities: npt.NDArray[np.float32],
    class_names: tuple[str, ...],
    ids: npt.NDArray[np.object_],
    errors: tuple[str | None, ...],
    rest: tuple[
        npt.NDArray[np.object_],
        Mapping[str, float] | None,
        Mapping[str, npt.NDArray[np.float32]] | None,
        Profile | None,
    ],
) -> Predictions:
    decisions, class_prior, quality, profile = rest
    return Predictions(
        probabilities,
        class_names,
        ids,
        errors,
        decisions=list(decisions),
        class_prior=class_prior,
        quality=quality,
        profile=profile,
    )


def _column(values: Sequence[str | None] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return frozen(column)


def _checked_ids(ids: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    column = _column(ids)
    odd = [name for name in column if not isinstance(name, str)]
    if odd:
        raise InvalidParameterError(
            f"ids must be str, got {odd[0]!r}; pass [str(name) for name in ids]",
            code="wrong-type",
            parameter="ids",
        )
    return column


def _of_length(name: str, values: tuple[str | None, ...], n: int) -> tuple[str | None, ...]:
    if len(values) != n:
        raise InvalidParameterError(
            f"{name} must have one entry for each of {counted(n, 'photo')}, got {len(values)}; "
            "pass one for each",
            code="wrong-length",
            parameter=name,
        )
    return values


def _checked(
    values: npt.ArrayLike, shape: tuple[int, int], failed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return a read-only copy of probabilities, with NaN in the rows of unreadable photos."""
    try:
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"probabilities must be numbers of shape {shape}, one row per id and one column per "
            f"class name, but {error}",
            code="wrong-type",
            parameter="probabilities",
        ) from error
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InvalidParameterError(
            f"probabilities must have shape {shape}, one row per id and one column per class "
            f"name, got {array.shape}",
            code="wrong-shape",
            parameter="probabilities",
        )
    if array.size and not failed.any() and array.min() >= 0 and array.max() <= _HIGHEST:
        return frozen(array)
    array[failed] = np.nan
    # Comparisons with NaN are false, so NaN counts as outside.
    outside = ~((array >= 0) & (array <= _HIGHEST)).all(axis=1) & ~failed
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"probabilities must be in [0, 1], got {array[row, :5].tolist()} in row {row}; pass "
            "the output of a softmax",
            code="not-in-range",
            parameter="probabilities",
        )
    return frozen(array)


def _checked_decisions(
    decisions: Sequence[Decision | None] | None, failed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """Return one decision per row; unreadable photos always get ``"review"``."""
    given = [None] * len(failed) if decisions is None else list(decisions)
    if len(given) != len(failed):
        raise InvalidParameterError(
            f"decisions must have one entry for each of {counted(len(failed), 'photo')}, got "
            f"{len(given)}; pass one for each",
            code="wrong-length",
            parameter="decisions",
        )
    unknown = [str(decision) for decision in given if decision not in (*DECISIONS, None)]
    if unknown:
        raise InvalidParameterError(
            f"decisions must be 'accept', 'review' or None, got {listed(sorted(set(unknown)))}",
            code="not-an-option",
            parameter="decisions",
        )
    column = np.empty(len(failed), dtype=object)
    column[:] = given
    column[failed] = "review"
    return frozen(column)
