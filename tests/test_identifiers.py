"""Names and ids of other tools: one spelling each, or a typed error."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import (
    clean_name,
    closest,
    identifier,
    is_missing,
    spellings,
    text_of,
    warn_of_twins,
)
from shelfvision._warnings import warn_caller
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

NFC, NFD = "K\u00e4se", "Ka\u0308se"


@pytest.mark.parametrize(
    "value", [7, "7", 7.0, np.int64(7), np.uint8(7), np.float32(7), np.float64(7), Decimal("7.0")]
)
def test_a_whole_number_and_its_text_are_one_id(value: object) -> None:
    assert identifier(value) == "7"
    assert text_of(value) == "7"


def test_leading_zeros_make_another_id() -> None:
    assert identifier("007") == text_of("007") == "007"
    assert identifier("7.0") == "7.0"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float(2**53), "lost-digits"),
        (-1e300, "lost-digits"),
        (np.float32(2**24), "lost-digits"),
        (np.float16(4006), "lost-digits"),
        (10**1000, "too-large"),
        (Decimal("1e999999"), "wrong-type"),
        (7.5, "wrong-type"),
        (float("nan"), "wrong-type"),
        (float("inf"), "wrong-type"),
        (True, "wrong-type"),
        (None, "wrong-type"),
        (b"7", "wrong-type"),
        ([7], "wrong-type"),
        ("", "empty"),
    ],
)
def test_what_is_no_id_is_refused(value: object, code: str) -> None:
    with refuses(DataError, code, "category_id"):
        identifier(value, name="category_id")


def test_labels_that_are_numbers_keep_every_digit() -> None:
    assert text_of(4006381333931.0) == "4006381333931"
    assert text_of(np.float64(4006381333931)) == "4006381333931"
    assert text_of(2**53 + 1) == "9007199254740993"
    assert text_of(0.5) == "0.5"
    with refuses(DataError, "lost-digits", "label"):
        text_of(float(2**53 + 1))
    with refuses(DataError, "wrong-type", "label"):
        text_of(b"milk")


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, np.datetime64("NaT")])
def test_what_is_missing_gives_no_text(value: object) -> None:
    assert is_missing(value)
    assert text_of(value) == ""


def test_pandas_nullable_values_are_read() -> None:
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    assert text_of(pandas.NA) == ""
    numbers = pandas.Series([4006381333931, pandas.NA], dtype="Int64").tolist()
    assert [text_of(one) for one in numbers] == ["4006381333931", ""]


@pytest.mark.parametrize(
    "name", [NFD, f"{NFC} ", f"\ufeff{NFC}", f"{NFC}\u00a0", f"\u200b {NFC}\u200b\u00a0\t"]
)
def test_names_have_one_spelling(name: str) -> None:
    assert clean_name(name) == NFC


def test_characters_inside_a_name_stay() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert clean_name(f" {family} ") == family
    assert clean_name("Oat  milk") == "Oat  milk"


@given(st.text())
def test_cleaning_twice_changes_nothing(name: str) -> None:
    once = clean_name(name)
    assert clean_name(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_twins_are_found_and_told_by_their_code_points() -> None:
    found = spellings([NFC, "Milk", NFD, NFC])
    assert found == {NFC: [NFC, NFD], "Milk": ["Milk"]}
    with gives_warning(ShelfVisionWarning, "twin-names") as told:
        warn_of_twins(found, what="folders")
    assert len(told) == 1
    assert r"'K\xe4se' and 'Ka\u0308se'" in str(told[0])


def test_a_warning_points_to_the_line_that_called() -> None:
    with pytest.warns(ShelfVisionWarning) as caught:
        warn_caller(ShelfVisionWarning("two names", code="twin-names"))
    assert caught[0].filename == __file__


def test_the_closest_name_differs_in_case_first() -> None:
    assert closest("oat milk", ["Oat mild", "Oat-Milk", "Milk"]) == "Oat-Milk"
    assert closest("Mlik", ["Juice", "Milk"]) == "Milk"
    assert closest("Bread", ["Juice", "Milk"]) is None


@pytest.mark.parametrize(
    "names",
    [
        ["milk", "juice"],
        {"juice": 1, "milk": 0},
        {1: "juice", 0: "milk"},
        {"1": "juice", "0": "milk"},
        {"juice": "1", "milk": "0"},
        {"juice": np.int64(1), "milk": np.int64(0)},
        {1.0: "juice", 0.0: "milk"},
        {"milk": 0, "juice": 1}.keys(),
        iter(["milk\u00a0", "juice"]),
    ],
)
def test_class_names_are_read_in_the_order_of_their_numbers(names: object) -> None:
    assert as_class_names(names) == ("milk", "juice")  # type: ignore[arg-type]  # every kind


def test_codes_of_products_by_number_are_names() -> None:
    assert as_class_names({"0": "4012", "1": "4011"}) == ("4012", "4011")
    assert as_class_names({"1": 0, "0": 1}) == ("1", "0")


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("milk", "wrong-type"),
        (3, "wrong-type"),
        ({"milk", "juice"}, "wrong-type"),
        ([1, 2], "wrong-type"),
        ({"milk": "white"}, "wrong-type"),
        ({0: 1, 1: 0}, "ambiguous"),
        ({"milk": True, "juice": False}, "wrong-type"),
        ({"milk": 0.5}, "wrong-type"),
        ({1: "milk", 2: "juice"}, "inconsistent"),
        ({1: "person", 3: "car", 90: "toothbrush"}, "inconsistent"),
        ({"milk": 0, "juice": 0}, "inconsistent"),
        ({"0": "1", "1": "0"}, "ambiguous"),
        ({}, "empty"),
        ([], "empty"),
        ([" "], "wrong-type"),
        (["milk", "milk"], "duplicate"),
        ([NFC, NFD], "duplicate"),
    ],
)
def test_class_names_that_have_no_order_are_refused(names: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "class_names"):
        as_class_names(names)  # type: ignore[arg-type]  # what it refuses


def test_equal_names_that_differ_in_code_points_are_shown_by_them() -> None:
    with refuses(InvalidParameterError, "duplicate", "class_names") as caught:
        as_class_names([NFC, NFD])
    assert r"'K\xe4se' and 'Ka\u0308se'" in str(caught.value)
