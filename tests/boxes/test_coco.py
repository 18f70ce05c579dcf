"""Boxes from COCO JSON: ids join exactly, a photo is found by its name or id, or it is refused."""

from __future__ import annotations

import json
import tracemalloc
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from support import refuses

COCO: dict[str, object] = {
    "images": [
        {"id": 4, "file_name": "store/a.jpg", "width": 640, "height": 480},
        {"id": 9, "file_name": "store/b.jpg", "width": 100, "height": 50},
    ],
    "categories": [{"id": 1, "name": "juice"}, {"id": 3, "name": "milk"}],
    "annotations": [
        {"id": 1, "image_id": 9, "category_id": 3, "bbox": [10, 5, 20.5, 30]},
        {"id": 2, "image_id": 4, "category_id": 1, "bbox": [0, 0, 640, 480]},
        {"id": 5, "image_id": 9, "bbox": [1, 2, 3, 4]},
    ],
}
Write = Callable[[object], Path]
Spelled = Callable[[int], object]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: object) -> Path:
        path = tmp_path / "boxes.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return written


def dataset(
    annotations: list[dict[str, object]] | None = None,
    *,
    images: object = ({"id": 7, "file_name": "a.jpg"},),
    categories: object = ({"id": 1, "name": "milk"},),
) -> dict[str, object]:
    """Return a dataset of one photo, or of what is given."""
    whole = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 1, 50, 50]}
    return {
        "images": images,
        "categories": categories,
        "annotations": [whole] if annotations is None else [whole | one for one in annotations],
    }


def read(content: object, image: object = None) -> shv.Boxes:
    return shv.Boxes.from_coco(content, image=image)  # type: ignore[arg-type]  # also wrong ones


# -- what a file says ----------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0)])
def test_coco_gives_the_boxes_of_one_photo_in_order(write: Write, order: tuple[int, ...]) -> None:
    items = list(COCO.items())
    content = {"info": {"year": 2026}} | dict(items[place] for place in order)
    for source in (content, write(content)):
        boxes = read(source, "store/b.jpg")
        assert boxes.corners.tolist() == [[10, 5, 30.5, 35], [1, 2, 4, 6]]
        assert boxes.labels == ("milk", None)
        assert boxes.scores is None
        assert boxes.image_size == (50, 100)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_coco_is_read_in_every_encoding_of_json(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "boxes.json"
    content = dataset(categories=[{"id": 1, "name": "Käse 茶 🧀"}])
    path.write_bytes(json.dumps(content, ensure_ascii=False, indent=1).encode(encoding))
    assert read(path).labels == ("Käse 茶 🧀",)


def test_a_photo_need_not_be_named_where_there_is_only_one() -> None:
    assert len(read(dataset())) == 1


def test_a_photo_without_annotations_has_no_boxes() -> None:
    assert len(read(dataset([]))) == 0
    assert len(read({"images": [], "annotations": []})) == 0


def test_detections_in_coco_results_bring_their_scores(write: Write) -> None:
    results = [
        {"image_id": 7, "category_id": 1, "bbox": [10, 20, 50, 70], "score": 0.75},
        {"image_id": 8, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5},
    ]
    for source in (results, write(results), {"annotations": results}):
        for image in (7, "7", 7.0, np.int64(7)):
            boxes = read(source, image)
            assert boxes.corners.tolist() == [[10, 20, 60, 90]]
            assert boxes.labels == (None,)
            assert boxes.scores is not None
            assert boxes.scores.tolist() == [0.75]
    assert read(write(results[:1])).corners.tolist() == [[10, 20, 60, 90]]
    assert len(read([])) == 0


def test_the_box_of_a_crowd_or_a_mask_is_its_bbox() -> None:
    rle = {"counts": "PP`0", "size": [100, 100]}
    crowd = {"iscrowd": 1, "segmentation": rle, "area": 3, "attributes": {"occluded": True}}
    polygon = {"segmentation": [[1, 1, 9, 1, 9, 9]], "keypoints": [1, 2, 2], "num_keypoints": 1}
    assert read(dataset([crowd, polygon])).corners.tolist() == [[1, 1, 51, 51]] * 2


# Roboflow lists its group of categories as one more, with the name of another.
def test_two_categories_may_have_one_name() -> None:
    twice = [{"id": 0, "name": "milk", "supercategory": "none"}, {"id": 1, "name": "milk"}]
    assert read(dataset(categories=twice)).labels == ("milk",)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        (4006381333931, "4006381333931"),
        (4006381333931.0, "4006381333931"),
        (0, "0"),
        ("0401", "0401"),
        (" Milk ", "Milk"),
        ("Ka\u0308se", "K\u00e4se"),
    ],
)
def test_names_of_categories_become_text_in_one_spelling(name: object, label: str) -> None:
    assert read(dataset(categories=[{"id": 1, "name": name}])).labels == (label,)


