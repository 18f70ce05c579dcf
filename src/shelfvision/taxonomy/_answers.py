"""`Answers`: for every photo the finest name with enough confidence, or review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision._validation import Rows, as_rows, counted, import_package
from shelfvision.predictions import Decision

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd

_SHOWN = 8


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer for one photo, on the finest level with enough confidence."""

    id: str
    """The id of the photo."""
    name: str | None
    """The product, or its label or department; None for a photo that failed."""
    level: str | None
    """The level of the name; None for a photo that failed."""
    confidence: float
    """The probability of the name, 0 to 1; NaN for a photo that failed."""
    decision: Decision
    """``"accept"``, or ``"review"`` if no level has enough confidence."""
    finest: bool
    """Whether the name is on the finest level."""
    error: str | None
    """The reason why the photo could not be read, or None."""

    def __str__(self) -> str:
        """Return the answer as text: "Oatly-Oat-Milk, 0.98", "some Milk, 0.97"."""
        if self.error is not None or self.name is None:
            return printable(f"not read: {self.error}")
        some = "" if self.finest else "some "
        answer = printable(f"{some}{self.name}, {self.confidence:.2f}")
        return answer if self.decision == "accept" else f"to review, perhaps {answer}"


# Compared by identity, because comparing arrays returns an array.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Answers:
    """Answers for many photos as columns; iterating yields `Answer`.

    `Taxonomy.answer` returns it. It is immutable.
    """

    level_names: tuple[str, ...]
    """The levels, finest first."""
    ids: npt.NDArray[np.object_]
    """The ids of the photos, ``str``, shape (n,), read-only."""
    names: npt.NDArray[np.object_]
    """The name for every photo, ``str``, shape (n,), read-only; None where the photo failed."""
    levels: npt.NDArray[np.object_]
    """The level of each name, ``str``, shape (n,), read-only; None where the photo failed."""
    confidences: npt.NDArray[np.float64]
    """The probability of each name, shape (n,), read-only; NaN where the photo failed."""
    decisions: npt.NDArray[np.object_]
    """``"accept"`` or ``"review"`` for every photo, shape (n,), read-only."""
    errors: tuple[str | None, ...]
    """The reasons why photos could not be read; None for photos that could."""

    def __post_init__(self) -> None:
        for column in (self.ids, self.names, self.levels, self.confidences, self.decisions):
            column.flags.writeable = False

    @property
    def counts(self) -> dict[str, int]:
        """The number of photos answered on each level, finest first, and of photos to review."""
        accepted = self.levels[self.decisions == "accept"]
        counts = {level: int((accepted == level).sum()) for level in self.level_names}
        return counts | {"review": len(self) - len(accepted)}

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.errors)

    @overload
    def __getitem__(self, index: int | np.integer) -> Answer: ...
    @overload
    def __getitem__(self, index: Rows) -> Self: ...

    def __getitem__(self, index: int | np.integer | Rows) -> Answer | Self:
        """Return one `Answer`, or the rows that a slice, mask or list selects."""
        if isinstance(index, int | np.integer):
            return self._one(range(len(self))[index])
        rows = np.arange(len(self))[as_rows(index, len(self), of="answers")]
        return type(self)(
            level_names=self.level_names,
            ids=self.ids[rows],
            names=self.names[rows],
            levels=self.levels[rows],
            confidences=self.confidences[rows],
            decisions=self.decisions[rows],
            errors=tuple(self.errors[row] for row in rows),
        )

    def __iter__(self) -> Iterator[Answer]:
        """Yield an `Answer` for every photo."""
        return (self._one(row) for row in range(len(self)))

    def _one(self, row: int) -> Answer:
        return Answer(
            id=self.ids[row],
            name=self.names[row],
            level=self.levels[row],
            confidence=float(self.confidences[row]),
            decision=self.decisions[row],
            finest=self.levels[row] == self.level_names[0],
            error=self.errors[row],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table: id, name, level, confidence, decision, error.

        Returns
        -------
        pandas.DataFrame
            One row for each photo.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        names = ("ids", "names", "levels", "confidences", "decisions", "errors")
        titles = ("id", "name", "level", "confidence", "decision", "error")
        columns = zip(titles, names, strict=True)
        return pd.DataFrame({title: list(getattr(self, name)) for title, name in columns})

    def __repr__(self) -> str:
        """Return the number of photos answered on each level, and the first answers."""
        counts = ", ".join(f"{n} {what}" for what, n in self.counts.items())
        lines = [f"  {printable(answer.id)}: {answer}" for answer in self[:_SHOWN]]
        more = [f"  … {len(self) - _SHOWN} more …"] if len(self) > _SHOWN else []
        return "\n".join([f"<Answers: {counted(len(self), 'photo')}: {counts}>", *lines, *more])
