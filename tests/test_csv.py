"""The one reader of CSV files and lists: every way to write a table gives the same rows."""

from __future__ import annotations

import csv
import io
import os
import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision._csv import csv_text, read_table
from shelfvision._storage.text_files import read_lines
from shelfvision._text import from_csv_cell
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    ShelfVisionError,
    SplitError,
)
from support import refuses

COLUMNS = {"path": "path_column", "label": "label_column"}
PLAIN = "path,label\na.jpg,Käse\nb.jpg,Milk\n"
ROWS = [("a.jpg", "Käse"), ("b.jpg", "Milk")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def cells(path: Path, encoding: str | None = None) -> list[tuple[str, str]]:
    table = read_table(path, COLUMNS, encoding=encoding)
    return [(row["path"], row["label"]) for _, row in table.rows]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        '"sep=;"\r\n' + PLAIN.replace(",", ";"),
        "SEP=^\n" + PLAIN.replace(",", "^"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.removesuffix("\n"),
        PLAIN + "\x1a",
        "\n\n" + PLAIN,
        ",path,label\n0,a.jpg,Käse\n1,b.jpg,Milk\n",
        '"","path","label"\n"1","a.jpg","Käse"\n"2","b.jpg","Milk"\n',
        "path,label,,\na.jpg,Käse,,\nb.jpg,Milk,,\n,,,\n,,,\n",
        "path,label,\na.jpg,Käse\nb.jpg,Milk,\n",
        "path,label\na.jpg,Käse,,\nb.jpg,Milk,\n",
        "path;label;;\na.jpg;Käse;;see the photo, left\nb.jpg;Milk;;\n",
        '"path, relative";path;label\n"x,y";a.jpg;Käse\nz;b.jpg;Milk\n',
        '"path";"label";"price; EUR"\na.jpg;Käse;1,99\nb.jpg;Milk;0,89\n',
        "price,EUR;path;label\n1,99;a.jpg;Käse\n0,89;b.jpg;Milk\n",
        "\ufeffpath , label \na.jpg, Käse\nb.jpg, Milk\n",
        'path,label,note\na.jpg,Käse,"two\nlines"\nb.jpg,Milk,"1.5"" tall"\n',
        "path;label;note;checked\na.jpg;Käse\nb.jpg;Milk;seen;\n",
        'path,label\na.jpg,="Käse"\n"=""b.jpg""","=""Milk"""\n',
    ],
)
def test_the_same_table_written_in_many_ways(file: Path, text: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        file.write_text(text, encoding=encoding, newline="")
        assert cells(file) == ROWS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "mac_roman"])
@pytest.mark.remedy("wrong-encoding")
def test_another_encoding_is_named_and_read(file: Path, encoding: str) -> None:
    file.write_text(PLAIN, encoding=encoding, newline="")
    with refuses(DataError, "wrong-encoding", "encoding") as caught:
        cells(file)
    guess = "cp1252" if encoding == "mac_roman" else encoding
    assert f"encoding={guess!r}" in str(caught.value)
    assert cells(file, encoding) == ROWS


def test_a_byte_order_mark_wins_over_an_encoding(file: Path) -> None:
    file.write_text(PLAIN, encoding="utf-8-sig")
    assert cells(file, "cp1252") == ROWS


@pytest.mark.parametrize("encoding", ["utf8ish", "base64", "", 7, "a\0b", "rot13"])
def test_what_is_no_encoding_is_refused(file: Path, encoding: str) -> None:
    file.write_text(PLAIN, encoding="utf-8")
    with refuses(InvalidParameterError, "not-an-option", "encoding"):
        cells(file, encoding)


def test_an_encoding_that_does_not_fit_is_told(file: Path) -> None:
    file.write_bytes(PLAIN.encode("cp1252"))
    with refuses(DataError, "wrong-encoding", "encoding") as caught:
        cells(file, "ascii")
    assert "line 2" in str(caught.value)


def test_a_file_name_of_other_bytes_is_kept_where_asked(file: Path) -> None:
    file.write_bytes(b"path,label\n\xff.jpg,Milk\n")
    table = read_table(file, COLUMNS, keep_bytes=True)
    assert table.rows == [(2, {"path": os.fsdecode(b"\xff.jpg"), "label": "Milk"})]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("path,label\na.jpg,Milk\nb.jpg\n", 3),
        ("path,label\na.jpg,Milk,Juice\n", 2),
        ("path,note,label\na.jpg,Milk\n", 2),
        ('path,label\na.jpg,"Milk\nb.jpg,Milk\n', 2),
        ('path,label\na.jpg,"Milk"s\n', 2),
        ("path,label\na.jpg,Mi\0lk\n", 2),
        ("path,label\na.jpg," + "x" * 200_000 + "\n", 2),
        ("sep=;\npath;label\na.jpg;Milk;Juice\n", 3),
        ('path,label,note\na.jpg,Milk,"two\nlines"\nb.jpg\n', 4),
    ],
)
def test_what_is_no_csv_is_told_with_its_line(file: Path, text: str, line: int) -> None:
    file.write_text(text, newline="")
    with refuses(DataError, "not-csv", "path") as caught:
        cells(file)
    assert f"line {line} " in f"{caught.value} "
    assert repr(str(file)) in str(caught.value)


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b", b"%PDF"]
)
def test_other_kinds_of_files_are_called_by_their_names(file: Path, start: bytes) -> None:
    file.write_bytes(start + bytes(range(256)))
    with refuses(DataError, "not-csv", "path") as caught:
        cells(file)
    assert "must be a CSV file, got a" in str(caught.value)