# -- ids -----------------------------------------------------------------------------------

SPELLINGS: list[Spelled] = [int, str, float, np.int64, np.float64]


@given(
    st.tuples(*[st.sampled_from(SPELLINGS)] * 5),
    st.lists(st.integers(0, 2**40), min_size=3, max_size=3, unique=True),
)
def test_numbers_and_their_text_are_one_id(ways: tuple[Spelled, ...], ids: list[int]) -> None:
    photo, other, kind = ids
    content = dataset(
        [
            {"image_id": ways[0](photo), "category_id": ways[1](kind)},
            {"image_id": str(other), "category_id": None},
        ],
        images=[{"id": ways[2](other), "file_name": "b"}, {"id": ways[3](photo), "file_name": "a"}],
        categories=[{"id": ways[4](kind), "name": "milk"}],
    )
    boxes = read(content, ways[2](photo))
    assert len(boxes) == 1
    assert boxes.labels == ("milk",)


@pytest.mark.parametrize(
    ("one", "other"), [("007", 7), ("7.0", 7), ("a", "A"), ("7 ", "7"), ("-7", 7)]
)
def test_other_ids_do_not_join(one: object, other: object) -> None:
    images = [{"id": one, "file_name": "a.jpg"}]
    with refuses(DataError, "unknown-id", "source"):
        read(dataset([{"image_id": other}], images=images))
    assert len(read(dataset([{"image_id": one}], images=images))) == 1


@pytest.mark.parametrize(
    ("content", "code", "facts"),
    [
        (dataset([{}, {"id": 5, "image_id": 8}]), "unknown-id", ["annotation 5", "'8'"]),
        (dataset([{"id": 5, "category_id": 8}]), "unknown-id", ["annotation 5", "'8'"]),
        (dataset(images=[]), "unknown-id", ["annotation 1", "'7'"]),
        (dataset(categories=[]), "unknown-id", ["annotation 1", "'1'"]),
        (
            dataset(images=[{"id": 7, "file_name": "a"}, {"id": "7", "file_name": "b"}]),
            "duplicate",
            ["'a'", "'b'", "'7'"],
        ),
        (
            dataset(images=[{"id": 7, "file_name": "a"}, {"id": 7.0, "file_name": "a"}]),
            "duplicate",
            ["'a'", "'7'"],
        ),
        (
            dataset(categories=[{"id": 1, "name": "milk"}, {"id": "1", "name": "tea"}]),
            "duplicate",
            ["'milk'", "'tea'", "'1'"],
        ),
        (
            dataset([{"id": 5, "image_id": None}]),
            "wrong-type",
            ["annotation 5", "image_id", "None"],
        ),
        (dataset([{"id": 5, "image_id": True}]), "wrong-type", ["annotation 5", "True"]),
        (dataset([{"id": 5, "image_id": 7.5}]), "wrong-type", ["annotation 5", "7.5"]),
        (dataset([{"id": 5, "image_id": 2.0**60}]), "lost-digits", ["annotation 5"]),
        (dataset([{"id": 5, "category_id": [1]}]), "wrong-type", ["annotation 5", "[1]"]),
        (dataset(images=[{"file_name": "a.jpg"}]), "wrong-type", ["'a.jpg'", "None"]),
        (dataset(categories=[{"id": 1}]), "wrong-type", ["category '1'", "None"]),
        (dataset(categories=[{"id": 1, "name": " "}]), "wrong-type", ["category '1'"]),
        (dataset(categories=[{"id": 1, "name": True}]), "wrong-type", ["category '1'", "True"]),
        (dataset(categories=[{"id": 1, "name": "\ud800"}]), "wrong-type", ["category '1'"]),
        ({"images": [], "categories": []}, "foreign-format", ["annotations"]),
        ({}, "foreign-format", ["annotations"]),
        ([{"id": 1, "data": {"image": "/data/upload/1/a.jpg"}}], "wrong-type", ["image_id"]),
    ],
)
def test_what_does_not_join_is_named(
    write: Write, content: object, code: str, facts: list[str]
) -> None:
    sources = [content] if "\\ud800" in json.dumps(content) else [content, write(content)]
    for source in sources:
        with refuses(DataError, code, "source") as caught:
            read(source)
        for fact in facts:
            assert fact in str(caught.value)


