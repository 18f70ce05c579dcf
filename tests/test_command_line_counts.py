"""``calibrate``, ``count`` and ``train --boxes`` from a terminal."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._cli import main
from shelfvision._cli._parser import parser
from shelfvision._cli._regions._boxes import boxes_of_photos
from shelfvision._cli.options.network import choose_network
from shelfvision.errors import DataError, InvalidParameterError, MissingDependencyError
from shelfvision.models.pretrained._pretrained import Package
from support import refuses

NAMES = ("Can", "Jar")
DETECTOR = Path(__file__).parent / "export" / "golden" / "detectors" / "yolo.onnx"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos, an annotated shelf and a bundle that keeps scores and codes."""
    place = tmp_path_factory.mktemp("counts")
    shv.samples.write_products(place / "photos", {"Can": 12, "Jar": 12}, image_size=(88, 88))
    for folder, seed in (("bay-1", 1), ("bay-2", 2)):
        shelf = shv.samples.render_shelf(
            1, 4, class_names=NAMES, image_size=(120, 320), seed=seed, gaps=0
        )
        (place / folder).mkdir()
        Image.fromarray(shelf.photo).save(place / folder / "shelf.png")
        annotations = [
            {"image_id": 1, "category_id": 1, "bbox": [left, top, right - left, bottom - top]}
            for left, top, right, bottom in shelf.boxes
        ]
        coco = {
            "images": [{"id": 1, "file_name": f"{folder}/shelf.png"}],
            "categories": [{"id": 1, "name": "product"}],
            "annotations": annotations,
        }
        (place / f"{folder}.json").write_text(json.dumps(coco))
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    true = np.repeat([0, 1], 50)
    scores = shv.ValidationScores.of(np.eye(2, dtype=np.float32)[true] * 0.8 + 0.1, true)
    classifier = shv.Classifier.from_model(model, class_names=NAMES).with_validation(scores)
    codes = {"Can": "4006381333931", "Jar": "96385074"}
    classifier.with_product_codes(codes).save(place / "m.shelf")
    classifier.with_validation(None).save(place / "bare.shelf")
    return place


def test_a_bundle_is_calibrated_on_photos_and_saved_anew(run: Run, place: Path) -> None:
    arguments = ("--mistake-cost", 1, "--review-cost", 0.1, "--json")
    status, out, _ = run(
        "calibrate", place / "bare.shelf", place / "photos", "-o", "new.shelf", *arguments
    )
    found = json.loads(out)
    assert (status, found["n_photos"], found["method"]) == (0, 24, "temperature")
    assert 0 <= found["ece_before"] <= 1
    made = shv.Classifier.load("new.shelf", expected_sha256=found["sha256"])
    assert made.calibration is not None
    assert made.thresholds is not None
    assert made.validation_scores is not None
    before = shv.Classifier.load(place / "bare.shelf").with_validation(made.validation_scores)
    assert made.calibration == before.with_calibration().calibration
    assert list(made.thresholds.values) == found["thresholds"]["values"]


def test_calibration_and_thresholds_are_told_in_sentences(run: Run, place: Path) -> None:
    bundle = place / "bare.shelf"
    for method in ("sigmoid", "isotonic", "none"):
        status, out, err = run(
            "calibrate", bundle, place / "photos", "-o", "n.shelf", "--method", method
        )
        assert (status, "expected calibration error before" in out) == (0, True), err
        assert ("after" in out) == (method != "none")
        assert "SHA-256" in out


@pytest.mark.remedy("conflict", "wrong-type")
def test_thresholds_need_a_precision_or_both_costs(run: Run, place: Path) -> None:
    bundle, photos = place / "m.shelf", place / "photos"
    for options in (("--mistake-cost", 1), ("--precision", 0.9, "--review-cost", 1)):
        status, _, err = run("calibrate", bundle, photos, "-o", "n.shelf", *options)
        assert status == 2
        assert "[conflict]" in err
    (place / "m.onnx").write_bytes(b"\x08\x07")
    status, _, err = run("calibrate", place / "m.onnx", photos, "-o", "n.shelf")
    assert (status, "FILE must be a bundle" in err) == (2, True)


