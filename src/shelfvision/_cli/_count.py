"""``count``: count the products on photos, and compare them with a stock list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shelfvision._cli._photos import model_of, require_place
from shelfvision._cli._predict import photo_paths, storage_of
from shelfvision._cli._regions._boxes import classified_shelves, has_shelves, require_box_options
from shelfvision._cli._say import complain, say
from shelfvision._csv import csv_text, read_table
from shelfvision._identifiers import clean_name, is_damaged_code
from shelfvision._storage import write_atomically
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inference import Classifier
from shelfvision.inventory import Inventory, StockCheck, take_inventory

_COLUMNS = ("store", "code", "product", "status", "expected", "count", "low", "high", "confidence")


def run(chosen: argparse.Namespace) -> int:
    """Count, print the inventory and the comparison, and write the files that are asked for."""
    _require_arguments(chosen)
    paths = list(photo_paths(chosen.photos))
    model = model_of(chosen.file, chosen.sha256)
    if not isinstance(model, Classifier):
        raise InvalidParameterError(
            f"FILE must be a bundle (.shelf), got {chosen.file!r}, because only bundles contain "
            "the validation scores that correct counts; pass the bundle that was exported",
            code="wrong-type",
            parameter="FILE",
        )
    inventory = _counted(model, paths, chosen)
    say(inventory)
    for finding in inventory.double_counts:
        say(finding)
    if chosen.output is not None:
        inventory.save(chosen.output)
        complain(f"saved the inventory as {chosen.output!r}")
    if chosen.stock_list is not None:
        _compare(inventory, chosen)
    return 0


def _require_arguments(chosen: argparse.Namespace) -> None:
    """Raise for arguments that cannot be used, before a model is loaded."""
    for option in ("output", "checks"):
        read = (chosen.file, *chosen.photos, chosen.boxes, chosen.detector, chosen.stock_list)
        read = (*read, chosen.codes)
        require_place(getattr(chosen, option), f"--{option}", *read)
    require_box_options(chosen)
    if chosen.stock_list is None and chosen.checks is not None:
        raise InvalidParameterError(
            "--checks needs a stock list, got none; name one with --stock-list",
            code="conflict",
            parameter="--checks",
        )
    if chosen.codes is not None and chosen.key_column is None:
        raise InvalidParameterError(
            "--codes needs the column of the stock list with codes, got none; name it with "
            "--key-column",
            code="conflict",
            parameter="--codes",
        )


def _counted(model: Classifier, paths: list[str], chosen: argparse.Namespace) -> Inventory:
    if not has_shelves(chosen):
        found = model.predict(
            paths, on_error=chosen.on_error, storage_options=storage_of(chosen.photos)
        )
        return take_inventory(
            model,
            found,
            confidence_level=chosen.confidence_level,
            correction=chosen.correction,
            min_confidence=chosen.min_confidence,
        )
    return take_inventory(
        model,
        classified_shelves(model, paths, chosen),
        confidence_level=chosen.confidence_level,
        correction=chosen.correction,
        min_confidence=chosen.min_confidence,
    )


def _compare(inventory: Inventory, chosen: argparse.Namespace) -> None:
    checks = inventory.against(
        chosen.stock_list,
        codes=None if chosen.codes is None else _read_codes(chosen.codes),
        product_column=chosen.product_column,
        count_column=chosen.count_column,
        key_column=chosen.key_column,
        store_column=chosen.store_column,
        store=chosen.store,
        encoding=chosen.encoding,
    )
    say()
    for check in checks:
        say(check)
    if chosen.checks is not None:
        write_atomically(chosen.checks, _table(checks).encode("utf-8", "backslashreplace"))
        complain(f"saved the comparison as {chosen.checks!r}")


def _read_codes(path: str) -> dict[str, str]:
    """Return the class name of each code."""
    columns = dict.fromkeys(("code", "product"))
    table = read_table(
        path, columns, what="the table of codes", has_encoding=False, parameter="--codes"
    )
    found: dict[str, str] = {}
    for line, cells in table.rows:
        code, product = clean_name(cells["code"]), clean_name(cells["product"])
        if is_damaged_code(code) or not code or found.setdefault(code, product) != product:
            raise DataError(
                f"line {line} of {table.name} must have the complete code of one product, got "
                f"{code!r} for {product!r}; correct it",
                code="inconsistent",
                parameter="--codes",
            )
    return found


def _table(checks: Sequence[StockCheck]) -> str:
    rows: list[tuple[object, ...]] = [_COLUMNS]
    for one in checks:
        names = (one.part, one.code, one.product, one.status)
        counts = (None if value is None else round(value, 2) for value in (one.expected, one.count))
        rows.append((*names, *counts, *(one.interval or (None, None)), round(one.confidence, 4)))
    return csv_text(rows)