def test_a_reference_of_another_photo_is_checked_too() -> None:
    images = [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}]
    with refuses(DataError, "unknown-id", "source"):
        read(dataset([{}, {"id": 2, "image_id": 8, "category_id": 9}], images=images), "a.jpg")


def test_a_file_without_a_list_of_categories_describes_none() -> None:
    content = {key: value for key, value in dataset().items() if key != "categories"}
    assert read(content).labels == (None,)


# -- which photo ---------------------------------------------------------------------------


def photos(*names: str) -> dict[str, object]:
    """Return a dataset in which the box of the photo number n begins at n."""
    images = [{"id": 100 + n, "file_name": name} for n, name in enumerate(names)]
    boxes = [{"image_id": 100 + n, "bbox": [n, 0, 9, 9]} for n in range(len(names))]
    return dataset(boxes, images=images)


NFD = unicodedata.normalize("NFD", "käse/é.jpg")


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("shop_a/IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", Path("shop_a/IMG_1.jpg")),
        ("shop_a/IMG_1.jpg", Path("shop_a") / "x" / ".." / "IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "shop_a\\IMG_1.jpg"),
        ("shop_a\\IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("C:\\photos\\shop_a\\IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("./shop_a//IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "./shop_a/IMG_1.jpg"),
        ("../shop_a/IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "/home/me/shop_a/IMG_1.jpg"),
        ("/mnt/photos/shop_a/IMG_1.jpg", "shop_a/IMG_1.jpg"),
        ("IMG_1.jpg", "/home/me/shop_a/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", Path("IMG_1.jpg")),
        ("/data/upload/1/abc-IMG_1.jpg", "abc-IMG_1.jpg"),
        ("/data/upload/1/abc-IMG_1.jpg", "upload/1/abc-IMG_1.jpg"),
        ("/data/upload/1/3f2a9c1e-IMG_1.jpg", "IMG_1.jpg"),
        ("images\\1\\3f2a9c1e-IMG_1.jpg", "IMG_1.jpg"),
        ("/data/local-files/?d=shop_a/IMG%201.jpg", "shop_a/IMG 1.jpg"),
        ("https://cdn.example/shop_a/IMG%201.jpg?sig=x/y", "shop_a/IMG 1.jpg"),
        ("s3://bucket/shop_a/IMG_1.jpg", "/home/me/bucket/shop_a/IMG_1.jpg"),
        ("käse/é.jpg", NFD),
        (NFD, "käse/é.jpg"),
        ("a 100%.jpg", "a 100%.jpg"),
        (" a.jpg", " a.jpg"),
    ],
)
def test_a_photo_is_found_by_its_name(write: Write, listed: str, asked: object) -> None:
    content = photos("other.jpg", listed, "shop_b/other.jpg")
    for source in (content, write(content)):
        assert read(source, asked).corners[0, 0] == 1


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("shop_a/IMG_1.jpg", "shop_b/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", Path("shop_b/IMG_1.jpg")),
        ("shop_a/IMG_1.jpg", "shop_b\\IMG_1.jpg"),
        ("shop_a\\IMG_1.jpg", "C:\\photos\\shop_b\\IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "./shop_b/./IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "shop_a/../shop_b/IMG_1.jpg"),
        ("/mnt/shop_a/IMG_1.jpg", "/home/me/shop_a/IMG_1.jpg"),
        ("/data/upload/1/3f2a9c1e-IMG_1.jpg", "shop_b/IMG_1.jpg"),
        ("/data/upload/1/3f2a9c1e-IMG_1.jpg", "/data/upload/2/3f2a9c1e-IMG_1.jpg"),
        ("https://cdn.example/shop_a/IMG_1.jpg", "https://cdn.example/shop_b/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "_a/IMG_1.jpg"),
        ("shop_a/IMG_1.jpg", "MG_1.jpg"),
        ("shop_a/IMG_1.jpg", "IMG_1.JPG"),
        ("shop_a/IMG_1.jpg", "shop_a"),
        ("shop_a/IMG_1.jpg", ""),
        ("shop_a/IMG_1.jpg", "/"),
        ("shop_a/IMG_1.jpg", ".."),
    ],
)
def test_another_folder_or_name_is_never_taken(listed: str, asked: object) -> None:
    with refuses(DataError, "unknown-name", "image") as caught:
        read(photos(listed), asked)
    assert repr(listed) in str(caught.value)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        (("shop_a/IMG_1.jpg", "shop_b/IMG_1.jpg"), "IMG_1.jpg"),
        (("x/a/IMG_1.jpg", "y/a/IMG_1.jpg"), "a/IMG_1.jpg"),
        (("a/IMG_1.jpg", "IMG_1.jpg"), "/home/me/a/IMG_1.jpg"),
        (("shop_a/IMG_1.jpg", "IMG_1.jpg"), "shop_b/IMG_1.jpg"),
        (("u/3f2a9c1e-IMG_1.jpg", "u/4f2a9c1e-IMG_1.jpg"), "IMG_1.jpg"),
        (("a.jpg", "./a.jpg"), "x/../a.jpg"),
        (("a.jpg", "a.jpg"), "a.jpg"),
        (("a.jpg?v=1", "a.jpg?v=1"), "a.jpg?v=1"),
    ],
)
def test_a_name_that_may_mean_several_photos_is_refused(
    listed: tuple[str, ...], asked: str
) -> None:
    with refuses(DataError, "ambiguous", "image"):
        read(photos(*listed), asked)


