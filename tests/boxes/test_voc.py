"""Boxes from PASCAL VOC XML, in any encoding that XML declares; attacks are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import DataError
from support import refuses

VOC = """<?xml version="1.0"?>
<annotation>
  <!-- written by hand -->
  <filename>b.jpg</filename>
  <size><width>100</width><height>50</height><depth>3</depth></size>
  <object><name>milk</name><part><bndbox><xmin>1</xmin></bndbox></part>
    <bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30.5</xmax><ymax>35</ymax></bndbox></object>
  <object><name> oat milk </name>
    <bndbox><ymax>4</ymax><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax></bndbox></object>
</annotation>
"""
LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><annotation>&i;</annotation>"
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "boxes.xml"
        path.write_bytes(text.encode(encoding, "surrogateescape"))
        return path

    return written


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_voc_gives_boxes_names_and_the_size_of_the_photo(write: Write, end: str) -> None:
    boxes = shv.Boxes.from_voc(write(VOC.replace("\n", end)))
    assert boxes.corners.tolist() == [[10, 5, 30.5, 35], [1, 2, 3, 4]]
    assert boxes.labels == ("milk", "oat milk")
    assert boxes.image_size == (50, 100)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16", None),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "utf-32"),
        ("utf-32-le", None),
        ("latin-1", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
        ("gb18030", "GB18030"),
    ],
)
def test_names_are_read_in_the_encoding_of_the_file(
    write: Write, encoding: str, declared: str | None
) -> None:
    head = '<?xml version="1.0"?>'
    text = VOC.replace("oat milk", "Käse").replace("milk", "Müsli")
    if declared is not None:
        text = text.replace(head, f'<?xml version="1.0" encoding="{declared}"?>')
    assert shv.Boxes.from_voc(write(text, encoding)).labels == ("Müsli", "Käse")


def test_a_name_may_hold_what_looks_like_a_declaration(write: Write) -> None:
    text = VOC.replace("oat milk", "<![CDATA[<!ENTITY> <!DOCTYPE>]]>")
    assert shv.Boxes.from_voc(write(text)).labels == ("milk", "<!ENTITY> <!DOCTYPE>")


def test_names_become_one_spelling(write: Write) -> None:
    text = VOC.replace("oat milk", "Ka\u0308se\u200b").replace("<name>milk</name>", "")
    assert shv.Boxes.from_voc(write(text)).labels == (None, "K\u00e4se")


def test_a_size_of_nought_is_not_known(write: Write) -> None:
    assert shv.Boxes.from_voc(write(VOC.replace(">100<", ">0<"))).image_size is None
    assert len(shv.Boxes.from_voc(write("<annotation/>"))) == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-xml"),
        ("<annotation>", "not-xml"),
        ("<annotation>&undeclared;</annotation>", "not-xml"),
        ("<annotation>\0</annotation>", "not-xml"),
        ("<html></html>", "foreign-format"),
        (LAUGHS, "document-type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "document-type"),
        ("<!DOCTYPE annotation><annotation/>", "document-type"),
        ("<a>" * 20 + "</a>" * 20, "too-deep"),
        ("<a>" * 300_000 + "</a>" * 300_000, "too-deep"),
        (VOC.replace("30.5", "NaN"), "wrong-type"),
        (VOC.replace("30.5", "inf"), "wrong-type"),
        (VOC.replace("30.5", "1e999"), "wrong-type"),
        (VOC.replace("30.5", "30,5"), "wrong-type"),
        (VOC.replace("30.5", "3_0"), "wrong-type"),
        (VOC.replace("30.5", "\u0663\u0660"), "wrong-type"),
        (VOC.replace("30.5", "9" * 5000), "wrong-type"),
        (VOC.replace("<xmax>30.5</xmax>", ""), "wrong-type"),
        (VOC.replace("bndbox", "robndbox"), "wrong-type"),
        (VOC.replace("30.5", "2"), "empty"),
        (VOC.replace("30.5", "-30"), "empty"),
        ("\udcff<annotation/>", "wrong-encoding"),
        ('<?xml version="1.0" encoding="base64"?><annotation/>', "wrong-encoding"),
        ('<?xml version="1.0" encoding="unicode_escape"?><annotation/>', "wrong-encoding"),
        ('<?xml version="1.0" encoding="none-such"?><annotation/>', "wrong-encoding"),
    ],
)
def test_voc_that_is_off_is_refused_in_one_sentence(write: Write, text: str, code: str) -> None:
    path = write(text)
    with refuses(DataError, code, "path") as caught:
        shv.Boxes.from_voc(path)
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_entities_are_refused_in_every_encoding(write: Write, encoding: str) -> None:
    with refuses(DataError, "document-type", "path"):
        shv.Boxes.from_voc(write(LAUGHS, encoding))


def test_a_bad_box_is_named_by_its_number(write: Write) -> None:
    with refuses(DataError, "wrong-type", "path") as caught:
        shv.Boxes.from_voc(write(VOC.replace("<xmin>1</xmin><ymin>", "<ymin>")))
    assert "object 1" in str(caught.value)


def test_more_objects_than_anyone_has_are_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.boxes.files._voc.MAX_BOXES", 1)
    with refuses(DataError, "too-large", "path"):
        shv.Boxes.from_voc(write(VOC))
