"""`Inventory`: adjusted counts of products with confidence intervals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._product_codes import ProductCodes
from shelfvision._storage import as_location, suffix_of_location, write_atomically
from shelfvision._text import json_text
from shelfvision._validation import counted, import_package, one_of, received
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.inventory._comparing import compare_with_list
from shelfvision.inventory._double_counts import DoubleCount
from shelfvision.inventory._page import inventory_page
from shelfvision.inventory._rejection import UnknownCount
from shelfvision.inventory._rows import (
    COLUMNS,
    CountedUnit,
    Row,
    inventory_rows,
    inventory_rows_with_parts,
)
from shelfvision.inventory._stock_check import StockCheck
from shelfvision.inventory._stock_list import Codes, StockColumns
from shelfvision.inventory._writing import csv_of, inventory_view, table_of
from shelfvision.inventory.correcting._correction import CountCorrection, plain_correction
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import pandas as pd


# Compared by identity, because comparing arrays returns an array.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Inventory:
    """Adjusted counts of photos or boxes of each product, with confidence intervals.

    `take_inventory` returns an inventory.
    """

    class_names: tuple[str, ...]
    """The products, in the order of the classifier's classes."""
    naive: Mapping[str, int]
    """The number of photos or boxes predicted as each product, not corrected for confusion."""
    draws: npt.NDArray[np.int64]
    """Samples of the counts, shape (draws, k), read-only."""
    confidence_level: float
    """The share of intervals that contain the true count, such as 0.9."""
    n_photos: int
    """The number of counted photos or boxes: all that could be read, including those to review."""
    review: tuple[str, ...]
    """The ids of readable photos or boxes whose confidence is too low, such as rejected ones."""
    failed: Mapping[str, str]
    """The reason why a photo could not be read, by id; these photos are not counted."""
    unmeasured: tuple[str, ...]
    """Products without validation photos; their confusion is estimated from other products."""
    parts: Mapping[str, Inventory]
    """An inventory for each value of `by`, sorted; each is estimated independently."""
    unknown: UnknownCount | None = None
    """The estimated number of photos or boxes without a known product; None if each prediction is
    counted under its class."""
    double_counts: tuple[DoubleCount, ...] = ()
    """Overlapping boxes and repeated photos of shelves, which may be counted twice."""
    codes: ProductCodes | None = None
    """The product code of each class, from the classifier; None without codes."""
    unit: CountedUnit = "photo"
    """What is counted: photos of one product each, or the boxes of shelf photos."""
    estimates: npt.NDArray[np.float64] | None = None
    """The adjusted counts, shape (k,), read-only; None if they are the means of the draws."""
    correction: CountCorrection | None = None
    """Which correction was applied to the counts, and why; None if there was nothing to count."""

    @property
    def counts(self) -> dict[str, float]:
        """The adjusted count of each product; with `unknown`, the counts sum to `n_photos`."""
        found = self.draws.mean(axis=0) if self.estimates is None else self.estimates
        return dict(zip(self.class_names, found.tolist(), strict=True))

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """The confidence interval of each count, both ends inclusive."""
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
        """Compare the inventory with the expected stock.

        Parameters
        ----------
        expected : mapping of str to int, path-like or URL
            The expected count of each product, or a CSV file with one product per line, such as
            the export of an ERP system, with commas, semicolons, tabs or bars. Counts are whole
            numbers from 0, such as ``40``, ``40.0``, ``40,0`` and ``1.234,00``; ``1.234`` is
            ambiguous and refused.
        confidence_level : float, default=0.9
            The probability that a difference needs to be reported, strictly between 0.5 and 1.
        product_column, count_column : str
            The columns of the file.
        key_column : str, optional
            The column of codes, such as EAN or PLU, instead of `product_column`; it requires
            `codes`, or a classifier with product codes.
        codes : mapping of str to str, optional
            The class name of each code, by default the product codes of the classifier if
            `key_column` is given: ``{"4006381333931": "Milk"}``. Several codes may have one
            class; their counts are added. Without `key_column`, the product column or the keys of
            the mapping contain the codes. A code that is not listed is an unknown product.
        store_column : str, optional
            The column of stores. Each part of the inventory (`by` of `take_inventory`) is
            compared with the lines of the store with the same name. Other lines are ignored.
        store : str, optional
            One store of `store_column`. The part with this name, or the whole inventory if it has
            no parts, is compared with the lines of this store.
        partial : bool, default=False
            Whether products that are not listed have no expected count. By default their expected
            count is 0.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default the encoding of the byte
            order mark, or UTF-8.

        Returns
        -------
        tuple of StockCheck
            One check for each product, and with `store_column` for each store. Differences and
            unknown products are first, in descending order of confidence.

        Raises
        ------
        DataError
            The file cannot be parsed, lists a product twice, or has a name that differs from a
            class only in case or separators; or a store is missing from the list or the inventory.
        DatasetNotFoundError
            The file does not exist.
        InvalidParameterError
            A count is not a whole number from 0, or parameters cannot be combined.

        Warns
        -----
        ShelfVisionWarning
            Two spellings are one product (``"twin-names"``); their counts are added.

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
            codes=self._codes_for(codes, key_column),
            store=store,
            partial=bool(partial),
            encoding=encoding,
            confidence_level=confidence_level,
        )

    def _codes_for(self, codes: Codes | None, key_column: str | None) -> Codes | None:
        if codes is None and key_column is not None and self.codes:
            return self.codes.by_code
        return codes

    def to_dict(self) -> dict[str, object]:
        """Return the inventory without its draws, in plain types for ``json.dumps``.

        Returns
        -------
        dict
            Number of photos or boxes, unit ("photo" or "box"), confidence level, count, low, high
            and naive for each product, ids to review, photos that failed, the parts, the unknown
            count, what may be counted twice, and the correction.
        """
        columns = ("count", "low", "high", "naive", *(("code",) if self.codes else ()))
        products = {
            row.product: {column: getattr(row, column) for column in columns}
            for row in inventory_rows(self)
        }
        return {
            "n_photos": self.n_photos,
            "unit": self.unit,
            "confidence_level": self.confidence_level,
            "products": products,
            "review": list(self.review),
            "failed": dict(self.failed),
            "unmeasured": list(self.unmeasured),
            "parts": {name: part.to_dict() for name, part in self.parts.items()},
            "unknown": None if self.unknown is None else asdict(self.unknown),
            "double_counts": [asdict(one) for one in self.double_counts],
            "correction": plain_correction(self.correction),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the inventory as a pandas table.

        Returns
        -------
        pandas.DataFrame
            Columns part, product, count, low, high, naive and code: a row for each product, first
            of the whole inventory (part ``""``), then of each part.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        return pd.DataFrame(map(astuple, inventory_rows_with_parts(self)), columns=list(COLUMNS))

    def save(self, path: Location, *, photos: Dataset | None = None) -> None:
        """Save the inventory as CSV, as JSON, or as a self-contained HTML page.

        Parameters
        ----------
        path : path-like or URL
            The file, with the suffix ``.csv``, ``.json`` or ``.html``.
        photos : Dataset, optional
            For a page: the counted photos, or the crops of the counted boxes
            (`Dataset.from_boxes`). The page shows up to 24 of those to review.

        Raises
        ------
        InvalidParameterError
            The file has another suffix, or `photos` is not a `Dataset`.
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        target = as_location(path, writes=True)
        kind = suffix_of_location(target)
        if kind not in (".csv", ".json", ".html"):
            raise InvalidParameterError(
                f"an inventory is saved as .csv, .json or .html, but {str(target)!r} ends in "
                f"{kind!r}; use one of these endings",
                code="not-an-option",
                parameter="path",
            )
        if photos is not None and not isinstance(photos, Dataset):
            raise InvalidParameterError(
                f"photos must be a Dataset, got {received(photos)}; pass the counted photos as a "
                "Dataset, or leave photos out",
                code="wrong-type",
                parameter="photos",
            )
        if kind == ".csv":
            text = csv_of(inventory_rows_with_parts(self))
        elif kind == ".json":
            text = json_text(self.to_dict(), indent=2) + "\n"
        else:
            text = inventory_page(self, photos)
        write_atomically(target, text.encode("utf-8", "backslashreplace"))

    def rows(self, *, order: str = "class") -> tuple[Row, ...]:
        """Return a row for each product: part, product, count, low, high, naive, code.

        Parameters
        ----------
        order : {"class", "count"}, default="class"
            The order of the classes, or descending counts.

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

    def _repr_html_(self) -> str:
        """Return the counts with their confidence intervals, for notebooks."""
        return inventory_view(self)

    def __repr__(self) -> str:
        """Return the inventory in one line."""
        kinds = counted(len(self.class_names), "product")
        return f"<Inventory: {counted(self.n_photos, self.unit)} of {kinds}>"
