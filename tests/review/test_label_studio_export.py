"""`Corrections.read` on exports of Label Studio, in its formats JSON and JSON-MIN."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import shelfvision as shv
from shelfvision.errors import DataError
from support import refuses


def choice(name: str, control: str = "label") -> dict[str, Any]:
    return {
        "id": "Dx_aB91ISN",
        "type": "choices",
        "value": {"choices": [name]},
        "origin": "manual",
        "to_name": "image",
        "from_name": control,
    }


def annotation(*results: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return an annotation with the fields that Label Studio exports."""
    return {
        "id": 44,
        "completed_by": 1,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-03-09T22:16:08.728353Z",
        "updated_at": "2026-03-09T22:16:08.728378Z",
        "draft_created_at": None,
        "lead_time": 4.288,
        "prediction": {},
        "result_count": 1,
        "unique_id": "0c4e2d19-6ba8-4f7a-9f39-b2a9a9d9b6c5",
        "import_id": None,
        "last_action": None,
        "task": 1,
        "project": 83,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    } | fields


def task(photo: str, *annotations: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a task with the fields that Label Studio exports."""
    return {
        "id": 1,
        "annotations": list(annotations),
        "file_upload": "1a2b3c4d-tasks.json",
        "drafts": [],
        "predictions": [],
        "data": {"image": f"/data/local-files/?d=shop/{photo}", "photo_id": photo},
        "meta": {},
        "created_at": "2026-03-09T21:52:49.513742Z",
        "updated_at": "2026-03-09T22:16:08.746926Z",
        "inner_id": 1,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 83,
        "updated_by": 1,
        "comment_authors": [],
    } | fields


def read(folder: Path, tasks: object, **options: str) -> shv.Corrections:
    path = folder / "project-1-at-2026-11-29.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return shv.Corrections.read(path, **options)


def test_choices_are_labels(tmp_path: Path) -> None:
    predicted = {"id": 3, "score": 0.4, "result": [choice("milk")]}
    found = read(
        tmp_path,
        [
            task("a.jpg", annotation(choice("Käse")), predictions=[predicted]),
            task("b.jpg", annotation(choice("milk")), predictions=[predicted]),
            task("c.jpg", annotation(choice("milk")), predictions=[3]),
        ],
    )
    assert found.labels == {"a.jpg": "Käse", "b.jpg": "milk", "c.jpg": "milk"}
    assert [found[name].status for name in found] == ["corrected", "confirmed", "corrected"]


def test_the_status_counts_more_than_a_class_that_was_preselected(tmp_path: Path) -> None:
    remark = {"type": "textarea", "value": {"text": ["too dark"]}, "from_name": "comment"}
    found = read(
        tmp_path,
        [
            task("a.jpg", annotation(choice("milk"), choice("unusable", "status"), remark)),
            task("b.jpg", annotation(choice("other product", "status"))),
        ],
    )
    assert found.labels == {}
    assert found["a.jpg"].status == "unusable"
    assert found["a.jpg"].comment == "too dark"
    assert found["b.jpg"].status == "other product"


def test_skipped_and_empty_tasks_are_not_answers(tmp_path: Path) -> None:
    untouched = task("d.jpg")
    del untouched["annotations"]
    found = read(
        tmp_path,
        [
            task("a.jpg", annotation(choice("milk"), was_cancelled=True)),
            task("b.jpg", annotation()),
            task("c.jpg"),
            untouched,
            task("e.jpg", annotation(choice("milk"))),
        ],
    )
    assert found.labels == {"e.jpg": "milk"}


def test_annotators_who_disagree_are_a_conflict_that_names_them(tmp_path: Path) -> None:
    people = (
        annotation(choice("milk"), completed_by=7),
        annotation(choice("tea"), completed_by={"id": 8, "email": "ann@example.com"}),
    )
    with refuses(DataError, "conflict", "path") as caught:
        read(tmp_path, [task("a.jpg", *people)])
    assert "annotator 7" in str(caught.value)
    assert "ann@example.com" in str(caught.value)


def test_annotators_who_agree_are_one_answer(tmp_path: Path) -> None:
    people = (annotation(choice("milk"), completed_by=7), annotation(choice("milk")))
    assert read(tmp_path, [task("a.jpg", *people)]).labels == {"a.jpg": "milk"}


def test_ground_truth_decides(tmp_path: Path) -> None:
    people = (annotation(choice("milk")), annotation(choice("tea"), ground_truth=True))
    assert read(tmp_path, [task("a.jpg", *people)]).labels == {"a.jpg": "tea"}


@pytest.mark.parametrize(
    ("image", "photo"),
    [
        ("/data/local-files/?d=shop/new%20milk/1.jpg", "shop/new milk/1.jpg"),
        ("/data/upload/12/1a2b3c4d-milk.jpg", "milk.jpg"),
        ("/data/upload/1a2b3c4d-a%C3%A9.jpg", "aé.jpg"),
        ("https://shop.example/1.jpg?size=2", "https://shop.example/1.jpg?size=2"),
        ("s3://bucket/milk/1.jpg", "s3://bucket/milk/1.jpg"),
    ],
)
def test_the_photos_of_other_projects_have_the_ids_of_their_files(
    tmp_path: Path, image: str, photo: str
) -> None:
    one = task("x", annotation(choice("milk", "choice")), data={"image": image})
    assert read(tmp_path, [one]).labels == {photo: "milk"}


def test_one_of_several_controls_is_chosen_by_name(tmp_path: Path) -> None:
    both = annotation(choice("milk", "product"), choice("full", "level"))
    with refuses(DataError, "ambiguous", "control") as caught:
        read(tmp_path, [task("a.jpg", both)])
    assert "'product', 'level'" in str(caught.value)
    assert read(tmp_path, [task("a.jpg", both)], control="level").labels == {"a.jpg": "full"}


def test_rectangles_are_answers_for_the_boxes_that_were_written(tmp_path: Path) -> None:
    def box(number: str, name: str) -> dict[str, Any]:
        value = {"x": 1.5, "y": 2, "width": 30, "height": 40, "rotation": 0}
        return {
            "id": number,
            "type": "rectanglelabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": 600,
            "original_height": 400,
            "image_rotation": 0,
            "value": value | {"rectanglelabels": [name]},
        }

    shelf = task(
        "shelf.jpg",
        annotation(
            box("box-0", "milk"), box("box-2", "tea"), box("xY_92", "new"), box("box-5", "unusable")
        ),
        predictions=[{"result": [box("box-0", "milk"), box("box-2", "juice")]}],
    )
    found = read(tmp_path, [shelf])
    assert found.labels == {"shelf.jpg#0": "milk", "shelf.jpg#2": "tea"}
    assert found["shelf.jpg#0"].status == "confirmed"
    assert found["shelf.jpg#2"].status == "corrected"
    assert found["shelf.jpg#5"].status == "unusable"


def test_json_min_is_read(tmp_path: Path) -> None:
    record = {
        "image": "/data/local-files/?d=shop/a.jpg",
        "photo_id": "a.jpg",
        "id": 17,
        "label": "milk",
        "annotator": 1,
        "annotation_id": 9,
        "created_at": "2026-03-09T22:16:08.728353Z",
        "updated_at": "2026-03-09T22:16:08.728378Z",
        "lead_time": 4.288,
    }
    other = {**record, "photo_id": "b.jpg", "label": {"choices": ["tea"]}}
    status = {**record, "photo_id": "c.jpg", "status": "unusable", "comment": "dark"}
    found = read(tmp_path, [record, other, status])
    assert found.labels == {"a.jpg": "milk", "b.jpg": "tea"}
    assert (found["c.jpg"].status, found["c.jpg"].comment) == ("unusable", "dark")
    template = {key: value for key, value in record.items() if key != "label"} | {"choice": "tea"}
    assert read(tmp_path, [template]).labels == {"a.jpg": "tea"}


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        ([], "foreign-format"),
        ({"tasks": []}, "foreign-format"),
        ([3], "foreign-format"),
        ([{"images": []}], "foreign-format"),
        ([{"data": {}, "annotations": 3}], "foreign-format"),
        ([{"data": {}, "annotations": [annotation(choice("milk"))]}], "foreign-format"),
        (
            [{"data": {"image": "data:image/png;base64,AA"}, "annotations": [annotation()]}],
            "foreign-format",
        ),
    ],
)
def test_other_json_is_refused(tmp_path: Path, tasks: object, code: str) -> None:
    with refuses(DataError, code, "path"):
        read(tmp_path, tasks)


def test_two_classes_for_one_photo_are_refused(tmp_path: Path) -> None:
    two = choice("milk")
    two["value"]["choices"] = ["milk", "tea"]
    with refuses(DataError, "wrong-length", "path"):
        read(tmp_path, [task("a.jpg", annotation(two))])


def test_damaged_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text('[{"id": 1, "data": ')
    with refuses(DataError, "not-json", "path"):
        shv.Corrections.read(path)
