"""`Corrections`: the labels that people gave to photos."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError
from shelfvision.review import Correction
from support import refuses

DOWNLOADED = """id,label,status,comment
a.jpg,milk,corrected,
b.jpg,juice,confirmed,the lid is missing
c.jpg,,other product,a hand
d.jpg,,unusable,
"""


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_file_of_the_review_page_is_read(tmp_path: Path) -> None:
    found = shv.Corrections.read(written(tmp_path / "corrections.csv", DOWNLOADED))
    assert list(found) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert found["b.jpg"] == Correction(
        label="juice", status="confirmed", comment="the lid is missing"
    )
    assert found.labels == {"a.jpg": "milk", "b.jpg": "juice"}
    assert list(found.rejected) == ["c.jpg", "d.jpg"]
    assert found.counts == {"corrected": 1, "confirmed": 1, "other product": 1, "unusable": 1}
    assert "4 photos, 1 corrected" in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "id,label\n7,milk\n007,juice\n",
        "\ufeffid;label\r\n7;milk\r\n007;juice\r\n",
        "sep=;\nid;label\n7;milk\n007;juice\n",
        "label\tid\nmilk\t7\n juice \t007\n",
        "id,label,status\n7,milk,\n007,juice,Corrected \n8,,\n",
        'id,label\n="7",milk\n="007",juice\n',
    ],
)
def test_a_table_of_ids_and_labels_is_enough(tmp_path: Path, text: str) -> None:
    found = shv.Corrections.read(written(tmp_path / "made by hand.csv", text))
    assert found.labels == {"7": "milk", "007": "juice"}


def test_utf_16_and_other_encodings_are_read(tmp_path: Path) -> None:
    text = "id,label\nk.jpg,Käse\n"
    utf_16 = written(tmp_path / "16.csv", text.encode("utf-16"))
    western = written(tmp_path / "cp1252.csv", text.encode("cp1252"))
    assert shv.Corrections.read(utf_16).labels == {"k.jpg": "Käse"}
    assert shv.Corrections.read(western, encoding="cp1252").labels == {"k.jpg": "Käse"}


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    hostile = {
        "=1+1": Correction(label="-milk", comment="=HYPERLINK()"),
        "a\nb\x1b[2J\u202e.jpg": Correction(label="käse, <b>"),
        "'quoted'": Correction(status="unusable", comment="blurred; dark"),
        "C:\\photos\\x1b.jpg": Correction(label="tea", status="confirmed"),
        " space at both ends ": Correction(label="tea", comment=" \t"),
        "not utf-8 \udcff": Correction(status="other product"),
    }
    saved = shv.Corrections(hostile)
    saved.save(tmp_path / "again.csv")
    again = shv.Corrections.read(tmp_path / "again.csv")
    assert dict(again) == hostile
    assert list(again) == list(hostile)
    lines = (tmp_path / "again.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,label,status,comment"
    assert not any(line.startswith(("=", "+", "-", "@")) for line in lines)


def test_an_id_with_two_answers_is_an_error_that_names_both(tmp_path: Path) -> None:
    path = written(tmp_path / "two.csv", "id,label\na,milk\nb,tea\na,juice\n")
    with refuses(DataError, "conflict", "path") as caught:
        shv.Corrections.read(path)
    message = str(caught.value)
    assert "'a' is 'milk' in line 2" in message
    assert "'juice' in line 4" in message
    assert "'b'" not in message


def test_a_rejected_photo_with_a_label_elsewhere_is_a_conflict(tmp_path: Path) -> None:
    text = "id,label,status\na,milk,\na,,unusable\nb,,unusable\nb,,other product\n"
    with refuses(DataError, "conflict", "path") as caught:
        shv.Corrections.read(written(tmp_path / "two.csv", text))
    assert "2 photos" in str(caught.value)


def test_equal_answers_are_one_and_keep_both_comments(tmp_path: Path) -> None:
    one = written(
        tmp_path / "one.csv", "id,label,status,comment\na,milk,confirmed,sharp\nb,tea,,\n"
    )
    other = written(tmp_path / "other.csv", "id,label,comment\na,milk,half hidden\nc,tea,\n")
    found = shv.Corrections.read([one, other])
    assert found.labels == {"a": "milk", "b": "tea", "c": "tea"}
    assert found["a"].comment == "sharp; half hidden"


def test_a_comment_within_another_is_kept_and_a_repeated_one_is_not(tmp_path: Path) -> None:
    rows = ["not sharp", "sharp", "not sharp; sharp", ""]
    text = "".join(f"a,milk,confirmed,{row}\n" for row in rows)
    found = shv.Corrections.read(written(tmp_path / "a.csv", f"id,label,status,comment\n{text}"))
    assert found["a"].comment == "not sharp; sharp"


def test_many_comments_on_one_photo_are_joined_at_once(tmp_path: Path) -> None:
    text = "".join(f"a,milk,,remark {row}\n" for row in range(50_000))
    path = written(tmp_path / "a.csv", f"id,label,status,comment\n{text}")
    began = time.process_time()
    assert shv.Corrections.read(path)["a"].comment.count("; ") == 49_999
    assert time.process_time() - began < 3


def test_the_answers_of_two_people_that_differ_name_both_files(tmp_path: Path) -> None:
    files = [
        written(tmp_path / name, f"id,label\na,{label}\n")
        for name, label in (("one.csv", "milk"), ("other.csv", "tea"))
    ]
    with refuses(DataError, "conflict", "path") as caught:
        shv.Corrections.read(files)
    assert "one.csv" in str(caught.value)
    assert "other.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("a,milk,maybe,", "not-an-option"),
        ("a,,corrected,", "conflict"),
        ("a,milk,unusable,", "conflict"),
        (",milk,corrected,", "empty"),
    ],
)
def test_a_row_that_cannot_be_used_names_its_line(tmp_path: Path, row: str, code: str) -> None:
    path = written(tmp_path / "bad.csv", f"id,label,status,comment\nz,tea,,\n{row}\n")
    with refuses(DataError, code, "path") as caught:
        shv.Corrections.read(path)
    assert "line 3" in str(caught.value)


def test_files_that_are_no_corrections_are_refused(tmp_path: Path) -> None:
    with refuses(DatasetNotFoundError, "not-found", "path"):
        shv.Corrections.read(tmp_path / "absent.csv")
    with refuses(DataError, "missing-column", "path"):
        shv.Corrections.read(written(tmp_path / "other.csv", "photo,class\na,b\n"))
    tasks = "id,label,annotation_id,lead_time\n1,milk,5,2.5\n"
    with refuses(DataError, "foreign-format", "path"):
        shv.Corrections.read(written(tmp_path / "label-studio.csv", tasks))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.csv")
        with refuses(DataError, "not-a-file", "path"):
            shv.Corrections.read(tmp_path / "fifo.csv")


def test_corrections_are_made_from_a_mapping() -> None:
    found = shv.Corrections({7: "milk", "b": Correction(status="unusable")})  # type: ignore[dict-item]
    assert found.labels == {"7": "milk"}
    assert pickle.loads(pickle.dumps(found)) == found
    assert shv.Corrections({}) == {}


@pytest.mark.parametrize(
    ("given", "code", "parameter"),
    [
        ("a,b", "wrong-type", "answers"),
        ({"a": 3}, "wrong-type", "answers"),
        ({"a": " "}, "conflict", "label"),
    ],
)
def test_what_is_no_mapping_of_labels_is_refused(given: object, code: str, parameter: str) -> None:
    with refuses(InvalidParameterError, code, parameter):
        shv.Corrections(given)  # type: ignore[arg-type]


def test_a_correction_checks_its_status() -> None:
    with refuses(InvalidParameterError, "not-an-option", "status"):
        Correction(label="milk", status="wrong")  # type: ignore[arg-type]
    with refuses(InvalidParameterError, "wrong-type", "label"):
        Correction(label=3)  # type: ignore[arg-type]