def test_photos_of_products_are_counted(run: Run, place: Path) -> None:
    status, out, _ = run("count", place / "m.shelf", place / "photos", "-o", "counts.csv")
    assert status == 0
    assert "24 photos counted" in out
    with open("counts.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == ["4006381333931", "96385074"]
    assert sum(float(row["count"]) for row in rows) == pytest.approx(24, abs=0.05)


def test_boxes_of_shelves_are_counted_against_a_stock_list(run: Run, place: Path) -> None:
    Path("erp.csv").write_text("EAN;Bestand\n4006381333931;400,0\n96385074;0,0\n")
    status, out, err = run(
        *("count", place / "m.shelf", place / "bay-1" / "shelf.png"),
        *("--boxes", place / "bay-1.json", "--output", "counts.html"),
        *("--stock-list", "erp.csv", "--key-column", "EAN", "--count-column", "Bestand"),
        *("--checks", "checks.csv"),
    )
    assert (status, "4 boxes counted" in out) == (0, True), err
    assert "Can: short" in out or "Can: missing" in out
    assert "<h1>" in Path("counts.html").read_text()
    with open("checks.csv", newline="") as file:
        expected = {row["code"]: row["expected"] for row in csv.DictReader(file)}
    assert expected == {"4006381333931": "400", "96385074": "0"}


def test_codes_of_a_table_join_a_stock_list(run: Run, place: Path) -> None:
    Path("erp.csv").write_text("ean;count\n0012345678905;12\n96385074;12\n0098765432105;0\n")
    Path("codes.csv").write_text(
        "code;product\n0012345678905;Can\n96385074;Jar\n0098765432105;Can\n"
    )
    command = ("count", place / "m.shelf", place / "photos", "--stock-list", "erp.csv")
    columns = ("--key-column", "ean", "--codes", "codes.csv", "--checks", "checks.csv")
    status, out, err = run(*command, *columns)
    assert (status, "Can: " in out) == (0, True), err
    with open("checks.csv", newline="") as file:
        expected = {row["product"]: row["expected"] for row in csv.DictReader(file)}
    assert expected == {"Can": "12", "Jar": "12"}


@pytest.mark.parametrize("row", ["4,00638E+12;Can", ";Can", "96385074;Can"])
def test_codes_must_be_complete_and_of_one_product(run: Run, place: Path, row: str) -> None:
    Path("erp.csv").write_text("ean;count\n96385074;12\n")
    Path("codes.csv").write_text(f"code;product\n96385074;Jar\n{row}\n")
    command = ("count", place / "m.shelf", place / "photos", "--stock-list", "erp.csv")
    status, _, err = run(*command, "--key-column", "ean", "--codes", "codes.csv")
    assert (status, "[inconsistent]" in err, "line 3 of 'codes.csv'" in err) == (1, True, True), err


@pytest.mark.remedy("conflict")
def test_codes_need_the_column_of_the_stock_list(run: Run, place: Path) -> None:
    Path("erp.csv").write_text("ean;count\n96385074;12\n")
    command = ("count", place / "m.shelf", place / "photos", "--stock-list", "erp.csv")
    status, _, err = run(*command, "--codes", "codes.csv")
    assert (status, "name it with --key-column" in err) == (2, True)


def test_the_boxes_of_a_detector_are_counted_and_reviewed(run: Run, place: Path) -> None:
    pytest.importorskip("onnxruntime")
    photo = np.full((64, 160, 3), 200, np.uint8)
    photo[10:40, 50:62] = (255, 0, 0)
    Image.fromarray(photo).save("shelf.png")
    detector = ("--detector", DETECTOR, "--tile", 64)
    status, out, err = run("count", place / "m.shelf", "shelf.png", *detector)
    assert (status, "1 box counted" in out) == (0, True), err
    status, out, err = run("review", place / "m.shelf", "shelf.png", *detector, "-o", "r.html")
    assert (status, out) == (0, "r.html: 1 of 1 box to review\n"), err
    status, _, err = run(
        *("review", place / "m.shelf", "shelf.png", *detector, "-o", "r.html"),
        *("--detector-confidence", 0.95),
    )
    assert (status, err) == (1, "shelfvision: 0 of 0 boxes to review; no page is written\n")


def test_the_boxes_of_several_shelves_are_reviewed_on_one_page(run: Run, place: Path) -> None:
    coco = {"images": [], "categories": [{"id": 1, "name": "product"}], "annotations": []}
    for number, bay in enumerate(("bay-1", "bay-2"), 1):
        found = json.loads((place / f"{bay}.json").read_text())
        coco["images"].append(found["images"][0] | {"id": number})
        coco["annotations"] += [one | {"image_id": number} for one in found["annotations"]]
    Path("both.json").write_text(json.dumps(coco))
    photos = [place / bay / "shelf.png" for bay in ("bay-1", "bay-2")]
    boxes = ("--boxes", "both.json", "-o", "r.html")
    status, out, err = run("review", place / "m.shelf", *photos, *boxes)
    assert (status, out) == (0, "r.html: 8 of 8 boxes to review\n"), err
    page = Path("r.html").read_text()
    assert all(f"{photo}#3" in page for photo in photos)
    status, _, err = run("review", place / "m.shelf", *photos, *boxes, "--below", 0)
    assert (status, "0 of 8 boxes to review" in err) == (1, True)


def test_unsure_boxes_are_rejected(run: Run, place: Path) -> None:
    arguments = (place / "bay-1" / "shelf.png", "--boxes", place / "bay-1.json")
    status, out, _ = run("count", place / "m.shelf", *arguments, "--min-confidence", 0.8)
    assert (status, "rejected" in out) == (0, True)


@pytest.mark.remedy("conflict", "no-validation-scores", "missing-photos")
def test_what_cannot_be_counted_is_refused(run: Run, place: Path) -> None:
    photo = place / "bay-1" / "shelf.png"
    status, _, err = run("count", place / "bare.shelf", photo)
    assert (status, "[no-validation-scores]" in err) == (1, True)
    options = ("--boxes", place / "bay-1.json", "--detector", "d.onnx")
    status, _, err = run("count", place / "m.shelf", photo, *options)
    assert (status, "[conflict]" in err) == (2, True)
    status, _, err = run("count", place / "m.shelf", photo, "--tile", 64)
    assert (status, "--tile is for --detector" in err) == (2, True)
    status, _, err = run("count", place / "m.shelf", photo, "--checks", "c.csv")
    assert (status, "name one with --stock-list" in err) == (2, True)
    status, _, err = run("count", place / "m.shelf", photo, "--boxes", place / "bay-2.json")
    assert (status, "[missing-photos]" in err) == (1, True)


def test_boxes_belong_to_the_photo_whose_path_ends_in_their_name() -> None:
    none = shv.Boxes(np.empty((0, 4)))
    annotated = {"a/1.jpg": none, "1.jpg": shv.Boxes([[0, 0, 1, 1]])}
    found = boxes_of_photos(annotated, ["shop/a/1.jpg", "shop/b/1.jpg"])
    assert [len(boxes) for boxes in found.values()] == [0, 1]
    with refuses(DataError, "ambiguous", "--boxes"):
        boxes_of_photos({"1.jpg": none}, ["a/1.jpg", "b/1.jpg"])
    assert list(boxes_of_photos({"K\u00e4se.jpg": none}, ["a/Ka\u0308se.jpg"])) == [
        "a/Ka\u0308se.jpg"
    ]


def test_photos_without_boxes_are_refused_by_the_option_that_gives_boxes(
    run: Run, place: Path
) -> None:
    Path("none.json").write_text(
        '{"images": [{"id": 1, "file_name": "shelf.png"}], "categories": [], "annotations": []}'
    )
    photo = place / "bay-1" / "shelf.png"
    status, _, err = run("count", place / "m.shelf", photo, "--boxes", "none.json")
    assert (status, "[empty]" in err, "--boxes must" in err) == (1, True, True)


@pytest.mark.parametrize(
    ("arguments", "installed", "network", "said"),
    [
        ([], True, ("efficientnet_lite0", "imagenet"), "fine-tuning the pretrained network"),
        ([], False, ("grocery_cnn", None), 'pip install "shelfvision[pretrained]"'),
        (["--architecture", "grocery_cnn"], True, ("grocery_cnn", None), ""),
        (
            ["--architecture", "efficientnet_lite0"],
            True,
            ("efficientnet_lite0", None),
            "random weights",
        ),
        (
            ["--architecture", "efficientnet_lite0"],
            False,
            ("efficientnet_lite0", None),
            'pip install "shelfvision[pretrained]", then pass --weights imagenet',
        ),
        (
            ["--architecture", "efficientnet_lite0", "--weights", "imagenet"],
            True,
            ("efficientnet_lite0", "imagenet"),
            "",
        ),
        (["--tier", "accurate"], True, ("efficientnet_lite2", "imagenet"), "tier accurate"),
        (["--tier", "fast"], False, ("efficientnet_lite0", "imagenet"), "tier fast"),
    ],
)
def test_training_uses_a_pretrained_network_where_its_weights_are_installed(
    arguments: list[str],
    installed: bool,
    network: tuple[str, str | None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def package_file(package: Package) -> Path:
        if not installed:
            raise MissingDependencyError("not installed", code="missing-dependency")
        return Path(__file__)

    monkeypatch.setattr("shelfvision.models.pretrained.package_file", package_file)
    chosen = parser().parse_args(["train", "photos", "-o", "m.shelf", *arguments])
    sentence = choose_network(chosen)
    assert (chosen.architecture, chosen.weights) == network
    assert said in sentence
    assert bool(sentence) == bool(said)


def test_a_tier_brings_its_image_size_unless_one_is_given() -> None:
    command = ["train", "photos", "-o", "m.shelf", "--tier", "accurate"]
    chosen = parser().parse_args(command)
    choose_network(chosen)
    assert chosen.image_size == shv.models.TIERS["accurate"].image_size
    chosen = parser().parse_args([*command, "--image-size", "128"])
    choose_network(chosen)
    assert chosen.image_size == (128, 128)


def test_an_unknown_tier_is_refused() -> None:
    with refuses(InvalidParameterError, "not-an-option", "--tier"):
        choose_network(parser().parse_args(["train", "photos", "-o", "m.shelf", "--tier", "best"]))


def test_a_tier_and_an_architecture_are_refused() -> None:
    command = ["train", "photos", "-o", "m.shelf", "--tier", "fast", "--architecture", "shelf_cnn"]
    with refuses(InvalidParameterError, "conflict", "--tier"):
        choose_network(parser().parse_args(command))


def test_annotated_shelves_train_a_classifier(run: Run) -> None:
    Path("shelves").mkdir()
    images, annotations = [], []
    for number in range(4):
        shelf = shv.samples.render_shelf(
            1, 6, class_names=NAMES, image_size=(120, 480), seed=number, gaps=0
        )
        Image.fromarray(shelf.photo).save(f"shelves/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 480, "height": 120})
        for (left, top, right, bottom), label in zip(shelf.boxes, shelf.labels, strict=True):
            box = [float(left), float(top), float(right - left), float(bottom - top)]
            category = NAMES.index(label) + 1
            annotations.append({"image_id": number, "category_id": category, "bbox": box})
    categories = [{"id": 1, "name": "Can"}, {"id": 2, "name": "Jar"}]
    coco = {"images": images, "categories": categories, "annotations": annotations}
    Path("boxes.json").write_text(json.dumps(coco))
    status, out, err = run(
        *("train", "shelves", "--boxes", "boxes.json", "-o", "m.shelf", "--context", 0.1),
        *("--architecture", "grocery_cnn", "--image-size", 88, "--epochs", 1),
    )
    assert (status, "saved 'm.shelf'" in out) == (0, True), err
    assert shv.Classifier.load("m.shelf").preprocessing.context == 0.1

    status, out, err = run(
        *("calibrate", "m.shelf", "shelves", "--boxes", "boxes.json", "-o", "careful.shelf")
    )
    assert (status, f"on {len(annotations)} photos of 4 groups" in out) == (0, True), out + err
    crops = shv.Dataset.from_boxes("boxes.json", images="shelves", context=0.1, image_size=(88, 88))
    careful = shv.Classifier.load("careful.shelf")
    expected = shv.evaluate(careful, crops)
    status, out, err = run(
        "evaluate", "careful.shelf", "shelves", "--boxes", "boxes.json", "--json"
    )
    assert status == 0, err
    assert json.loads(out)["accuracy"] == pytest.approx(expected.accuracy)


@pytest.mark.remedy("conflict")
def test_options_of_manifests_and_of_boxes_are_not_mixed(run: Run) -> None:
    for options in (("--boxes", "a.json", "--group-column", "g"), ("--context", 0.1)):
        status, _, err = run("train", "photos", "-o", "m.shelf", *options)
        assert (status, "[conflict]" in err) == (2, True)


@pytest.mark.remedy("conflict")
def test_a_classifier_is_not_calibrated_with_a_manifest_of_boxes(run: Run, place: Path) -> None:
    options = ("--boxes", place / "bay-1.json", "--where", "store=north")
    for command in (("calibrate", place / "m.shelf"), ("evaluate", place / "m.shelf")):
        output = ("-o", "new.shelf") if command[0] == "calibrate" else ()
        status, _, err = run(*command, place, *options, *output)
        assert (status, "--where is not for --boxes" in err) == (2, True), err


def test_messages_about_stock_lists_name_options(run: Run, place: Path) -> None:
    Path("erp.csv").write_text("shop;product;count\nnorth;Can;4,0\n")
    photo = place / "photos" / "Can"
    command = ("count", place / "m.shelf", photo, "--stock-list", "erp.csv")
    _, _, err = run(*command, "--store-column", "shop")
    assert "; pass --store for one store [conflict]" in err
    _, _, err = run(*command, "--store", "north")
    assert "; pass --store-column [conflict]" in err
    status, out, err = run(*command, "--store-column", "shop", "--store", "north")
    assert (status, "Can: " in out) == (0, True), err