def test_the_whole_name_wins_over_its_end() -> None:
    content = photos("IMG_1.jpg", "shop_a/IMG_1.jpg")
    assert read(content, "IMG_1.jpg").corners[0, 0] == 0
    assert read(content, "shop_a/IMG_1.jpg").corners[0, 0] == 1


@pytest.mark.parametrize("image", [True, 7.5, float("nan"), [7], {}, b"a.jpg", 2.0**60, object()])
def test_what_is_no_name_and_no_id_is_refused(image: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "image"):
        read(COCO, image)


@pytest.mark.parametrize(
    ("content", "image", "code"),
    [
        (COCO, None, "ambiguous"),
        (COCO, 1, "unknown-id"),
        (COCO, "4x", "unknown-name"),
        (COCO, Path("4"), "unknown-name"),
        (dataset([], images=[]), "a.jpg", "unknown-name"),
        ([{"image_id": n, "bbox": [0, 0, 1, 1]} for n in (1, 2)], None, "ambiguous"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1]}], "a.jpg", "unknown-id"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1]}], 2, "unknown-id"),
        ([], 2, "unknown-id"),
    ],
)
def test_a_photo_that_is_not_there_is_refused(
    write: Write, content: object, image: object, code: str
) -> None:
    for source in (content, write(content)):
        with refuses(DataError, code, "image"):
            read(source, image)


