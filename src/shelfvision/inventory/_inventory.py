"""`Inventory`: how many photos show each product, corrected for confusion, with intervals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._storage import write_atomically
from shelfvision._text import json_text
from shelfvision._validation import as_path, counted, import_package, one_of
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.inventory._comparing import compare_with_list
from shelfvision.inventory._page import inventory_page
from shelfvision.inventory._rows import COLUMNS, Row, inventory_rows, inventory_rows_with_parts
from shelfvision.inventory._stock_check import StockCheck
from shelfvision.inventory._stock_list import Codes, StockColumns
from shelfvision.inventory._writing import csv_of, table_of

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
    confidence_level: float
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
        outside = (1 - self.confidence_level) / 2
        low = np.quantile(self.draws, outside, axis=0, method="lower")
        high = np.quantile(self.draws, 1 - outside, axis=0, method="higher")
        ends = zip(low.tolist(), high.tolist(), strict=True)
        return {name: (int(a), int(b)) for name, (a, b) in zip(self.class_names, ends, strict=True)}

    def against(
        self,
        expected: Mapping[str, int] | str | os.PathLike[str],
        *,
        confidence_level: float = 0.9,
        product_column: str = "product",
        count_column: str = "count",
        key_column: str | None = None,
        codes: Codes | None = None,
        store_column: str | None = None,
        store: str | None = None,
        partial: bool = False,
        encoding: str | None = None,
    ) -> tuple[StockCheck, ...]:
        """Compare the inventory with what should be there.

        Parameters
        ----------
        expected : mapping of str to int, or path-like
            How many of each product; or a CSV file with a line for each, as an ERP system writes
            it, with commas, semicolons, tabs or bars. Counts are whole numbers from 0, such as
            ``40``, ``40.0``, ``40,0`` and ``1.234,00``; ``1.234`` is ambiguous and refused.
        confidence_level : float, default=0.9
            How probable a difference must be to be told as one, strictly between 0.5 and 1.
        product_column, count_column : str
            The columns of the file.
        key_column : str, optional
            The column of codes, such as EAN or PLU, in place of `product_column`; it needs
            `codes`.
        codes : mapping of str to str, optional
            The class name of each code: ``{"4006381333931": "Milk"}``. Several codes may have one
            class; their counts are added up. Without `key_column`, the product column or the keys
            of the mapping hold the codes. A code that is not listed is an unknown product.
        store_column : str, optional
            The column of stores. Each part of the inventory (`by` of `take_inventory`) is
            compared with the lines of the store of its name; lines of other stores are ignored.
        store : str, optional
            One store of `store_column`: the part of its name, or the whole inventory if it has
            no parts, is compared with the lines of this store.
        partial : bool, default=False
            Whether products that are not listed are unknown. By default they are expected 0
            times.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default that of its byte order
            mark, or UTF-8.

        Returns
        -------
        tuple of StockCheck
            One for every product, and with `store_column` for every store: missing, short, over
            and unknown ones first, the surest first.

        Raises
        ------
        DataError
            The file is not as described, lists a product twice, or has a name that differs from a
            class in case or separators only; or a store is on one side only.
        DatasetNotFoundError
            There is no such file.
        InvalidParameterError
            A count is not a whole number from 0, or settings do not fit together.

        Warns
        -----
        ShelfVisionWarning
            Two spellings are one product (``"twin-names"``); their counts are added up.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> inventory = shv.take_inventory(classifier.with_validation(photos), photos)
        >>> codes = {"4006381333931": "Can", "4006381333948": "Can"}
        >>> checks = inventory.against({"4006381333931": 900, "4006381333948": 40}, codes=codes)
        >>> [(check.product, check.expected) for check in checks if check.status == "missing"]
        []
        >>> checks[0].expected
        940
        """
        return compare_with_list(
            self,
            expected,
            columns=StockColumns(
                product=product_column, count=count_column, key=key_column, store=store_column
            ),
            codes=codes,
            store=store,
            partial=bool(partial),
            encoding=encoding,
            confidence_level=confidence_level,
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything but the draws in plain types that ``json.dumps`` takes.

        Returns
        -------
        dict
            Photos, confidence level, a dictionary with count, low, high and naive for each product,
            what is to review, what failed, and the parts.
        """
        products = {
            row.product: {"count": row.count, "low": row.low, "high": row.high, "naive": row.naive}
            for row in inventory_rows(self)
        }
        return {
            "n_photos": self.n_photos,
            "confidence_level": self.confidence_level,
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
        return pd.DataFrame(map(astuple, inventory_rows_with_parts(self)), columns=list(COLUMNS))

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
        kind = os.path.splitext(as_path(path))[1].lower()
        if kind not in (".csv", ".json", ".html"):
            raise InvalidParameterError(
                f"an inventory is saved as .csv, .json or .html, but {os.fspath(path)!r} ends in "
                f"{kind!r}; use one of these endings",
                code="not-an-option",
                parameter="path",
            )
        if kind == ".csv":
            text = csv_of(inventory_rows_with_parts(self))
        elif kind == ".json":
            text = json_text(self.to_dict(), indent=2) + "\n"
        else:
            text = inventory_page(self, photos)
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
        found = inventory_rows(self)
        return tuple(sorted(found, key=lambda row: -row.count)) if order == "count" else found

    def __str__(self) -> str:
        """Return the inventory as an aligned table."""
        return table_of(self)

    def __repr__(self) -> str:
        """Return the inventory in one line."""
        kinds = counted(len(self.class_names), "product")
        return f"<Inventory: {counted(self.n_photos, 'photo')} of {kinds}>"
