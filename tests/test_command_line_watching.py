"""The command line in operation: ``drift``, ``compare`` and their exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._cli import main

NAMES = ("can", "jar")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a classifier, and photos and scores of two stores."""
    place = tmp_path_factory.mktemp("watched")
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 200, (80, 88, 88, 3), dtype=np.uint8)
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=NAMES)
    validation = shv.Dataset.from_arrays(pixels, np.arange(80) % 2, class_names=NAMES)
    classifier = classifier.with_validation(validation)
    classifier.save(place / "groceries.shelf")
    lines = ["path,store"]
    for row in range(80):
        dark = 0.3 if row % 2 else 1.0
        Image.fromarray((pixels[row] * dark).astype(np.uint8)).save(place / f"{row}.png")
        lines.append(f"{row}.png,{'south' if row % 2 else '=north'}")
    (place / "week.csv").write_text("\n".join(lines))
    classifier.predict(pixels).save(place / "scores.csv")
    return place


def drift(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["drift", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_drift_of_a_store_is_printed_saved_and_the_exit_status(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / "drift.html"
    status, out = drift(
        capsys,
        folder / "groceries.shelf",
        folder / "week.csv",
        "--by",
        "store",
        "-o",
        page,
        "--json",
    )
    found = json.loads(out)
    assert status == 3
    assert found["drifted"] is True
    stores = {one["store"] for one in found["checks"] if one["status"] == "drift"}
    assert stores == {None, "south"}
    assert "south" in page.read_text()


def test_saved_scores_without_drift_give_status_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = drift(capsys, folder / "groceries.shelf", folder / "scores.csv")
    assert (status, out[:8]) == (0, "No drift")


def test_columns_of_plain_photos_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = drift(capsys, folder / "groceries.shelf", folder, "--by", "store")
    assert status == 2


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    """Return the exported classifier."""
    for package in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    shv.Classifier.load(folder / "groceries.shelf").export(folder / "groceries.onnx")
    return folder / "groceries.onnx"


def test_an_exported_file_has_the_profile_of_its_bundle(
    folder: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = shv.export.Predictor(exported)
    assert predictor.profile is not None
    assert predictor.profile == shv.Classifier.load(folder / "groceries.shelf").profile
    week = predictor.predict([folder / "0.png"], quality=True)
    assert week.profile == predictor.profile
    status, out = drift(capsys, exported, folder / "week.csv", "--by", "store", "--json")
    alarms = [one for one in json.loads(out)["checks"] if one["status"] == "drift"]
    assert (status, {one["store"] for one in alarms}) == (3, {None, "south"})


def test_scores_of_a_job_are_compared_by_a_column_that_it_kept(
    folder: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    lines = [*(folder / "week.csv").read_text().splitlines(), "lost.png,=north"]
    (folder / "job.csv").write_text("\n".join(lines))
    arguments = map(str, (exported, folder / "job.csv", tmp_path / "scores"))
    assert main(["score", *arguments, "--keep", "store"]) == 0
    capsys.readouterr()
    status, out = drift(
        capsys, exported, tmp_path / "scores", "--by", "store", "--check", "unreadable", "--json"
    )
    found = json.loads(out)
    observed = {one["store"]: one["observed"] for one in found["checks"]}
    assert (status, found["n_photos"]) == (0, 81)
    assert observed == {None: 1 / 81, "=north": 1 / 41, "south": 0.0}


def test_output_of_predict_is_a_table_of_scores(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [str(folder / f"{row}.png") for row in range(0, 80, 2)]
    assert main(["predict", str(folder / "groceries.shelf"), *photos, "--format", "csv"]) == 0
    (tmp_path / "found.csv").write_text(capsys.readouterr().out)
    status, out = drift(capsys, folder / "groceries.shelf", tmp_path / "found.csv", "--json")
    found = json.loads(out)
    assert (status, found["n_photos"]) == (0, 40)
    assert {one["measure"] for one in found["checks"]} == {"confidence", "classes", "unreadable"}
    assert "quality was not measured" in found["notes"][0]


@pytest.fixture(scope="module")
def labelled(folder: Path) -> Path:
    """Return a manifest of photos with the labels that the classifier predicts, and bursts."""
    found = shv.Classifier.load(folder / "groceries.shelf").predict(
        [folder / f"{row}.png" for row in range(0, 80, 2)]
    )
    lines = ["path,label,burst"]
    for number, label in enumerate(found.labels):
        row, other = 2 * number, NAMES[1 - NAMES.index(label)]
        # One photo is always wrong, so that both classes have photos.
        lines.append(f"{row}.png,{label if number else other},{number // 4}")
    (folder / "labelled.csv").write_text("\n".join(lines))
    # The same network with swapped names is wrong where the other one is right.
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    shv.Classifier.from_model(model, class_names=NAMES[::-1]).save(folder / "swapped.shelf")
    return folder / "labelled.csv"


def compare(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["compare", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_the_exit_status_of_compare_is_the_verdict(
    folder: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = folder / "groceries.shelf", folder / "swapped.shelf"
    page = folder / "promotion.html"

    status, out = compare(capsys, wrong, right, labelled, "-o", page)
    assert (status, out[:8]) == (0, "Promote ")
    assert "Promote the new classifier" in page.read_text()
    status, out = compare(capsys, right, wrong, labelled, "--json")
    assert (status, json.loads(out)["verdict"]) == (4, "keep")
    status, out = compare(capsys, right, right, labelled)
    assert (status, out[:9]) == (5, "Undecided")
    status, out = compare(capsys, right, right, labelled, "--margin", "0.2")
    assert status == 0


def test_compare_takes_exported_files(
    folder: Path, labelled: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = folder / "groceries.shelf"
    assert compare(capsys, right, exported, labelled, "--margin", "0.2")[0] == 0


def test_compare_uses_the_bursts_of_the_manifest(
    folder: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = folder / "swapped.shelf", folder / "groceries.shelf", labelled
    status, out = compare(capsys, *arguments, "--group-column", "burst", "--json")
    found = json.loads(out)
    assert (status, found["n_groups"], found["n_photos"]) == (5, 10, 40)
    status, _ = compare(capsys, *arguments, "--group-column", "burst", "--min-groups", "10")
    assert status == 0


def test_compare_refuses_another_file_and_never_replaces_one(
    folder: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "groceries.shelf"
    assert compare(capsys, file, file, labelled, "--new-sha256", "0" * 64)[0] == 1
    assert compare(capsys, file, file, labelled, "-o", labelled)[0] == 2
    assert labelled.read_text().startswith("path,label,burst")


@pytest.mark.filterwarnings("always::shelfvision.errors.LeakageWarning")
def test_compare_leaves_out_photos_that_were_trained_on(
    folder: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *rows = labelled.read_text().splitlines()
    trained = [f"{row},{'train' if place < 8 else 'test'}" for place, row in enumerate(rows)]
    training = folder / "training.csv"
    training.write_text("\n".join([f"{header},set", *trained]))
    arguments = folder / "swapped.shelf", folder / "groceries.shelf", labelled, "--training"
    chosen = training, "--training-where", "set=train"

    assert main(["compare", *map(str, (*arguments, *chosen))]) == 1
    error = capsys.readouterr().err
    assert "got 8 photos of 8 groups" in error
    assert "pass --on-leak drop" in error
    status, out = compare(capsys, *arguments, *chosen, "--on-leak", "drop", "--json")
    found = json.loads(out)
    assert (status, found["n_photos"]) == (0, 32)
    assert found["notes"][0] == "8 photos of 8 groups were left out, because of data leakage."
    status = main(["compare", *map(str, (*arguments, *chosen)), "--on-leak", "allow", "--json"])
    out, error = capsys.readouterr()
    assert "warning: data leakage" in error
    assert (status, json.loads(out)["n_photos"]) == (0, 40)


def test_compare_takes_folders_of_training_photos(
    folder: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in (0, 2):
        place = tmp_path / NAMES[row // 2] / f"renamed{row}.png"
        place.parent.mkdir()
        place.write_bytes((folder / f"{row}.png").read_bytes())
    arguments = folder / "swapped.shelf", folder / "groceries.shelf", labelled
    options = "--training", tmp_path, "--group-column", "burst", "--on-leak", "drop", "--json"
    _, out = compare(capsys, *arguments, *options)
    found = json.loads(out)
    assert found["n_photos"] == 38
    assert found["notes"][0].startswith("2 photos of 1 group were")
    assert compare(capsys, *arguments, "--training-where", "set=train")[0] == 2
    assert compare(capsys, *arguments, *options, "--training-where", "set=train")[0] == 2


def test_compare_reads_the_boxes_of_shelves(
    folder: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = shv.samples.render_shelf(
        1, 4, class_names=("Can", "Jar"), image_size=(120, 320), seed=1, gaps=0
    )
    Image.fromarray(shelf.photo).save(tmp_path / "shelf.png")
    boxes = [
        {"image_id": 1, "category_id": 1 + row % 2, "bbox": [left, top, right - left, low - top]}
        for row, (left, top, right, low) in enumerate(shelf.boxes)
    ]
    coco = {
        "images": [{"id": 1, "file_name": "shelf.png"}],
        "categories": [{"id": 1 + row, "name": name} for row, name in enumerate(NAMES)],
        "annotations": boxes,
    }
    annotations = tmp_path / "shelf.json"
    annotations.write_text(json.dumps(coco))
    arguments = folder / "groceries.shelf", folder / "swapped.shelf", tmp_path
    status, out = compare(capsys, *arguments, "--boxes", annotations, "--json")
    found = json.loads(out)
    assert (status, found["verdict"]) == (5, "undecided")
    # The boxes of one photo are one group, and each is right for one of the classifiers.
    assert (found["n_photos"], found["n_groups"]) == (4, 1)
    assert found["only_old"] + found["only_new"] == 4
    trained = "--boxes", annotations, "--training", annotations
    assert main(["compare", *map(str, (*arguments, *trained))]) == 1
    assert "got 4 photos of 1 group" in capsys.readouterr().err
    assert compare(capsys, *arguments, "--boxes", annotations, "-o", annotations)[0] == 2
    assert json.loads(annotations.read_text()) == coco