@pytest.mark.remedy("ambiguous", "unknown-name", "unknown-id")
def test_names_and_ids_that_the_error_lists_choose_a_photo() -> None:
    content = photos("shop_a/IMG_1.jpg", "shop_b/IMG_1.jpg")
    with refuses(DataError, "ambiguous", "image") as caught:
        read(content, "IMG_1.jpg")
    assert "'shop_b/IMG_1.jpg'" in str(caught.value)
    assert read(content, "shop_b/IMG_1.jpg").corners[0, 0] == 1
    with refuses(DataError, "unknown-name", "image") as caught:
        read(content, "shop_b/img_1.jpg")
    assert "one of 'shop_b/IMG_1.jpg'" in str(caught.value)
    twins = photos("a.jpg", "a.jpg")
    with refuses(DataError, "ambiguous", "image") as caught:
        read(twins, "a.jpg")
    assert "'101'" in str(caught.value)
    assert read(twins, "101").corners[0, 0] == 1
    with refuses(DataError, "unknown-id", "image") as caught:
        read([{"image_id": 1, "bbox": [0, 0, 1, 1]}], 2)
    assert "'1'" in str(caught.value)
    assert len(read([{"image_id": 1, "bbox": [0, 0, 1, 1]}], "1")) == 1


@pytest.mark.remedy("ambiguous")
def test_a_name_that_is_another_photos_id_is_asked_for_by_path_or_number() -> None:
    images = [{"id": 1, "file_name": "2"}, {"id": 2, "file_name": "1"}]
    content = dataset([{"image_id": 1}, {"image_id": 2, "bbox": [2, 2, 2, 2]}], images=images)
    with refuses(DataError, "ambiguous", "image"):
        read(content, "2")
    assert read(content, Path("2")).corners[0, 0] == 1
    assert read(content, 2).corners[0, 0] == 2


# -- values that are off -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ([0, 0, 1], "wrong-length"),
        ([0, 0, 1, 1, 1], "wrong-length"),
        ([], "wrong-length"),
        (None, "wrong-type"),
        ("0000", "wrong-type"),
        ({"x": 1}, "wrong-type"),
        (["1", "1", "5", "5"], "wrong-type"),
        ([0, 0, True, 1], "wrong-type"),
        ([0, 0, None, 1], "wrong-type"),
        ([0, 0, [1], 1], "wrong-type"),
        ([0, 0, 0, 1], "empty"),
        ([0, 0, -5, 1], "empty"),
        ([0, 0, 1, -1e-9], "empty"),
        ([999_999, 0, 1e-12, 1], "empty"),
        ([0, 0, 10**400, 1], "not-in-range"),
        ([0, 0, 1e7, 1], "not-in-range"),
        ([9e5, 0, 9e5, 1], "not-in-range"),
        ([0, 0, float("nan"), 1], "not-finite"),
        ([0, 0, 1, float("inf")], "not-finite"),
        ([0, float("-inf"), 1, 1], "not-finite"),
    ],
)
def test_a_box_that_is_none_is_named_with_its_annotation(box: object, code: str) -> None:
    with refuses(DataError, code, "source") as caught:
        read(dataset([{}, {"id": 5, "bbox": box}]))
    assert "annotation 5" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("score", [2, -0.1, "high", True, float("nan"), [1]])
def test_a_score_that_is_none_is_named_with_its_annotation(score: object) -> None:
    with refuses(DataError, "not-in-range", "source") as caught:
        read(dataset([{"id": 5, "score": score}]))
    assert "annotation 5" in str(caught.value)


