"""`Predictions`: what a classifier says about many photos, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._validation import Rows, as_integer, as_rows, counted, import_package, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._prediction import DECISIONS, Decision, Prediction
from shelfvision.predictions._table import render_table
from shelfvision.protocols import ClassNames

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd


@final
class Predictions(Sequence[Prediction]):
    """What a classifier says about many photos: an immutable sequence of `Prediction`.

    Parameters
    ----------
    probabilities : array_like of float32, shape (n, k)
        A row of probabilities for every photo; rows of photos that failed are not looked at.
    class_names : iterable of str, length k
        The classes in the order of the columns.
    ids : sequence of str, length n
        The photos' names.
    errors : sequence of str or None, length n, optional
        Why a photo could not be read, None for those that could. By default all could.
    decisions : sequence of {"accept", "review"} or None, length n, optional
        What to do with each photo. By default None, undecided; a photo that could not be read is
        always to review.
    class_prior : mapping of str to float, optional
        The share of every class that the probabilities were corrected for.

    Raises
    ------
    InvalidParameterError
        The columns do not fit together, or a probability is not a number from 0 to 1.

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
        winners = self._probabilities.argmax(axis=1).astype(np.int64)
        # A row of NaN has no winner; -1 stands for that.
        winners[failed] = -1
        self._winners = _frozen(winners)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the columns of `probabilities`."""
        return self._class_names

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The photos' names, ``str``, shape (n,), read-only."""
        return self._ids

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """The probability of every class, shape (n, k), read-only; NaN where a photo failed."""
        return self._probabilities

    @property
    def labels(self) -> npt.NDArray[np.object_]:
        """The most probable class of every photo, ``str``, shape (n,); None where it failed."""
        names = _column((*self._class_names, None))
        return _frozen(names[self._winners])

    @property
    def confidences(self) -> npt.NDArray[np.float32]:
        """The probability of that class, 0 to 1, shape (n,); NaN where the photo failed."""
        columns = np.maximum(self._winners, 0)
        return _frozen(self._probabilities[np.arange(len(self)), columns])

    @property
    def errors(self) -> tuple[str | None, ...]:
        """Why each photo could not be read; None for those that could."""
        return self._errors

    @property
    def decisions(self) -> npt.NDArray[np.object_]:
        """What to do with every photo, shape (n,), read-only: ``"accept"``, ``"review"`` or None.

        None stands where there were no thresholds to decide by. Failed photos are to review.
        """
        return self._decisions

    @property
    def class_prior(self) -> dict[str, float] | None:
        """The share of every class that the probabilities were corrected for; None: for none."""
        return None if self._class_prior is None else dict(self._class_prior)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the columns; made anew from them, they are read-only again."""
        columns = (self._probabilities, self._class_names, self._ids, self._errors)
        return _remade, (*columns, (self._decisions, self._class_prior))

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._errors)

    @overload
    def __getitem__(self, index: int | np.integer) -> Prediction: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> Prediction | Self:
        """Return one `Prediction`, or the rows that a slice, mask or list names."""
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
        )

    def __iter__(self) -> Iterator[Prediction]:
        """Yield a `Prediction` for every photo."""
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
        """Return the most probable classes of every photo, best first.

        Parameters
        ----------
        k : int, default=5
            How many; at most as many as there are classes are given.

        Returns
        -------
        list of list of (str, float)
            Class names and probabilities, ties in the order of `class_names`; an empty list for a
            photo that could not be read.
        """
        k = min(as_integer("k", k, minimum=1), len(self._class_names))
        order = np.argsort(-self._probabilities, axis=1, kind="stable")[:, :k]
        return [
            [(self._class_names[i], float(row[i])) for i in best] if error is None else []
            for row, best, error in zip(self._probabilities, order, self._errors, strict=True)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table: id, label, confidence, decision, error and a column per class.

        Returns
        -------
        pandas.DataFrame
            One row a photo; the columns of probabilities are named ``p(class name)``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        columns: dict[str, object] = {"id": self._ids, "label": self.labels}
        columns |= {"confidence": self.confidences, "decision": self._decisions}
        columns |= {"error": list(self._errors)}
        columns |= {
            f"p({name})": self._probabilities[:, i] for i, name in enumerate(self._class_names)
        }
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        """Return a small table: the first and last photos with label, confidence, decision."""
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
    rest: tuple[npt.NDArray[np.object_], Mapping[str, float] | None],
) -> Predictions:
    decisions, class_prior = rest
    return Predictions(
        probabilities,
        class_names,
        ids,
        errors,
        decisions=list(decisions),
        class_prior=class_prior,
    )


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    array.flags.writeable = False
    return array


def _column(values: Sequence[str | None] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return _frozen(column)


def _checked_ids(ids: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    column = _column(ids)
    odd = [name for name in column if not isinstance(name, str)]
    if odd:
        raise InvalidParameterError(
            f"ids must be text, but one of them is {odd[0]!r}; pass [str(name) for name in ids]",
            code="wrong-type",
            parameter="ids",
        )
    return column


def _of_length(name: str, values: tuple[str | None, ...], n: int) -> tuple[str | None, ...]:
    if len(values) != n:
        raise InvalidParameterError(
            f"{name} has {len(values)} entries for {n} photos; give one for each",
            code="wrong-length",
            parameter=name,
        )
    return values


def _checked(
    values: npt.ArrayLike, shape: tuple[int, int], failed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return an owned, frozen copy of probabilities with NaN in the rows that failed."""
    try:
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"probabilities must be numbers of shape {shape}, a row for every id and a column for "
            f"every class name, but {error}",
            code="wrong-type",
            parameter="probabilities",
        ) from error
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InvalidParameterError(
            f"probabilities must be of shape {shape}, a row for every id and a column for every "
            f"class name, not {array.shape}",
            code="wrong-shape",
            parameter="probabilities",
        )
    array[failed] = np.nan
    # Written so that NaN counts as outside.
    outside = ~((array >= 0) & (array <= 1 + 1e-3)).all(axis=1) & ~failed
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"probabilities must be numbers from 0 to 1, but row {row} is "
            f"{array[row, :5].tolist()}; pass what a softmax gives",
            code="not-in-range",
            parameter="probabilities",
        )
    return _frozen(array)


def _checked_decisions(
    decisions: Sequence[Decision | None] | None, failed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """Return a decision for every row; what failed is to review, whatever was given."""
    given = [None] * len(failed) if decisions is None else list(decisions)
    if len(given) != len(failed):
        raise InvalidParameterError(
            f"decisions has {len(given)} entries for {len(failed)} photos; give one for each",
            code="wrong-length",
            parameter="decisions",
        )
    unknown = [str(decision) for decision in given if decision not in (*DECISIONS, None)]
    if unknown:
        raise InvalidParameterError(
            f"decisions must be 'accept', 'review' or None, not {listed(sorted(set(unknown)))}",
            code="not-an-option",
            parameter="decisions",
        )
    column = np.empty(len(failed), dtype=object)
    column[:] = given
    column[failed] = "review"
    return _frozen(column)