def test_the_limit_on_fields_is_left_alone(file: Path) -> None:
    before = csv.field_size_limit()
    file.write_text("path,label\na.jpg," + "x" * 200_000)
    with refuses(DataError, "not-csv", "path"):
        cells(file)
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("header", ["", "\n\n", "file,label", "PATH,label", "path\\label"])
def test_a_missing_column_is_named_with_its_parameter(file: Path, header: str) -> None:
    file.write_text(header + "\n")
    with refuses(DataError, "missing-column", "path_column"):
        cells(file)


@pytest.mark.remedy("missing-column")
@pytest.mark.parametrize("title", ["Price list\n", "Price list;;\n\n", "Store 7,,,\nfrom May\n"])
def test_a_title_above_the_header_is_to_be_removed(file: Path, title: str) -> None:
    file.write_text(title + PLAIN)
    with refuses(DataError, "missing-column", "path_column") as caught:
        cells(file)
    line = re.search(r"they are in line (\d+); remove the lines above it", str(caught.value))
    assert line
    kept = file.read_text().splitlines(keepends=True)[int(line[1]) - 1 :]
    file.write_text("".join(kept))
    assert cells(file) == ROWS


@pytest.mark.remedy("missing-column")
def test_a_column_that_differs_in_case_is_suggested(file: Path) -> None:
    file.write_text("Path,label\na.jpg,Milk\n")
    with refuses(DataError, "missing-column", "path_column") as caught:
        cells(file)
    assert "path_column='Path'" in str(caught.value)
    assert len(read_table(file, {"Path": "path_column"}).rows) == 1


def test_a_column_with_a_fixed_name_is_to_be_renamed(file: Path) -> None:
    file.write_text("Path,label\na.jpg,Milk\n")
    with refuses(DataError, "missing-column", "path") as caught:
        read_table(file, {"path": None})
    assert str(caught.value).endswith("rename 'Path'")
    with refuses(InvalidParameterError, "wrong-type", "label_column"):
        read_table(file, {1: "label_column"})  # type: ignore[dict-item]  # what it refuses


def test_a_needed_column_that_is_there_twice_is_refused(file: Path) -> None:
    file.write_text("path,label,label\na.jpg,Milk,Juice\n")
    with refuses(DataError, "duplicate", "label_column"):
        cells(file)


def test_optional_columns_are_read_where_they_are(file: Path) -> None:
    file.write_text("path,label,comment\na.jpg,Milk,blurred\n")
    table = read_table(file, COLUMNS, optional=("comment", "status"))
    assert table.rows == [(2, {"path": "a.jpg", "label": "Milk", "comment": "blurred"})]
    assert table.columns == ("path", "label", "comment")


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        with refuses(SplitError, "not-a-file", "path"):
            read_table(path, COLUMNS, error=SplitError)
    with refuses(DatasetNotFoundError, "not-found", "path"):
        read_table(tmp_path / "gone.csv", COLUMNS)
    (tmp_path / "rows.csv").write_text("path\n" + "a\n\n" * 4)
    assert len(read_table(tmp_path / "rows.csv", {"path": None}, limit=4 * 128).rows) == 4
    with refuses(DataError, "too-large", "path"):
        read_table(tmp_path / "rows.csv", {"path": None}, limit=3 * 128)
    (tmp_path / "large.csv").write_text(PLAIN * 9)
    with refuses(DataError, "too-large", "path"):
        read_table(tmp_path / "large.csv", COLUMNS, limit=100)


@given(
    table=st.lists(st.tuples(st.text(), st.text()).filter(any), min_size=1),
    delimiter=st.sampled_from(",;\t"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str]],
    delimiter: str,
    ending: str,
) -> None:
    kept = [row for row in table if any(map(str.strip, row)) and "\0" not in "".join(row)]
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    with path.open("w", encoding="utf-8", errors="ignore", newline="") as stream:
        writer = csv.writer(
            stream, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL
        )
        writer.writerows([("path", "label"), *kept])
    encodable = [tuple(c.encode("utf-8", "ignore").decode() for c in row) for row in kept]
    assert cells(path) == [row for row in encodable if any(map(str.strip, row))]


def test_damaged_tables_give_typed_errors(file: Path) -> None:
    rng = random.Random(1)
    for _ in range(300):
        data = bytearray((PLAIN * 3).encode(rng.choice(["utf-8", "utf-16", "cp1252"])))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.choice(b'",;\t\r\n\0\xff\xfea')
        file.write_bytes(data[: rng.randint(1, len(data))])
        with suppress(ShelfVisionError):
            read_table(file, COLUMNS)


def test_lines_are_read_as_tables_are(file: Path) -> None:
    text = "a.jpg\r\n\r\nK\u2028\u00e4se.jpg 3\rb.jpg"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_text(text, encoding=encoding, newline="")
        assert read_lines(file) == [(1, "a.jpg"), (3, "K\u2028\u00e4se.jpg 3"), (4, "b.jpg")]
    file.write_text(text, encoding="utf-16-le", newline="")
    assert len(read_lines(file, encoding="utf-16-le")) == 3
    file.write_bytes(b"\xff.jpg\n")
    assert read_lines(file, keep_bytes=True) == [(1, os.fsdecode(b"\xff.jpg"))]
    with refuses(SplitError, "wrong-encoding", "list"):
        read_lines(file, error=SplitError, has_encoding=False, parameter="list")


def test_written_rows_are_read_back_with_their_spaces_and_without_formulas() -> None:
    rows = [("id", "count"), (" a.jpg", 1.5), ("=1+1", None), ("x;=2", 3), ('say "no"', 4)]
    text = csv_text(rows)
    found = [[from_csv_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    assert found == [["" if value is None else str(value) for value in row] for row in rows]
    assert '" a.jpg"' in text
    assert "\n=1+1" not in text
