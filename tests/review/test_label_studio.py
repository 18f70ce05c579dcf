"""Label Studio tasks of predictions, and the way back."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, PhotoError
from shelfvision.review.label_studio import image_source, photo_config
from support import refuses

NAMES = ['<b>&"milk"', "käse 茶", "tea"]


def photos_in(folder: Path, *names: str) -> list[Path]:
    paths = []
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((40, 30, 3), 20 * number, dtype=np.uint8)
        PillowImage.fromarray(pixels).save(path)
        paths.append(path)
    return paths


def predicted(ids: list[str]) -> shv.Predictions:
    shares = np.full((len(ids), 3), 0.2)
    shares[np.arange(len(ids)), np.arange(len(ids)) % 3] = 0.6
    return shv.Predictions(shares, NAMES, ids)


def annotated(task: dict[str, Any], **changed: str) -> dict[str, Any]:
    """Return a task as a person leaves it who submits the pre-annotations, some of them changed."""
    results = json.loads(json.dumps(task["predictions"][0]["result"]))
    for result in results:
        kind = result["type"]
        result["origin"] = "prediction"
        result["value"][kind] = [changed.get(result["id"], result["value"][kind][0])]
    annotation = {"id": 1, "completed_by": 1, "result": results, "was_cancelled": False}
    return {"id": 1, **task, "annotations": [annotation]}


def test_a_task_has_the_photo_and_the_predicted_class(tmp_path: Path) -> None:
    paths = photos_in(tmp_path / "shop", "a milk.jpg", "#b&ä.jpg")
    found = predicted([str(path) for path in paths])
    found.save_label_studio(tmp_path / "tasks.json", paths, root=tmp_path / "shop")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["image"] for task in tasks] == [
        "/data/local-files/?d=a%20milk.jpg",
        "/data/local-files/?d=%23b%26%C3%A4.jpg",
    ]
    assert [task["data"]["photo_id"] for task in tasks] == found.ids.tolist()
    prediction = tasks[1]["predictions"][0]
    assert prediction["score"] == pytest.approx(0.6)
    assert prediction["model_version"] == "shelfvision"
    (result,) = prediction["result"]
    assert (result["type"], result["from_name"], result["to_name"]) == ("choices", "label", "image")
    assert result["value"] == {"choices": ["käse 茶"]}


def test_the_configuration_fits_the_tasks(tmp_path: Path) -> None:
    config = predicted(["http://shop/1.jpg"]).save_label_studio(
        tmp_path / "tasks.json", ["http://shop/1.jpg"]
    )
    view = ET.fromstring(config)
    assert [
        choice.get("value") for choice in view.iterfind("Choices[@name='label']/Choice")
    ] == NAMES
    image = view.find("Image")
    assert image is not None
    assert (image.get("name"), image.get("value")) == ("image", "$image")
    assert all(one.get("toName") == "image" for one in view.iterfind("Choices"))
    status = [one.get("value") for one in view.iterfind("Choices[@name='status']/Choice")]
    assert status == ["other product", "unusable"]


def test_a_project_gives_corrections_back(tmp_path: Path) -> None:
    paths = photos_in(tmp_path, "a.jpg", "b.jpg")
    ids = [str(path) for path in paths]
    predicted(ids).save_label_studio(tmp_path / "tasks.json", paths)
    one, other = json.loads((tmp_path / "tasks.json").read_text())
    exported = [annotated(one), annotated(other, label="tea")]
    (tmp_path / "export.json").write_text(json.dumps(exported))
    found = shv.Corrections.read(tmp_path / "export.json")
    assert found.labels == {ids[0]: NAMES[0], ids[1]: "tea"}
    assert [answer.status for answer in found.values()] == ["confirmed", "corrected"]


def test_photos_without_a_file_are_written_into_the_task(tmp_path: Path) -> None:
    (path,) = photos_in(tmp_path, "a.jpg")
    kinds: list[Any] = [np.zeros((8, 8, 3), np.uint8), path.read_bytes(), PillowImage.open(path)]
    found = predicted(["0", "1", "2"])
    found.save_label_studio(tmp_path / "tasks.json", kinds)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert all(task["data"]["image"].startswith("data:image/jpeg;base64,") for task in tasks)


def test_the_photos_of_a_dataset_are_files_unless_they_are_copies(tmp_path: Path) -> None:
    photos_in(tmp_path / "shop", "tea/1.jpg", "milk/2.jpg")
    dataset = shv.Dataset.from_directory(tmp_path / "shop", image_size=(16, 16))
    for given in (dataset, dataset.cached(), shv.Dataset.concat([dataset]), dataset[:]):
        found = predicted(given.ids.tolist())
        found.save_label_studio(tmp_path / "tasks.json", given, root=tmp_path)
        tasks = json.loads((tmp_path / "tasks.json").read_text())
        assert tasks[0]["data"]["image"] == "/data/local-files/?d=shop/milk/2.jpg"
    arrays = shv.Dataset.from_arrays(dataset.to_arrays()[0], ["a", "b"])
    predicted(["0", "1"]).save_label_studio(tmp_path / "tasks.json", arrays)
    assert "data:image/jpeg" in (tmp_path / "tasks.json").read_text()


@pytest.mark.parametrize(
    "url", ["https://shop.example/1.jpg", "s3://bucket/1.jpg", "/data/upload/3/1a2b3c4d-1.jpg"]
)
def test_urls_stay_as_they_are(tmp_path: Path, url: str) -> None:
    predicted(["x"]).save_label_studio(tmp_path / "tasks.json", [url], root=tmp_path)
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["data"]["image"] == url


def test_a_task_has_the_signature_of_a_url_and_no_password() -> None:
    signed = "https://me:secret@shop.example/1.jpg?Signature=abc"
    assert image_source(signed, root=None) == "https://shop.example/1.jpg?Signature=abc"


def test_photos_that_could_not_be_read_are_left_out(tmp_path: Path) -> None:
    found = shv.Predictions(
        np.array([[0.9, 0.1], [0, 0]]), ["a", "b"], ["x", "y"], [None, "no photo"]
    )
    found.save_label_studio(tmp_path / "tasks.json", ["http://x", "http://y"])
    assert len(json.loads((tmp_path / "tasks.json").read_text())) == 1
    found[:0].save_label_studio(tmp_path / "tasks.json", [])
    assert json.loads((tmp_path / "tasks.json").read_text()) == []


@pytest.mark.remedy("outside")
def test_what_does_not_fit_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    paths = photos_in(tmp_path / "shop", "a.jpg", "b.jpg")
    found = predicted([str(path) for path in paths])
    target = tmp_path / "tasks.json"
    with refuses(InvalidParameterError, "wrong-length", "photos"):
        found.save_label_studio(target, paths[:1])
    with refuses(InvalidParameterError, "outside", "root"):
        found.save_label_studio(target, paths, root=tmp_path / "elsewhere")
    found.save_label_studio(tmp_path / "right.json", paths, root=tmp_path / "shop")
    with refuses(DataError, "duplicate", "ids"):
        predicted(["a", "a"]).save_label_studio(target, ["http://a", "http://b"])
    with refuses(DataError, "wrong-encoding", "class_names"):
        photo_config(["a\x1b"])
    with pytest.raises(PhotoError):
        predicted(["0"]).save_label_studio(target, [b"no photo"])
    assert not target.exists()


def shelf(tmp_path: Path) -> shv.Regions:
    (path,) = photos_in(tmp_path, "shelf.jpg")
    boxes = shv.Boxes([[3, 4, 15, 36], [15, 0, 30, 40]], image_size=(40, 30))
    ids = [f"{path}#{number}" for number in range(2)]
    return shv.Regions(predicted(ids), boxes, str(path))


def test_boxes_are_rectangles_in_percent(tmp_path: Path) -> None:
    regions = shelf(tmp_path)
    config = regions.save_label_studio(tmp_path / "tasks.json", root=tmp_path)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["image"] == "/data/local-files/?d=shelf.jpg"
    first = task["predictions"][0]["result"][0]
    assert first["value"] == {
        "x": 10,
        "y": 10,
        "width": 40,
        "height": 80,
        "rotation": 0,
        "rectanglelabels": [NAMES[0]],
    }
    assert (first["original_width"], first["original_height"]) == (30, 40)
    labels = [one.get("value") for one in ET.fromstring(config).iterfind("RectangleLabels/Label")]
    assert labels == [*NAMES, "other product", "unusable"]


def test_corrected_rectangles_have_the_ids_of_their_boxes(tmp_path: Path) -> None:
    regions = shelf(tmp_path)
    regions[[1]].save_label_studio(tmp_path / "tasks.json", others=[regions[[0]]])
    one, other = json.loads((tmp_path / "tasks.json").read_text())
    (tmp_path / "export.json").write_text(
        json.dumps([annotated(one, **{"box-1": "tea"}), annotated(other)])
    )
    found = shv.Corrections.read(tmp_path / "export.json")
    assert found.labels == {regions.ids[1]: "tea", regions.ids[0]: NAMES[0]}


def test_the_tasks_are_valid_for_label_studio_itself(tmp_path: Path) -> None:
    interface = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="needs label-studio-sdk"
    )
    config = predicted(["x", "y"]).save_label_studio(tmp_path / "1.json", ["http://x", "http://y"])
    for text, path in (
        (config, tmp_path / "1.json"),
        (shelf(tmp_path).save_label_studio(tmp_path / "2.json"), tmp_path / "2.json"),
    ):
        checked = interface.LabelInterface(text)
        checked.validate()
        for task in json.loads(path.read_text()):
            for prediction in task["predictions"]:
                assert checked.validate_prediction(prediction)


def test_json_min_of_label_studio_itself_gives_the_same_corrections(tmp_path: Path) -> None:
    converter = pytest.importorskip("label_studio_sdk.converter", reason="needs label-studio-sdk")
    paths = photos_in(tmp_path, "a.jpg", "b.jpg")
    ids = [str(path) for path in paths]
    config = predicted(ids).save_label_studio(tmp_path / "tasks.json", paths)
    one, other = json.loads((tmp_path / "tasks.json").read_text())
    status = {"type": "choices", "from_name": "status", "to_name": "image", "id": "s"}
    other = annotated(other)
    other["annotations"][0]["result"].append({**status, "value": {"choices": ["unusable"]}})
    (tmp_path / "export.json").write_text(json.dumps([annotated(one, label="tea"), other]))
    made = converter.Converter(config, str(tmp_path))
    made.convert_to_json_min(str(tmp_path / "export.json"), str(tmp_path / "min"), is_dir=False)
    expected = shv.Corrections.read(tmp_path / "export.json")
    assert shv.Corrections.read(tmp_path / "min" / "result.json") == expected
    assert expected.labels == {ids[0]: "tea"}


def test_coco_of_several_photos_is_read_by_pycocotools(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="needs pycocotools")
    regions = shelf(tmp_path)
    regions.save_coco(tmp_path / "regions.json", others=[regions[[1]]])
    found = coco.COCO(str(tmp_path / "regions.json"))
    assert [one["name"] for one in found.loadCats(found.getCatIds())] == NAMES
    assert len(found.getImgIds()) == 2
    (only,) = found.loadAnns(found.getAnnIds(imgIds=[2]))
    assert only["bbox"] == [15, 0, 15, 40]
    assert found.loadCats([only["category_id"]])[0]["name"] == NAMES[1]
    assert len({one["id"] for one in found.loadAnns(found.getAnnIds())}) == 3
    boxes = shv.Boxes.from_coco(json.loads((tmp_path / "regions.json").read_text()), image=1)
    assert boxes.labels == tuple(NAMES[:2]) or list(boxes.labels or ()) == NAMES[:2]
