"""`Inventory`: how many photos show each product, corrected for confusion, with intervals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._files import write_atomically
from shelfvision._validation import counted, import_package, one_of
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.inventory._expected import StockCheck, checked_against
from shelfvision.inventory._page import as_page
from shelfvision.inventory._writing import COLUMNS, Row, as_csv, as_json, as_text

if TYPE_CHECKING:
    import pandas as pd


# Compared by identity: equality of arrays is not one truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Inventory:
    """How many photos show each product, and how sure that is.

    `take_inventory` makes one.
    """

    class_names: tuple[str, ...]
    """The products in the order of the classifier."""
    naive: Mapping[str, int]
    """How many photos were taken for each product: counts that confusion distorts."""
    draws: npt.NDArray[np.int64]
    """Counts as they may be, one row each, shape (draws, k), read-only."""
    level: float
    """The share of intervals that shall hold the truth, such as 0.9."""
    n_photos: int
    """How many photos are counted: all that could be read, those to review among them."""
    review: tuple[str, ...]
    """The ids of readable photos that the classifier is not sure enough of."""
    failed: Mapping[str, str]
    """Why a photo could not be read, by its id; these are not counted."""
    unmeasured: tuple[str, ...]
    """Products without a validation photo, whose confusion is guessed from that of the others."""
    parts: Mapping[str, Inventory]
    """An inventory for each value of `by`, in sorted order; each is estimated on its own."""

    @property
    def counts(self) -> dict[str, float]:
        """How many photos show each product, corrected for confusion; they sum to `n_photos`."""
        return dict(zip(self.class_names, self.draws.mean(axis=0).tolist(), strict=True))

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """What each count lies between, ends included."""
        outside = (1 - self.level) / 2
        low = np.quantile(self.draws, outside, axis=0, method="lower")
        high = np.quantile(self.draws, 1 - outside, axis=0, method="higher")
        ends = zip(low.tolist(), high.tolist(), strict=True)
        return {name: (int(a), int(b)) for name, (a, b) in zip(self.class_names, ends, strict=True)}

    def against(
        self,
        expected: Mapping[str, int] | str | os.PathLike[str],
        *,
        confidence: float = 0.9,
        product_column: str = "product",
        count_column: str = "count",
    ) -> tuple[StockCheck, ...]:
        """Hold the inventory against what should be there.

        Parameters
        ----------
        expected : mapping of str to int, or path-like
            How many of each product; or a CSV file in UTF-8 with a line for each, as an ERP
            system writes it. Products that are not listed are expected 0 times.
        confidence : float, default=0.9
            How probable a difference must be to be told as one, strictly between 0.5 and 1.
        product_column, count_column : str
            The columns of the file.

        Returns
        -------
        tuple of StockCheck
            One for every product: missing, short, over and unknown ones first, the surest first.

        Raises
        ------
        DataError
            The file is not as described, or lists a product twice.
        DatasetNotFoundError
            There is no such file.
        InvalidParameterError
            A count is no whole number from 0, or `confidence` is out of range.
        """
        return checked_against(
            self.class_names,
            self.draws,
            self.intervals,
            expected,
            confidence=confidence,
            columns=(product_column, count_column),
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything but the draws in plain types that ``json.dumps`` takes.

        Returns
        -------
        dict
            Photos, level, a dictionary with count, low, high and naive for each product, what is
            to review, what failed, and the parts.
        """
        products = {
            row.product: {"count": row.count, "low": row.low, "high": row.high, "naive": row.naive}
            for row in self._rows("")
        }
        return {
            "n_photos": self.n_photos,
            "level": self.level,
            "products": products,
            "review": list(self.review),
            "failed": dict(self.failed),
            "unmeasured": list(self.unmeasured),
            "parts": {name: part.to_dict() for name, part in self.parts.items()},
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the inventory as a pandas table.

        Returns
        -------
        pandas.DataFrame
            Columns part, product, count, low, high and naive: a row for every product, first of
            the whole (part ``""``), then of each part.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        return pd.DataFrame(map(astuple, self._all_rows()), columns=list(COLUMNS))

    def save(self, path: str | os.PathLike[str], *, photos: Dataset | None = None) -> None:
        """Save the inventory as CSV, as JSON, or as one HTML page that stands alone.

        Parameters
        ----------
        path : path-like
            Where to; it must end in ``.csv``, ``.json`` or ``.html``.
        photos : Dataset, optional
            For a page: the photos that were counted, of which it shows up to 24 to review.

        Raises
        ------
        InvalidParameterError
            The name ends in something else.
        StorageError
            The file cannot be written; whatever stood there is unchanged.
        """
        kind = os.path.splitext(os.fspath(path))[1].lower()
        if kind not in (".csv", ".json", ".html"):
            raise InvalidParameterError(
                f"an inventory is saved as .csv, .json or .html, but {os.fspath(path)!r} ends in "
                f"{kind!r}; use one of these endings"
            )
        if kind == ".csv":
            text = as_csv(self._all_rows())
        elif kind == ".json":
            text = as_json(self.to_dict())
        else:
            text = as_page(self, photos)
        write_atomically(path, text.encode("utf-8", "backslashreplace"))

    def rows(self, *, order: str = "class") -> tuple[Row, ...]:
        """Return a row for every product: part, product, count, low, high, naive.

        Parameters
        ----------
        order : {"class", "count"}, default="class"
            The order of the classes, or the most frequent first.

        Returns
        -------
        tuple of Row
            The rows.
        """
        one_of("order", order, ("class", "count"))
        found = self._rows("")
        return tuple(sorted(found, key=lambda row: -row.count) if order == "count" else found)

    def _all_rows(self) -> list[Row]:
        return [*self._rows(""), *(row for n, part in self.parts.items() for row in part._rows(n))]

    def _rows(self, part: str) -> list[Row]:
        ends = self.intervals
        return [
            Row(
                part=part, product=name, count=round(count, 2),
                low=ends[name][0], high=ends[name][1], naive=self.naive[name],
            )
            for name, count in self.counts.items()
        ]  # fmt: skip

    def __str__(self) -> str:
        """Return the inventory as an aligned table."""
        return as_text(self)

    def __repr__(self) -> str:
        """Return the inventory in one line."""
        kinds = counted(len(self.class_names), "product")
        return f"<Inventory: {counted(self.n_photos, 'photo')} of {kinds}>"
