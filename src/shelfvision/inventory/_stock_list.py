"""Reads the expected stock: a mapping, or the CSV export of an ERP system.

Counts are whole numbers in the formats of spreadsheets of all countries: ``40``, ``40.0``,
``40,00``, ``1.234,00``, ``1,234.00``, ``1 234``. ``1.234`` and ``1,000`` are refused: they are
thousands in one country and decimal numbers in another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shelfvision._csv import read_table
from shelfvision._identifiers import (
    clean_name,
    identifier,
    lookalike,
    spellings,
    text_of,
    warn_of_twins,
)
from shelfvision._text import unguarded
from shelfvision._validation import listed, received
from shelfvision.errors import DataError, InvalidParameterError

Codes: TypeAlias = Mapping[str, str] | Mapping[int, str]
"""Class names by article code."""

_LARGEST = 10**15
_WHOLE = re.compile(r"\d+(?:[.,]0*)?")
_GROUPED = re.compile(
    r"\d{1,3}(?:(?:[ \u00a0\u2009\u202f'\u2019]\d{3})+(?:[.,]0*)?"
    r"|(?:\.\d{3})+,0*|(?:,\d{3})+\.0*|(?:\.\d{3}){2,}|(?:,\d{3}){2,})"
)
# "1.000" is 1000 in one country and 1 in another; "0.000" is 0 in both.
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
# A long code after a spreadsheet: 4,00638E+12, or after pandas: 4006381333931.0.
_DAMAGED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+|\d+[.,]0+")
# A formula or apostrophe that prevents a spreadsheet from converting a code to a number.
_AS_TEXT = re.compile(r'^="(.*)"$')


@dataclass(frozen=True, slots=True, kw_only=True)
class StockColumns:
    """The names of the columns of the file."""

    product: str
    """The column of product names."""
    count: str
    """The column of expected counts."""
    key: str | None
    """The column of product codes, used instead of the name."""
    store: str | None = None
    """The store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLine:
    """One line of a stock list."""

    where: str
    """The location of the line, for messages: ``"line 3 of 'erp.csv'"``."""
    product: str
    """The name or code, unchanged."""
    count: int
    """The expected count."""
    store: str
    """The store; empty without a column of stores."""


def lines_of_file(
    path: str | os.PathLike[str], columns: StockColumns, encoding: str | None
) -> list[StockLine]:
    """Return the lines of a CSV file."""
    needed: dict[str, str | None] = {columns.count: "count_column"}
    named = columns.product if columns.key is None else columns.key
    needed[named] = "product_column" if columns.key is None else "key_column"
    if columns.store is not None:
        needed[columns.store] = "store_column"
    table = read_table(path, needed, what="the stock list", encoding=encoding, parameter="expected")
    if not table.rows:
        raise DataError(
            f"the stock list {table.name} must list a product, got none; give each a line",
            code="empty",
            parameter="expected",
        )
    lines = []
    for number, cells in table.rows:
        where = f"line {number} of {table.name}"
        store = "" if columns.store is None else clean_name(cells[columns.store])
        if columns.store is not None and not store:
            raise DataError(
                f"{where} must have a store, got none; correct the line",
                code="empty",
                parameter="store_column",
            )
        lines.append(
            StockLine(
                where=where,
                product=_name(cells[named], where),
                count=whole_count(cells[columns.count], where),
                store=store,
            )
        )
    return lines


def lines_of_mapping(expected: Mapping[str, object]) -> list[StockLine]:
    """Return the entries of a mapping of counts by name or code."""
    return [
        StockLine(
            where=f"expected[{name!r}]",
            product=_name(name if isinstance(name, str) else identifier(name, name="expected"), ""),
            count=whole_count(count, f"expected[{name!r}]"),
            store="",
        )
        for name, count in expected.items()
    ]


def _name(cell: str, where: str) -> str:
    """Return a product without the formula or apostrophe that keeps it text in a spreadsheet."""
    name = _AS_TEXT.sub(r"\1", unguarded(cell).strip())
    if not clean_name(name):
        raise DataError(
            f"{where or 'expected'} must have a product, got none; correct it",
            code="empty",
            parameter="expected",
        )
    return name


def whole_count(value: object, where: str) -> int:
    """Return a count as a whole number from 0, or raise an error with its location."""
    text = _plain(value)
    if isinstance(value, str) and _AMBIGUOUS.fullmatch(text):
        whole, decimals = re.split("[.,]", text)
        other = f" or {whole!r}" if not decimals.strip("0") else ""
        raise InvalidParameterError(
            f"{where} must have a whole number from 0, got {text!r}, which is {whole + decimals} "
            f"or a decimal number; write {whole + decimals!r}{other}",
            code="ambiguous",
            parameter="expected",
        )
    number = _whole(text)
    if number is None or number >= _LARGEST:
        raise InvalidParameterError(
            f"{where} must have a whole number from 0 to {_LARGEST - 1}, got {received(value)}; "
            "correct it",
            code="not-in-range",
            parameter="expected",
        )
    return number


def _plain(value: object) -> str:
    """Return a number as text: "40" for 40, 40.0 and their NumPy types."""
    if isinstance(value, str):
        return clean_name(_AS_TEXT.sub(r"\1", value.strip()))
    return "" if isinstance(value, bool) else text_of(value, name="expected")


