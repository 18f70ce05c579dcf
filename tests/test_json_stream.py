"""Large JSON is read entry by entry, in little memory, and refused as `parse_json` refuses."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision._storage.json_stream import LISTED, MAX_ENTRY, json_entries
from shelfvision.errors import DataError
from support import refuses

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abé"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"]


def entries(data: bytes, *wanted: str, limit: int | None = None) -> list[tuple[str, object]]:
    return list(json_entries(io.BytesIO(data), wanted, "'a.json'", limit=limit))


@given(
    st.dictionaries(st.sampled_from(["images", "info", "x"]), st.lists(plain, max_size=5)),
    st.sampled_from(ENCODINGS),
    st.sampled_from([None, 1]),
)
def test_entries_are_those_of_the_document(
    document: dict[str, list[object]], encoding: str, indent: int | None
) -> None:
    data = json.dumps(document, ensure_ascii=encoding == "utf-8", indent=indent).encode(encoding)
    expected = [("images", one) for one in document.get("images", [])]
    if "images" in document:
        expected.insert(0, ("images", LISTED))
    assert entries(data, "images") == expected


@given(st.lists(plain, max_size=5))
def test_a_document_that_is_a_list_has_no_key(document: list[object]) -> None:
    data = json.dumps(document).encode()
    assert entries(data) == [("", LISTED), *(("", one) for one in document)]


def test_entries_that_a_chunk_cuts_are_whole() -> None:
    document = [{"id": n, "name": "é" * (n % 97), "bbox": [n / 7, 1e-5, n]} for n in range(20_000)]
    data = json.dumps({"images": document}, ensure_ascii=False).encode()
    assert len(data) > 10 * 65536
    assert [one for _, one in entries(data, "images")[1:]] == document


def test_a_long_entry_is_read_and_a_longer_one_refused() -> None:
    for size, good in ((MAX_ENTRY // 2, True), (3 * MAX_ENTRY, False)):
        data = json.dumps({"images": ["a" * size]}).encode()
        if good:
            assert entries(data, "images")[1][1] == "a" * size
        else:
            with refuses(DataError, "too-large"):
                entries(data, "images")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("7", "wrong-type"),
        ("{", "not-json"),
        ('{"images": [1}', "not-json"),
        ('{"images": [1,]}', "not-json"),
        ('{"images": [1] "x": 2}', "not-json"),
        ('{"images": [1]} 2', "not-json"),
        ('{"images": ["cut', "not-json"),
        ("{7: []}", "not-json"),
        ('{"images": 3}', "wrong-type"),
        ('{"images": [], "images": []}', "duplicate"),
        ('{"images": [NaN]}', "not-finite"),
        ('{"images": [1e999]}', "not-finite"),
        ('{"images": [' + "9" * 5000 + "]}", "too-large"),
        ('{"x": ' + "9" * 5000 + "}", "too-large"),
        ('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "too-deep"),
        ('{"images": ' + "[" * 100_000 + "]" * 100_000 + "}", "too-deep"),
        ('{"x": ' + '{"y":' * 100_000 + "1" + "}" * 100_000 + "}", "too-deep"),
    ],
)
def test_what_is_off_is_refused_by_its_code(text: str, code: str) -> None:
    with refuses(DataError, code) as caught:
        entries(text.encode(), "images")
    assert "'a.json'" in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with refuses(DataError, "wrong-encoding"):
        entries(b'{"images": ["\xff"]}', "images")


def test_an_error_names_the_line() -> None:
    data = b'{"images": [\n' + b"1,\n" * 100_000 + b"oops]}"
    with refuses(DataError, "not-json") as caught:
        entries(data, "images")
    assert "line 100002" in str(caught.value)


def test_no_more_than_the_limit_and_one_byte_is_read() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b" " * size

    endless = Endless()
    with refuses(DataError, "too-large"):
        list(json_entries(endless, (), "'a.json'", limit=1_000_000))  # type: ignore[arg-type]  # reads
    assert endless.given == 1_000_001


@pytest.mark.parametrize("entry", ["[]", '{"id":1}', "[[],[],[]]", "1.5", '"\\u00e9"'])
def test_memory_does_not_grow_with_the_file(entry: str) -> None:
    data = f'{{"info": [{entry}{f",{entry}" * (1_000_000 // (len(entry) + 1))}], "images": []}}'
    file = io.BytesIO(data.encode())
    tracemalloc.start()
    for _ in json_entries(file, ("images",), "'a.json'"):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 800_000
