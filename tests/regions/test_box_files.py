"""Boxes from files: what each format says is read exactly, and whatever is off is one sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import shelfvision as sv
from shelfvision.errors import DataError, DatasetNotFoundError

COCO: dict[str, object] = {
    "images": [
        {"id": 4, "file_name": "store/a.jpg", "width": 640, "height": 480},
        {"id": 9, "file_name": "store/b.jpg", "width": 100, "height": 50},
    ],
    "categories": [{"id": 1, "name": "juice"}, {"id": 3, "name": "milk"}],
    "annotations": [
        {"id": 1, "image_id": 9, "category_id": 3, "bbox": [10, 5, 20.5, 30]},
        {"id": 2, "image_id": 4, "category_id": 1, "bbox": [0, 0, 640, 480]},
        {"id": 5, "image_id": 9, "category_id": 8, "bbox": [1, 2, 3, 4]},
    ],
}
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
YOLO = "1 0.5 0.5 0.25 0.5\n\n0 0.125 0.25 0.25 0.5\r\n"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "boxes.txt"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return written


def sentence(error: Exception) -> str:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 500
    return text


def test_coco_gives_the_boxes_of_one_photo_in_order(write: Write) -> None:
    for source in (COCO, write(json.dumps(COCO))):
        boxes = sv.Boxes.from_coco(source, image="store/b.jpg")
        assert boxes.corners.tolist() == [[10, 5, 30.5, 35], [1, 2, 4, 6]]
        assert boxes.labels == ("milk", None)
        assert boxes.scores is None
        assert boxes.image_size == (50, 100)


def test_a_photo_is_found_by_id_and_by_its_name_without_folders() -> None:
    for image in (9, "b.jpg", "elsewhere/b.jpg"):
        assert len(sv.Boxes.from_coco(COCO, image=image)) == 2


def test_a_photo_need_not_be_named_where_there_is_only_one() -> None:
    one = {**COCO, "images": COCO["images"][:1]}  # type: ignore[index]
    assert len(sv.Boxes.from_coco(one)) == 1


def test_detections_in_coco_results_bring_their_scores(write: Write) -> None:
    results = [
        {"image_id": 7, "category_id": 1, "bbox": [10, 20, 50, 70], "score": 0.75},
        {"image_id": 8, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5},
    ]
    boxes = sv.Boxes.from_coco(write(json.dumps(results)), image=7)
    assert boxes.corners.tolist() == [[10, 20, 60, 90]]
    assert boxes.scores is not None
    assert boxes.scores.tolist() == [0.75]
    assert len(sv.Boxes.from_coco([])) == 0


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (None, r"has 2 photos, 'store/a.jpg', 'store/b.jpg'; say which with image="),
        ("c.jpg", r"has no photo 'c.jpg'; image= takes one of 'store/a.jpg', 'store/b.jpg'"),
        (1, r"has no photo 1"),
        (True, r"has no photo True"),
    ],
)
def test_a_photo_that_coco_does_not_know_is_told(image: str | int | None, told: str) -> None:
    with pytest.raises(DataError, match=re.escape(told)) as caught:
        sv.Boxes.from_coco(COCO, image=image)
    sentence(caught.value)


def test_results_of_several_photos_ask_which_one() -> None:
    results = [{"image_id": n, "bbox": [0, 0, 1, 1]} for n in (1, 2)]
    with pytest.raises(DataError, match="boxes of 2 photos, with the ids '1', '2'; say which"):
        sv.Boxes.from_coco(results)
    with pytest.raises(DataError, match=r"no box of a photo 'a\.jpg'; it names no files"):
        sv.Boxes.from_coco(results, image="a.jpg")


def with_box(box: object, **more: object) -> str:
    one = {"id": 1, "image_id": 9, "bbox": box, **more}
    return json.dumps({**COCO, "annotations": [one]})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is not such JSON"),
        ("{", "it is not such JSON"),
        ("7", "it holds 7, not images and annotations"),
        ('"text"', "it holds 'text', not images and annotations"),
        ('{"images": 3}', "3 stands where a list of entries should"),
        ('{"annotations": [3]}', "[3] stands where a list of entries should"),
        (with_box([0, 0, 1]), "the bbox of annotation 1 is [0, 0, 1], not four numbers"),
        (with_box(None), "the bbox of annotation 1 is None, not four numbers"),
        (with_box("0000"), "the bbox of annotation 1 is '0000', not four numbers"),
        (with_box([0, 0, True, 1]), "the bbox of annotation 1 is [0, 0, True, 1], not four"),
        (with_box([0, 0, 0, 1]), "the bbox of annotation 1, [0, 0, 0, 1], has no area"),
        (with_box([0, 0, -5, 1]), "the bbox of annotation 1, [0, 0, -5, 1], has no area"),
        (with_box([0, 0, 10**400, 1]), "not four numbers"),
        (with_box([0, 0, 1e7, 1]), "not four numbers"),
        (with_box([0, 0, 1, 1]).replace("[0, 0, 1, 1]", "[0, 0, NaN, 1]"), "NaN is no number"),
        (with_box([0, 0, 1, 1]).replace("[0, 0, 1, 1]", "[0, 0, 1e999, 1]"), "'1e999' is too lar"),
        (with_box([0, 0, 1, 1], score=2), "the score of annotation 1 is 2, not from 0 to 1"),
        (with_box([0, 0, 1, 1], score="high"), "the score of annotation 1 is 'high', not from"),
        ("[" * 70 + "]" * 70, "it is nested more than 64 deep"),
        ("[" * 200_000 + "]" * 200_000, "it is nested more than 64 deep"),
        ("9" * 5000, "it is not such JSON"),
        ("\udcff\udcfe[]", "it is not text in UTF-8"),
    ],
)  # fmt: skip
def test_coco_that_is_off_is_told_in_one_sentence(write: Write, text: str, told: str) -> None:
    path = write(text)
    with pytest.raises(DataError) as caught:
        sv.Boxes.from_coco(path, image=9)
    found = sentence(caught.value)
    assert told in found
    assert repr(str(path)) in found


def test_voc_gives_boxes_names_and_the_size_of_the_photo(write: Write) -> None:
    for text in (VOC, "\ufeff" + VOC):
        boxes = sv.Boxes.from_voc(write(text))
        assert boxes.corners.tolist() == [[10, 5, 30.5, 35], [1, 2, 3, 4]]
        assert boxes.labels == ("milk", "oat milk")
        assert boxes.image_size == (50, 100)


def test_voc_with_a_size_of_nought_does_not_know_the_size(write: Write) -> None:
    boxes = sv.Boxes.from_voc(write(VOC.replace(">100<", ">0<")))
    assert boxes.image_size is None
    assert len(sv.Boxes.from_voc(write("<annotation/>"))) == 0


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><annotation>&i;</annotation>"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is not such XML"),
        ("<annotation>", "it is not such XML"),
        ("<html></html>", "its outermost element is 'html', not 'annotation'"),
        (LAUGHS, "it declares a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "it declares a document type"),
        ("<annotation>&undeclared;</annotation>", "it is not such XML"),
        ("<a>" * 20 + "</a>" * 20, "it is nested more than 16 deep"),
        ("<a>" * 300_000 + "</a>" * 300_000, "it is nested more than 16 deep"),
        (VOC.replace("30.5", "NaN"), "the bndbox of object 0 has xmin, ymin, xmax, ymax of"),
        (VOC.replace("30.5", "1e999"), "not four numbers"),
        (VOC.replace("30.5", "9" * 5000), "not four numbers"),
        (VOC.replace("<xmax>30.5</xmax>", ""), "not four numbers"),
        (VOC.replace("30.5", "2"), "the bndbox of object 0, [10.0, 5.0, 2.0, 35.0], has no area"),
        (VOC.replace("30.5", "-30"), "has no area"),
        ("\udcff<annotation/>", "it is not text in UTF-8"),
    ],
)
def test_voc_that_is_off_is_told_in_one_sentence(write: Write, text: str, told: str) -> None:
    path = write(text)
    with pytest.raises(DataError) as caught:
        sv.Boxes.from_voc(path)
    found = sentence(caught.value)
    assert told in found
    assert repr(str(path)) in found


def test_entities_in_another_encoding_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "boxes.xml"
    path.write_bytes(LAUGHS.encode("utf-16"))
    with pytest.raises(DataError, match="it is not text in UTF-8"):
        sv.Boxes.from_voc(path)


def test_yolo_gives_boxes_relative_to_the_photo(write: Write) -> None:
    boxes = sv.Boxes.from_yolo(write(YOLO), class_names=["juice", "milk"])
    assert boxes.relative
    assert boxes.labels == ("milk", "juice")
    assert boxes.in_pixels((80, 160)).corners.tolist() == [[60, 20, 100, 60], [0, 0, 40, 40]]
    assert sv.Boxes.from_yolo(write(YOLO)).labels == ("1", "0")


def test_yolo_scores_are_kept_where_every_line_has_one(write: Write) -> None:
    boxes = sv.Boxes.from_yolo(write("0 0.5 0.5 1 1 0.75\n0 0.5 0.5 0.5 0.5 0.5"))
    assert boxes.scores is not None
    assert boxes.scores.tolist() == [0.75, 0.5]
    assert sv.Boxes.from_yolo(write("0 0.5 0.5 1 1 0.75\n0 0.5 0.5 0.5 0.5")).scores is None
    assert len(sv.Boxes.from_yolo(write("\n"))) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0 0.5 0.5 0.25", "line 1 is '0 0.5 0.5 0.25', not the number of a class and four"),
        ("0 0.5 0.5 0.25 0.5\n0 a 0.5 0.25 0.5", "line 2 is '0 a 0.5 0.25 0.5', not"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", "not the number of a class and four numbers"),
        ("0 nan 0.5 0.25 0.5", "not the number of a class and four numbers"),
        ("0 1e999 0.5 0.25 0.5", "not the number of a class and four numbers"),
        (f"0 0.5 0.5 0.25 {'9' * 5000}", "not the number of a class and four numbers"),
        ("0 50 50 25 25", "line 1 has the box ['50', '50', '25', '25'], which are not shares"),
        ("0 0.5 0.5 -0.25 0.5", "which are not shares of the photo's width and height"),
        ("0 0.5 0.5 0 0.5", "which are not shares of the photo's width and height"),
        ("0.5 0.5 0.5 0.25 0.5", "line 1 has the class 0.5, not one of 2 class_names"),
        ("2 0.5 0.5 0.25 0.5", "line 1 has the class 2, not one of 2 class_names"),
        ("-1 0.5 0.5 0.25 0.5", "line 1 has the class -1, not one of 2 class_names"),
        ("0 0.5 0.5 0.25 0.5 1.5", "line 1 has the score 1.5, not one from 0 to 1"),
        ("\udcff\udcfe", "it is not text in UTF-8"),
    ],
)
def test_yolo_that_is_off_is_told_in_one_sentence(write: Write, text: str, told: str) -> None:
    path = write(text)
    with pytest.raises(DataError) as caught:
        sv.Boxes.from_yolo(path, class_names=["juice", "milk"])
    found = sentence(caught.value)
    assert told in found
    assert repr(str(path)) in found


READERS = (sv.Boxes.from_coco, sv.Boxes.from_voc, sv.Boxes.from_yolo)


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_is_not_there_is_told(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match=r"there is no .* file .*nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("read", READERS)
def test_a_huge_file_is_refused_unread(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match=r"it has more than [0-9,]+ bytes"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_regular_file_is_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(DataError):
            read(path)