def test_an_annotation_without_an_id_is_named_by_its_position() -> None:
    with refuses(DataError, "wrong-length", "source") as caught:
        read(dataset([{}, {"id": None, "bbox": [1]}]))
    assert "position 2" in str(caught.value)


@pytest.mark.parametrize(
    ("sides", "known"),
    [((100, 50), True), ((100.0, 50.0), True), ((0, 0), False), ((None, 50), False)],
)
def test_the_size_of_a_photo_may_be_missing(sides: tuple[object, object], known: bool) -> None:
    images = [{"id": 7, "file_name": "a.jpg", "width": sides[0], "height": sides[1]}]
    assert read(dataset(images=images)).image_size == ((50, 100) if known else None)


@pytest.mark.parametrize("side", [-1, 1.5, "100", True, float("nan"), 10**6, [5]])
def test_a_size_that_is_none_is_named_with_its_photo(side: object) -> None:
    images = [{"id": 7, "file_name": "a.jpg", "width": side, "height": 50}]
    with refuses(DataError, "not-in-range", "source") as caught:
        read(dataset(images=images))
    assert "'a.jpg'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("{", "not-json"),
        ("7", "wrong-type"),
        ('"text"', "wrong-type"),
        ('{"images": 3}', "wrong-type"),
        ('{"annotations": [3]}', "wrong-type"),
        ('{"annotations": [], "annotations": []}', "duplicate"),
        ('{"annotations": [{"image_id": 7, "bbox": [0, 0, NaN, 1]}]}', "not-finite"),
        ('{"annotations": [{"image_id": 7, "bbox": [0, 0, 1e999, 1]}]}', "not-finite"),
        ('{"annotations": [{"image_id": ' + "9" * 5000 + "}]}", "too-large"),
        ("[" * 70 + "]" * 70, "wrong-type"),
        ("[" * 200_000 + "]" * 200_000, "too-deep"),
        ("[[],[],[]]", "wrong-type"),
        ("9" * 5000, "wrong-type"),
        ('{"info": "\udcff"}', "wrong-encoding"),
    ],
)
def test_a_file_that_is_off_is_refused_in_one_sentence(write: Write, text: str, code: str) -> None:
    path = write(text)
    with refuses(DataError, code, "source") as caught:
        read(path, 9)
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [7, 7.5, None, {"annotations": 3}, {"images": {}}, {1, 2}])
def test_what_is_no_content_is_refused(content: object) -> None:
    with refuses(DataError, "wrong-type", "source"):
        read(content)


def test_more_boxes_photos_or_categories_than_anyone_has_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [{"id": n, "file_name": f"{n}"} for n in range(5)]
    kinds = [{"id": n, "name": f"{n}"} for n in range(5)]
    boxes: list[dict[str, object]] = [{"image_id": n, "category_id": n} for n in range(5)]
    whole = dataset(boxes, images=many, categories=kinds)
    assert len(read(whole, 3)) == 1
    for limit in ("_MAX_PHOTOS", "_MAX_CATEGORIES"):
        with monkeypatch.context() as patch:
            patch.setattr(f"shelfvision.boxes.files._coco.annotations.{limit}", 4)
            for content in (whole, {"annotations": whole["annotations"]}):
                with refuses(DataError, "too-large", "source"):
                    read(content, 3)
    monkeypatch.setattr("shelfvision.boxes.files._coco.annotations.MAX_BOXES", 2)
    with refuses(DataError, "too-large", "source"):
        read(dataset([{}, {}, {}]))


def test_memory_is_taken_by_the_boxes_of_one_photo(write: Write) -> None:
    others = [{"id": n, "image_id": n % 50, "segmentation": [[0.5] * 40]} for n in range(4000)]
    images = [{"id": n, "file_name": f"{n}.jpg"} for n in range(50)]
    path = write(dataset(others, images=images))
    size = path.stat().st_size
    assert size > 1_000_000
    tracemalloc.start()
    assert len(read(path, "7.jpg")) == 80
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 2
