"""Stock lists are read as ERP systems and spreadsheets write them, or refused with the line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    ShelfVisionWarning,
)
from shelfvision.inventory._stock_list import whole_count
from support import gives_warning, refuses

NFC, NFD = "K\u00e4se", "Ka\u0308se"
NAMES = ("Juice", NFC, "Oat-Milk")
CODES = {"4006381333931": "Juice", "0012345678905": NFC, "4011": "Oat-Milk"}


@pytest.fixture
def stock() -> shv.Inventory:
    """Return an inventory of 10 juices, 20 cheeses and no oat milk, of two stores."""
    draws = np.tile(np.array([10, 20, 0], np.int64), (100, 1))
    one = shv.Inventory(
        class_names=NAMES, naive=dict(zip(NAMES, (10, 20, 0), strict=True)), draws=draws,
        confidence_level=0.9, n_photos=30, review=(), failed={}, unmeasured=(), parts={},
    )  # fmt: skip
    return replace(one, parts={"Harbour": one, "North": replace(one, draws=draws[:, ::-1])})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "erp.csv"


def expected_of(checks: tuple[shv.StockCheck, ...]) -> dict[str, int | None]:
    return {check.product: check.expected for check in checks}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("40", 40),
        ("40.0", 40),
        ("40,00", 40),
        (" 40\u00a0", 40),
        ("040", 40),
        ("1.234,00", 1234),
        ("1,234.00", 1234),
        ("1 234", 1234),
        ("1\u202f234,0", 1234),
        ("1'234", 1234),
        ("1.234.567", 1_234_567),
        ("1234.000", 1234),
        ("0.000", 0),
        ('="40"', 40),
        ("0", 0),
    ],
)
def test_whole_numbers_are_read_however_they_are_written(text: str, number: int) -> None:
    assert whole_count(text, "line 2") == number


@pytest.mark.parametrize("value", [40, 40.0, np.int64(40), np.float32(40), np.uint8(40), "40"])
def test_whole_numbers_of_every_kind_are_counts(value: object) -> None:
    assert whole_count(value, "expected['Milk']") == 40


@pytest.mark.parametrize("text", ["1.000", "1,000", "40.000", "1.234", "12,345"])
def test_thousands_that_may_be_decimals_are_refused(
    text: str, stock: shv.Inventory, file: Path
) -> None:
    file.write_text(f"product;count\nJuice;{text}\n")
    with refuses(InvalidParameterError, "ambiguous", "expected") as caught:
        stock.against(file)
    assert "line 2 of" in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["40.5", "-1", "40 pcs", "4e1", "", "1.23.456", "\u0664\u0660", "9" * 16, "=40", "1,2,3"],
)
def test_other_counts_are_refused_with_their_line(
    text: str, stock: shv.Inventory, file: Path
) -> None:
    file.write_text(f"product;count\nJuice;3\n{NFC};{text}\n", encoding="utf-8")
    with refuses(InvalidParameterError, "not-in-range", "expected") as caught:
        stock.against(file)
    assert "line 3 of" in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [True, None, float("nan"), 1.5, -1, "many", 1.234])
def test_other_counts_of_a_mapping_are_refused(value: object, stock: shv.Inventory) -> None:
    with refuses(InvalidParameterError, "not-in-range", "expected"):
        stock.against({"Juice": value})  # type: ignore[dict-item]  # what it refuses


@pytest.mark.parametrize(
    ("text", "code", "parameter"),
    [
        ("product\nmilk\n", "missing-column", "count_column"),
        ("", "missing-column", "count_column"),
        ("product,count\n", "empty", "expected"),
        ("product,count\nJuice,1\nJuice,2\n", "duplicate", "expected"),
        ("product,count\nJuice\n", "not-csv", "expected"),
        ("product,count,count\nJuice,1,2\n", "duplicate", "count_column"),
        ("product,count\nJuice,1,5\n", "not-csv", "expected"),
        ('product,count\n"Juice,1\n', "not-csv", "expected"),
        ("product,count\n ,1\n", "empty", "expected"),
        ("product,count\nJui\udcffce,1\n", "wrong-encoding", "encoding"),
    ],
)
def test_a_stock_list_that_is_none_is_refused(
    stock: shv.Inventory, file: Path, text: str, code: str, parameter: str
) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with refuses(DataError, code, parameter):
        stock.against(file)


def test_a_stock_list_that_is_not_there_is_named(stock: shv.Inventory, tmp_path: Path) -> None:
    with refuses(DatasetNotFoundError, "not-found", "expected"):
        stock.against(tmp_path / "none.csv")
    with refuses(DataError, "not-a-file", "expected"):
        stock.against(tmp_path)


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_a_stock_list_is_read_as_a_spreadsheet_writes_it(
    stock: shv.Inventory, file: Path, delimiter: str
) -> None:
    text = f';product;count;note;\r\n0;{NFC};"40,0";"a, b";\r\n1;Juice;7;;\r\n;;;;\r\n'
    file.write_text(text.replace(";", delimiter), encoding="utf-16", newline="")
    assert expected_of(stock.against(file)) == {NFC: 40, "Juice": 7, "Oat-Milk": 0}


@pytest.mark.remedy("wrong-encoding")
def test_a_stock_list_of_another_encoding_is_read_when_it_is_named(
    stock: shv.Inventory, file: Path
) -> None:
    file.write_text(f"product;count\n{NFC};4\n", encoding="cp1252")
    with refuses(DataError, "wrong-encoding", "encoding"):
        stock.against(file)
    assert expected_of(stock.against(file, encoding="cp1252"))[NFC] == 4


def test_spellings_of_one_product_are_added_up_with_a_warning(
    stock: shv.Inventory, file: Path
) -> None:
    file.write_text(f"product,count\n{NFC},4\n{NFD} ,5\n", encoding="utf-8")
    with gives_warning(ShelfVisionWarning, "twin-names"):
        assert expected_of(stock.against(file))[NFC] == 9
    assert expected_of(stock.against({f"{NFD}\u00a0": 3}))[NFC] == 3


@pytest.mark.parametrize("name", ["juice", "JUICE", "oat milk", "Oat_Milk", "O at-milk"])
def test_a_name_that_differs_in_case_or_separators_is_suggested(
    stock: shv.Inventory, file: Path, name: str
) -> None:
    file.write_text(f"product,count\n{name},4\n")
    meant = "Juice" if name.lower() == "juice" else "Oat-Milk"
    for expected in (file, {name: 4}):
        with refuses(DataError, "unknown-name", "expected") as caught:
            stock.against(expected)
        assert f"write {meant!r}" in str(caught.value)


def test_a_partial_list_says_nothing_of_other_products(stock: shv.Inventory) -> None:
    checks = stock.against({"Juice": 10, "Tea": 5}, partial=True)
    found = {one.product: (one.status, one.expected) for one in checks}
    assert found == {
        "Tea": ("unknown", 5),
        "Juice": ("as expected", 10),
        NFC: ("unknown", None),
        "Oat-Milk": ("unknown", None),
    }
    assert [one.product for one in checks][:2] == ["Tea", "Juice"]
    assert str(checks[2]) == f"{NFC}: 20.0 counted (20 to 20), not on the list"
    whole = {one.product: one.status for one in stock.against({"Juice": 10})}
    assert whole == {"Juice": "as expected", NFC: "over", "Oat-Milk": "as expected"}


@pytest.mark.parametrize("key", ["4006381333931", "4006381333931 ", '="4006381333931"'])
def test_codes_lead_to_class_names(stock: shv.Inventory, file: Path, key: str) -> None:
    file.write_text(
        f"article;name;count\n{key};Saft;12\n0012345678905;Gouda;3\n999;Tee;1\n", encoding="utf-8"
    )
    checks = stock.against(file, key_column="article", codes=CODES)
    assert expected_of(checks) == {"Juice": 12, NFC: 3, "Oat-Milk": 0, "999": 1}
    assert next(one.status for one in checks if one.product == "999") == "unknown"
    assert expected_of(stock.against(file, product_column="article", codes=CODES))[NFC] == 3


@pytest.mark.parametrize("code", ["12345678905", "00-1234 5678905", "0012345678905 0"[:-2] + "."])
def test_codes_that_differ_in_zeros_or_separators_are_refused(
    stock: shv.Inventory, file: Path, code: str
) -> None:
    file.write_text(f"article;count\n4011;1\n{code};12\n")
    with refuses(DataError, "unknown-id", "codes") as caught:
        stock.against(file, key_column="article", codes=CODES)
    assert "line 3 of" in str(caught.value)
    assert "'0012345678905'" in str(caught.value)


def test_codes_of_which_the_list_has_none_are_refused(stock: shv.Inventory) -> None:
    with refuses(DataError, "no-common-codes", "codes"):
        stock.against({"5": 1, "6": 2}, codes=CODES)
    assert stock.against({"5": 1, "4011": 2}, codes=CODES)


@pytest.mark.parametrize("expected", [None, 3, [("Juice", 4)]])
def test_what_is_no_stock_list_is_refused(stock: shv.Inventory, expected: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "expected"):
        stock.against(expected)  # type: ignore[arg-type]  # what it refuses


def test_codes_may_be_numbers_and_share_a_class(stock: shv.Inventory) -> None:
    codes = {4006381333931: "Juice", 4006381333948: " Juice ", 7.0: NFD}
    found = stock.against({4006381333931: 5, "4006381333948": 6, "7": 1}, codes=codes)  # type: ignore[dict-item, arg-type]
    assert expected_of(found) == {"Juice": 11, NFC: 1, "Oat-Milk": 0}


@pytest.mark.parametrize(
    "key", ["4,00638E+12", "4.00638e12", "4006381333931.0", "4006381333931,00"]
)
def test_codes_that_a_spreadsheet_made_numbers_of_are_refused(
    stock: shv.Inventory, file: Path, key: str
) -> None:
    file.write_text(f"article;count\n{key};12\n")
    with refuses(DataError, "lost-digits", "expected") as caught:
        stock.against(file, key_column="article", codes=CODES)
    assert "line 2 of" in str(caught.value)


@pytest.mark.parametrize(
    ("codes", "error", "code"),
    [
        (["4011"], InvalidParameterError, "wrong-type"),
        ({}, InvalidParameterError, "empty"),
        ({"4011": 3}, InvalidParameterError, "wrong-type"),
        ({"4011": " "}, InvalidParameterError, "wrong-type"),
        ({4011: "Juice", "4011": NFC}, InvalidParameterError, "conflict"),
        ({"4011": "juice"}, DataError, "unknown-name"),
        ({4.5: "Juice"}, DataError, "wrong-type"),
        ({1e17: "Juice"}, DataError, "lost-digits"),
    ],
)
def test_codes_that_lead_nowhere_are_refused(
    stock: shv.Inventory, codes: object, error: type[DataError], code: str
) -> None:
    with refuses(error, code, "codes"):
        stock.against({"4011": 1}, codes=codes)  # type: ignore[arg-type]  # what it refuses


STORES = f"store;product;count\nHarbour;Juice;9\nHarbour;{NFC};20\nNorth;Juice;9\nSouth;Juice;1\n"


def test_every_store_is_compared_with_its_lines(stock: shv.Inventory, file: Path) -> None:
    file.write_text(STORES, encoding="utf-8")
    checks = stock.against(file, store_column="store")
    found = {(one.part, one.product): (one.status, one.expected) for one in checks}
    assert found == {
        ("Harbour", "Juice"): ("over", 9),
        ("Harbour", NFC): ("as expected", 20),
        ("Harbour", "Oat-Milk"): ("as expected", 0),
        ("North", "Juice"): ("missing", 9),
        ("North", NFC): ("over", 0),
        ("North", "Oat-Milk"): ("over", 0),
    }
    assert checks[-1].status == "as expected"
    assert "Harbour, Juice: over" in str(checks[0])


def test_one_store_is_compared_alone(stock: shv.Inventory, file: Path) -> None:
    file.write_text(STORES, encoding="utf-8")
    north = stock.against(file, store_column="store", store=" North")
    assert {one.part.strip() for one in north} == {"North"}
    assert expected_of(north)["Juice"] == 9
    numbered = replace(stock, parts={"7": stock.parts["North"]})
    file.write_text(STORES.replace("North", "7"), encoding="utf-8")
    assert {one.part for one in numbered.against(file, store_column="store", store=7)} == {"7"}  # type: ignore[arg-type]
    whole = replace(stock, parts={})
    south = whole.against(file, store_column="store", store="South")
    assert {one.product: one.status for one in south}["Juice"] == "over"


def test_a_store_on_one_side_only_is_refused(stock: shv.Inventory, file: Path) -> None:
    file.write_text(STORES.replace("North", "north"), encoding="utf-8")
    with refuses(DataError, "unknown-name", "expected") as caught:
        stock.against(file, store_column="store")
    assert "write 'north'" in str(caught.value)
    with refuses(InvalidParameterError, "unknown-name", "store") as asked:
        stock.against(file, store_column="store", store="harbour")
    assert "store='Harbour'" in str(asked.value)
    with refuses(DataError, "unknown-name", "store"):
        replace(stock, parts={}).against(file, store_column="store", store="West")
    file.write_text("store;product;count\n;Juice;1\n")
    with refuses(DataError, "empty", "store_column"):
        stock.against(file, store_column="store")


@pytest.mark.remedy("conflict")
def test_settings_that_need_each_other_are_named(stock: shv.Inventory, file: Path) -> None:
    file.write_text(STORES.replace("Juice", "4006381333931"), encoding="utf-8")
    with refuses(InvalidParameterError, "conflict", "codes"):
        stock.against(file, key_column="product", store_column="store")
    codes = {**CODES, NFC: NFC}
    assert stock.against(file, key_column="product", codes=codes, store_column="store")
    with refuses(InvalidParameterError, "conflict", "store_column"):
        stock.against(file, codes=codes, store="North")
    assert stock.against(file, codes=codes, store_column="store", store="North")
    whole = replace(stock, parts={})
    with refuses(InvalidParameterError, "conflict", "store_column"):
        whole.against(file, codes=codes, store_column="store")
    assert whole.against(file, codes=codes, store_column="store", store="North")
    with refuses(InvalidParameterError, "conflict", "store_column"):
        stock.against({"Juice": 1}, store_column="store")
    assert stock.parts["North"].against({"Juice": 1})


def test_a_saved_inventory_is_a_stock_list(stock: shv.Inventory, tmp_path: Path) -> None:
    names = ("=1+1", "@home", "-2 \u00b0C; frozen")
    odd = replace(
        stock, class_names=names, naive=dict(zip(names, (10, 20, 0), strict=True)), parts={}
    )
    odd.save(tmp_path / "stock.csv")
    checks = odd.against(tmp_path / "stock.csv")
    assert {one.product: one.expected for one in checks} == dict(
        zip(names, (10, 20, 0), strict=True)
    )
    assert {one.status for one in checks} == {"as expected"}


@pytest.mark.remedy("wrong-type")
@pytest.mark.parametrize("kind", ["frame", "series", "pairs"])
def test_frames_and_pairs_are_told_how_to_become_a_mapping(stock: shv.Inventory, kind: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"product": ["Juice", NFC], "count": [10, 4]})
    pairs = list(zip(frame["product"], frame["count"], strict=True))
    given = {"frame": frame, "series": pandas.Series(dict(pairs)), "pairs": pairs}[kind]
    with refuses(InvalidParameterError, "wrong-type", "expected") as caught:
        stock.against(given, partial=True)
    remedy = eval(str(caught.value).rpartition("; pass ")[2], {"expected": given})
    found = expected_of(stock.against(remedy, partial=True))
    assert (found["Juice"], found[NFC]) == (10, 4)