def _whole(text: str) -> int | None:
    if not text.isascii() and any(one.isdigit() and not one.isascii() for one in text):
        return None
    if _WHOLE.fullmatch(text):
        return int(re.split("[.,]", text)[0][:20])
    if not _GROUPED.fullmatch(text):
        return None
    # If there are two separators, the last one separates decimals.
    kinds = {one for one in text if not one.isdigit()}
    last = text.rstrip("0")[-1] if len(kinds) > 1 else ""
    whole = text.rpartition(last)[0] if last in (".", ",") else text
    return int(re.sub(r"\D", "", whole))


def by_product(
    lines: Iterable[StockLine], codes: Codes | None, class_names: Iterable[str]
) -> dict[str, int]:
    """Return counts by product; the counts of several codes of one product are added.

    A product that differs from a class only in case or spaces is an error, not an unknown product.
    """
    given, known = list(lines), list(class_names)
    names = None if codes is None else _checked_codes(codes, known)
    _require_distinct(given)
    warn_of_twins(spellings(line.product for line in given), what="products of the stock list")
    wanted: dict[str, int] = {}
    for line in given:
        product = _product(line, names)
        _require_same_case(line.where, product, known, "expected")
        wanted[product] = wanted.get(product, 0) + line.count
    return wanted


def _checked_codes(codes: object, class_names: list[str]) -> dict[str, str]:
    if not isinstance(codes, Mapping):
        raise InvalidParameterError(
            f"codes must be a mapping of class names by code, got {codes!r}; write "
            '{"4006381333931": "Milk"}',
            code="wrong-type",
            parameter="codes",
        )
    if not codes:
        raise InvalidParameterError(
            'codes must have the class of a code, got no code; write {"4006381333931": "Milk"}',
            code="empty",
            parameter="codes",
        )
    found: dict[str, str] = {}
    for code, name in codes.items():
        key = clean_name(identifier(code, name="codes"))
        if not isinstance(name, str) or not clean_name(name):
            raise InvalidParameterError(
                f"codes must have the name of a class for {key!r}, got {name!r}; write it as text",
                code="wrong-type",
                parameter="codes",
            )
        _require_same_case(f"codes[{key!r}]", clean_name(name), class_names, "codes")
        if found.setdefault(key, clean_name(name)) != clean_name(name):
            raise InvalidParameterError(
                f"codes must have one class for {key!r}, got {found[key]!r} and {name!r}; keep the "
                "right one",
                code="conflict",
                parameter="codes",
            )
    return found


def _require_distinct(lines: Iterable[StockLine]) -> None:
    seen: dict[str, str] = {}
    for line in lines:
        first = seen.setdefault(line.product, line.where)
        if first != line.where:
            raise DataError(
                f"{line.where} must not list {line.product!r} again after {first}; list each once",
                code="duplicate",
                parameter="expected",
            )


def require_joined(lines: Iterable[StockLine], codes: Codes, class_names: Iterable[str]) -> None:
    """Refuse codes that differ from known codes only in zeros, and lists without known codes."""
    names = _checked_codes(codes, list(class_names))
    loose = {_significant(code): code for code in names if _significant(code)}
    written = [(line.where, clean_name(line.product)) for line in lines]
    for where, code in written:
        near = loose.get(_significant(code))
        _require_undamaged(where, code, names)
        if code not in names and near is not None:
            raise DataError(
                f"{where} has the code {code!r}, which differs from {near!r} of codes only in "
                "leading zeros or separators; write both codes identically, as text",
                code="unknown-id",
                parameter="codes",
            )
    if written and not any(code in names for _, code in written):
        raise DataError(
            f"codes must have a code of the stock list, got {listed(names)}, but the list has "
            f"{listed(code for _, code in written)}; check the column of codes",
            code="no-common-codes",
            parameter="codes",
        )


def _significant(code: str) -> str:
    """Return the digits of a code that is a number, without leading zeros."""
    digits = re.sub(r"[\s.-]", "", code)
    return digits.lstrip("0") if digits.isascii() and digits.isdigit() else ""


def _product(line: StockLine, names: Mapping[str, str] | None) -> str:
    key = clean_name(line.product)
    return key if names is None else names.get(key, key)


def _require_undamaged(where: str, code: str, names: Mapping[str, str]) -> None:
    if code not in names and _DAMAGED.fullmatch(code):
        raise DataError(
            f"{where} must have an unchanged code, got {code!r}, which a spreadsheet converted to "
            "a number; format the column as text and export it again",
            code="lost-digits",
            parameter="expected",
        )


def _require_same_case(where: str, product: str, class_names: list[str], parameter: str) -> None:
    if product in class_names:
        return
    near = lookalike(product, class_names)
    if near is not None:
        raise DataError(
            f"{where} has the product {product!r}, which differs from the class {near!r} only in "
            f"case or separators; write {near!r}",
            code="unknown-name",
            parameter=parameter,
        )


def of_store(lines: list[StockLine], store: str, where: str) -> list[StockLine]:
    """Return the lines of a store; raise `DataError` if there are none."""
    wanted = clean_name(store)
    found = [line for line in lines if line.store == wanted]
    if not found:
        stores = sorted({line.store for line in lines})
        near = lookalike(wanted, stores)
        remedy = f"write {near!r}" if near else "use the names of the list"
        raise DataError(
            f"{where} must be a store of the stock list, {listed(stores)}, got {store!r}; {remedy}",
            code="unknown-name",
            parameter="store" if where == "store" else "expected",
        )
    return found
