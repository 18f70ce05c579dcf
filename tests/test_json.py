"""JSON is read without trusting what it says: every fault is an error with a code."""

from __future__ import annotations

import doctest
import json
import sys
from typing import NoReturn

import pytest

from shelfvision._storage import json_values as _json
from shelfvision._storage.json_values import MAX_DEPTH, json_object, parse_json, versioned
from shelfvision.errors import BundleError, DataError, ModelError
from support import refuses

EMPTY = (b"", b" \n\t", "")
NOT_JSON = (b"{", b"[1,]", b"{'a': 1}", b"[1] [2]", b'{"a" 1}', b"nul", b'"\x01"', b"[0x10]", b"+1")


@pytest.mark.parametrize("text", NOT_JSON)
def test_a_text_that_is_not_json_is_refused_with_its_place(text: bytes) -> None:
    with refuses(DataError, "not-json") as caught:
        parse_json(text, "'boxes.json'")
    assert "line 1, column" in str(caught.value)
    assert "'boxes.json'" in str(caught.value)


@pytest.mark.parametrize("text", EMPTY)
def test_a_text_without_content_is_refused(text: str | bytes) -> None:
    with refuses(DataError, "empty"):
        parse_json(text, "x")


@pytest.mark.parametrize("left", ["[", '{"a":', '[{"a":[', "[[],"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 990, 100_000])
def test_deep_nesting_is_refused(left: str, depth: int) -> None:
    right = {"[": "]", '{"a":': "}", '[{"a":[': "]}]", "[[],": "]"}[left]
    with refuses(DataError, "too-deep"):
        parse_json(left * depth + "1" + right * depth, "x")


@pytest.mark.parametrize("depth", [100_000, 3_000_000])
def test_deep_nesting_that_never_closes_is_refused(depth: int) -> None:
    with refuses(DataError, "too-deep"):
        parse_json("[" * depth, "x", foreign=True)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "x") is not None


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("digits", [310, 4_301, 5_000, 1_000_000])
def test_an_integer_that_no_float_can_hold_is_refused(sign: str, digits: int) -> None:
    with refuses(DataError, "too-large"):
        parse_json(f'{{"id": {sign}{"9" * digits}}}', "x")


def test_long_integers_are_refused_where_python_would_compute_them() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with refuses(DataError, "too-large"):
            parse_json("[" + "9" * 5_000 + "]", "x")
    finally:
        sys.set_int_max_str_digits(before)


def test_integers_are_exact() -> None:
    assert parse_json("[9007199254740993, -0, 123456789012345678901234567890]", "x") == [
        9007199254740993,
        0,
        123456789012345678901234567890,
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"])
def test_a_number_that_is_not_finite_is_refused(number: str) -> None:
    with refuses(DataError, "not-finite"):
        parse_json(f'{{"a": [{number}]}}', "x", foreign=True)


def test_a_repeated_name_is_refused_in_files_of_ours() -> None:
    text = '{"a": {"b": 1, "c": 2, "b": 3}}'
    with refuses(DataError, "duplicate") as caught:
        parse_json(text, "x")
    assert "'b'" in str(caught.value)
    assert parse_json(text, "x", foreign=True) == {"a": {"b": 3, "c": 2}}


@pytest.mark.parametrize(
    "text",
    [
        r'["\ud800"]',
        r'{"\uDC00": 1}',
        r'["\ude00\ud83d"]',
        r'["a\uD83Dx"]',
        '["\udc80"]',
    ],
)
def test_half_a_character_is_refused(text: str) -> None:
    with refuses(DataError, "wrong-encoding"):
        parse_json(text, "x", foreign=True)


def test_a_character_in_two_escapes_is_read() -> None:
    assert parse_json(r'{"\ud83e\udd5b": ["\uD83E\uDD5B", "\\ud83d"]}', "x") == {
        "\U0001f95b": ["\U0001f95b", r"\ud83d"]
    }


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_files_of_other_tools_have_any_encoding_of_unicode(encoding: str) -> None:
    data = json.dumps({"name": "Käse"}, ensure_ascii=False).encode(encoding)
    assert parse_json(data, "x", foreign=True) == {"name": "Käse"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_files_of_ours_are_utf_8(encoding: str) -> None:
    with refuses(
        DataError, "not-json" if encoding in ("utf-16-le", "utf-8-sig") else "wrong-encoding"
    ):
        parse_json("[1]".encode(encoding), "x")


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize(
    "data", [b'["K\xe4se"]', b'["\xed\xa0\x80"]', b'["\xc0\x80"]', b'{"\xff": 1}']
)
def test_bytes_that_are_no_text_are_refused(data: bytes, foreign: bool) -> None:
    with refuses(DataError, "wrong-encoding"):
        parse_json(data, "x", foreign=foreign)


def test_a_text_over_the_limit_is_refused_unread() -> None:
    assert parse_json(b"[1, 2]", "x", limit=6) == [1, 2]
    with refuses(DataError, "too-large"):
        parse_json(b"[1, 2]", "x", limit=5)


@pytest.mark.parametrize("root", ["[]", "1", "1.5", "null", '"text"', "true"])
def test_another_root_than_an_object_is_refused(root: str) -> None:
    with refuses(DataError, "wrong-type"):
        json_object(root, "x")
    assert json_object("{}", "x") == {}


def test_the_caller_chooses_the_error() -> None:
    def fail(code: str, fault: str) -> NoReturn:
        raise ModelError(f"no: {fault}", code=code)

    with refuses(ModelError, "not-json"):
        parse_json("{", "x", fail=fail)
    with refuses(ModelError, "too-deep"):
        parse_json("[" * 100_000, "x", fail=fail)
    with refuses(ModelError, "wrong-type"):
        json_object("[]", "x", fail=fail)


def _fail(code: str, fault: str) -> NoReturn:
    raise BundleError(fault, code=code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", "foreign-format"),
        ('{"format": "1"}', "foreign-format"),
        ('{"format": true}', "foreign-format"),
        ('{"format": 0}', "foreign-format"),
        ('{"format": -7}', "foreign-format"),
        ('{"format": 3}', "newer-format"),
        ("[]", "wrong-type"),
    ],
)
def test_a_manifest_of_another_version_is_refused(text: str, code: str) -> None:
    with refuses(BundleError, code):
        versioned(text, "x", kind="bundle", newest=2, fail=_fail)


def test_the_examples_are_right() -> None:
    assert doctest.testmod(_json) == (0, 2)
