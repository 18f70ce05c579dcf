"""Compares an inventory with a stock list: a mapping, or the CSV export of an ERP system."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import SupportsFloat

from shelfvision._identifiers import clean_name, lookalike, text_of
from shelfvision._validation import as_number, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.inventory._rows import CountedProducts
from shelfvision.inventory._stock_check import StockCheck, checked_against, in_order
from shelfvision.inventory._stock_list import (
    Codes,
    StockColumns,
    by_product,
    lines_of_file,
    lines_of_mapping,
    of_store,
    require_joined,
)


def compare_with_list(
    inventory: CountedProducts,
    expected: Mapping[str, int] | str | os.PathLike[str],
    *,
    columns: StockColumns,
    codes: Codes | None,
    store: str | None,
    partial: bool,
    encoding: str | None,
    confidence_level: SupportsFloat,
) -> tuple[StockCheck, ...]:
    """Return a check of every product, for each store if there is a column of stores."""
    level = as_number("confidence_level", confidence_level, minimum=0.5, maximum=1, exclusive=True)
    store = None if store is None else text_of(store, name="store")
    _require_list(expected, columns)
    _require_fitting(columns, codes, store, from_file=not isinstance(expected, Mapping))
    if isinstance(expected, Mapping):
        lines = lines_of_mapping(expected)
    else:
        lines = lines_of_file(expected, columns, encoding)
    if codes is not None:
        require_joined(lines, codes, inventory.class_names)
    checks = []
    for part, stock in _by_store(inventory, columns.store, store).items():
        here = lines
        if columns.store is not None:
            where = "store" if store is not None else f"the part {part!r} of the inventory"
            here = of_store(lines, part, where)
        wanted = by_product(here, codes, stock.class_names)
        checks += checked_against(stock, wanted, confidence_level=level, partial=partial, part=part)
    return in_order(checks)


def _by_store(
    inventory: CountedProducts, store_column: str | None, store: str | None
) -> dict[str, CountedProducts]:
    """Return inventories by store; the empty name is the whole inventory without stores."""
    if store_column is None:
        return {"": inventory}
    if store is None:
        if not inventory.parts:
            raise InvalidParameterError(
                "store_column needs an inventory with a part for each store, got one without; "
                "pass store= for one store, or by= to take_inventory",
                code="conflict",
                parameter="store_column",
            )
        return dict(inventory.parts)
    if not inventory.parts:
        return {store: inventory}
    names = {clean_name(name): name for name in inventory.parts}
    if clean_name(store) not in names:
        near = lookalike(store, inventory.parts)
        remedy = f"pass store={near!r}" if near else "pass one of these"
        raise InvalidParameterError(
            f"store must be a part of the inventory, {listed(inventory.parts)}, got {store!r}; "
            f"{remedy}",
            code="unknown-name",
            parameter="store",
        )
    return {store: inventory.parts[names[clean_name(store)]]}


def _require_list(expected: object, columns: StockColumns) -> None:
    """Refuse other types than mappings and paths, with a remedy for data frames."""
    if isinstance(expected, Mapping | str | bytes | os.PathLike):
        return
    zipped = f"zip(expected[{columns.product!r}], expected[{columns.count!r}])"
    pairs = zipped if hasattr(expected, "columns") else "expected"
    raise InvalidParameterError(
        "expected must be a mapping of counts by product, or the path of a CSV file, got "
        f"{type(expected).__name__}; pass dict({pairs})",
        code="wrong-type",
        parameter="expected",
    )


def _require_fitting(
    columns: StockColumns, codes: object, store: str | None, *, from_file: bool
) -> None:
    """Refuse parameters that need another one: a file, `codes` or `store_column`."""
    if not from_file and (columns.key or columns.store or store):
        parameter = "key_column" if columns.key else "store_column" if columns.store else "store"
        raise InvalidParameterError(
            f"{parameter} is for stock lists in files, got a mapping; leave it out, and compare "
            "a store with inventory.parts[store].against(expected)",
            code="conflict",
            parameter=parameter,
        )
    if columns.key is not None and codes is None:
        raise InvalidParameterError(
            f"key_column={columns.key!r} needs the class name of each code, got no codes; pass "
            'codes={"4006381333931": "Milk"}, or use a classifier with_product_codes',
            code="conflict",
            parameter="codes",
        )
    if store is not None and columns.store is None:
        raise InvalidParameterError(
            f"store={store!r} needs the column of stores, got none; pass store_column=",
            code="conflict",
            parameter="store_column",
        )
