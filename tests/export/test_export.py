"""`Classifier.export`: files for other runtimes, which are held against the classifier."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._runtime.card import Card
from shelfvision._runtime.reading import read_export
from shelfvision.errors import (
    ExportError,
    InvalidParameterError,
    MissingDependencyError,
    StorageError,
)
from shelfvision.export import ExportFormat, Predictor, Quantize, _writing, exporting
from shelfvision.export._request import MOST_PHOTOS, sample_images
from shelfvision.export._synthetic import synthetic_images
from shelfvision.predictions import Calibration
from support import refuses

from .conftest import NAMES, NEEDED, SIZE, Shop, require, require_writer, tiny_model, with_trust

Pixels = npt.NDArray[np.uint8]

KINDS: list[tuple[ExportFormat, Quantize | None, float]] = [
    ("onnx", None, 1e-4),
    ("openvino", None, 1e-4),
    ("litert", None, 1e-4),
    ("litert", "dynamic", 0.05),
    ("litert", "int8", 0.1),
]


@pytest.mark.parametrize(("kind", "quantize", "tolerance"), KINDS)
def test_a_file_gives_the_classifiers_answers(
    kind: ExportFormat,
    quantize: Quantize | None,
    tolerance: float,
    shop: Shop,
    trusted: shv.Classifier,
    pixels: Pixels,
) -> None:
    predictor = Predictor(shop.file(kind, quantize))
    assert predictor.class_names == NAMES
    assert predictor.image_size == SIZE
    assert predictor.resize == "pad"
    meant = trusted.predict_proba(pixels)
    np.testing.assert_allclose(predictor.predict_proba(pixels), meant, atol=tolerance)
    if quantize is None:
        assert predictor.predict(pixels).labels.tolist() == trusted.predict(pixels).labels.tolist()
        assert (
            predictor.predict(pixels).decisions.tolist()
            == trusted.predict(pixels).decisions.tolist()
        )


def test_a_program_with_onnxruntime_alone_reads_the_labels_and_gets_the_answers(
    shop: Shop, trusted: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    path = shop.file("onnx")
    np.save(tmp_path / "pixels.npy", pixels)
    program = """
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
card = json.loads(session.get_modelmeta().custom_metadata_map["shelfvision"])
images = np.load(sys.argv[2])
assert session.get_inputs()[0].name == "image"
rows, = session.run(["probabilities"], {"image": images})
assert "shelfvision" not in sys.modules
print(json.dumps([card["class_names"][i] for i in rows.argmax(axis=1)]))
np.save(sys.argv[3], rows)
"""
    rows = tmp_path / "rows.npy"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(tmp_path / "pixels.npy"), str(rows)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == trusted.predict(pixels).labels.tolist()
    np.testing.assert_allclose(np.load(rows), trusted.predict_proba(pixels), atol=1e-5)


def test_an_onnx_file_has_opset_18_and_takes_any_number_of_pixels(shop: Shop) -> None:
    path = shop.file("onnx")
    onnx = importlib.import_module("onnx")
    proto: Any = onnx.load(path)
    assert {x.domain: x.version for x in proto.opset_import}[""] == 18
    (takes,), (gives,) = proto.graph.input, proto.graph.output
    assert (takes.name, takes.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert [d.dim_param or d.dim_value for d in takes.type.tensor_type.shape.dim] == [
        "n",
        20,
        24,
        3,
    ]
    assert gives.name == "probabilities"


def test_a_litert_file_carries_its_labels_as_others_look_for_them(shop: Shop) -> None:
    zipfile = importlib.import_module("zipfile")
    with zipfile.ZipFile(shop.file("litert")) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(NAMES)


def test_the_report_tells_differences_size_and_accuracy(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    require_writer("onnx")
    photos = shv.Dataset.from_arrays(
        pixels, classifier.predict_proba(pixels).argmax(axis=1), class_names=NAMES
    )
    path = tmp_path / "new folder" / "a.onnx"
    report = classifier.export(path, photos=photos)
    assert report.path == str(path)
    assert report.size_bytes == path.stat().st_size
    assert (report.accuracy, report.accuracy_before) == (1.0, 1.0)
    assert (report.verified_on, report.n_photos) == ("photos", 40)
    assert report.top1_agreement == 1.0
    assert report.max_difference < 1e-4
    assert json.loads(json.dumps(report.to_dict()))["runtime"].startswith("onnxruntime")
    assert "same label 100.00%" in str(report)
    assert Predictor(path, expected_sha256=report.sha256).source_sha256


def test_without_photos_generated_ones_are_used(classifier: shv.Classifier, tmp_path: Path) -> None:
    require_writer("onnx")
    report = classifier.export(tmp_path / "a.onnx")
    assert (report.verified_on, report.accuracy) == ("synthetic images", None)


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_a_file_that_says_something_else_is_not_kept(
    kind: ExportFormat,
    classifier: shv.Classifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pixels: Pixels,
) -> None:
    require_writer(kind)
    others = [np.asarray(weight) for weight in tiny_model(8).weights]
    path = tmp_path / ("a.onnx" if kind == "onnx" else "a.xml")
    path.write_bytes(b"what stood there before")
    original = _writing.written
    monkeypatch.setattr(
        "shelfvision.export.exporting.written",
        lambda source, request: original(replace(source, values=others), request),
    )
    with refuses(ExportError, "differs"):
        classifier.export(path, format=kind, photos=pixels)
    assert path.read_bytes() == b"what stood there before"
    assert os.listdir(tmp_path) == [path.name]


def test_a_calibration_of_several_numbers_is_left_to_the_predictor(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    require_writer("onnx")
    labels = np.arange(40) % 3
    fitted = Calibration.fit(classifier.predict_proba(pixels), labels, method="sigmoid")
    calibrated = with_trust(classifier, fitted, None)
    report = calibrated.export(tmp_path / "a.onnx", photos=pixels)
    assert report.calibration == "host"
    assert "other programs have to" in str(report)
    np.testing.assert_allclose(
        Predictor(tmp_path / "a.onnx").predict_proba(pixels),
        calibrated.predict_proba(pixels),
        atol=1e-4,
    )


def test_a_temperature_goes_into_the_weights_of_an_int8_file(shop: Shop) -> None:
    card = read_export(shop.file("litert", "int8")).card
    assert card.calibration is not None
    assert card.host_calibration is None


def test_a_keras_file_opens_in_keras(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / "a.keras"
    report = classifier.export(path, format="keras", photos=pixels)
    assert report.max_difference < 1e-5
    keras = importlib.import_module("keras")
    model = keras.saving.load_model(path)
    np.testing.assert_allclose(
        model.predict_on_batch(pixels), classifier.predict_proba(pixels), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["onnx", "litert"])
def test_grouped_convolutions_gelu_and_fixed_normalization_are_exported(
    kind: ExportFormat, pixels: Pixels, tmp_path: Path
) -> None:
    require_writer(kind)
    layers = load_keras().layers
    network = load_keras().Sequential(
        [
            layers.Input((*SIZE, 3), dtype="uint8"),
            layers.Normalization(mean=[123.0, 116.0, 103.0], variance=[900.0, 800.0, 700.0]),
            layers.Conv2D(6, 3, padding="same"),
            layers.Conv2D(6, 3, groups=6, padding="same", activation="gelu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(NAMES), activation="softmax"),
        ],
        name="like_convnext",
    )
    classifier = shv.Classifier.from_model(network, class_names=NAMES)
    path = tmp_path / f"a{exporting.SUFFIXES[kind]}"
    assert classifier.export(path, format=kind, photos=pixels).max_difference < 1e-4


@pytest.mark.parametrize(
    ("path", "settings", "code", "parameter"),
    [
        ("a.onnx", {"format": "tensorrt"}, "not-an-option", "format"),
        ("a.bin", {}, "wrong-suffix", "path"),
        ("a.onnx", {"quantize": "int8"}, "conflict", "quantize"),
        ("a.tflite", {"format": "litert", "quantize": "int4"}, "not-an-option", "quantize"),
        ("a.tflite", {"format": "litert", "quantize": "int8"}, "missing-photos", "photos"),
        ("a.onnx", {"tolerance": -1}, "not-in-range", "tolerance"),
        ("a.onnx", {"photos": []}, "empty", "photos"),
    ],
)
def test_what_does_not_go_together_is_refused(
    path: str,
    settings: dict[str, Any],
    code: str,
    parameter: str,
    classifier: shv.Classifier,
    tmp_path: Path,
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        classifier.export(tmp_path / path, **settings)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("path", "kind"), [("a.tflite", "litert"), ("a.xml", "openvino")])
def test_a_suffix_of_another_format_names_that_format(
    path: str, kind: str, classifier: shv.Classifier, tmp_path: Path
) -> None:
    with refuses(InvalidParameterError, "wrong-suffix", "path") as caught:
        classifier.export(tmp_path / path)
    assert str(caught.value).endswith(f"rename it, or pass format={kind!r}")


def test_a_missing_package_is_named_with_its_pip_line(
    classifier: shv.Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refuses(MissingDependencyError, "missing-dependency") as caught:
        classifier.export(tmp_path / "a.onnx")
    assert str(caught.value).endswith('run: pip install "shelfvision[export]"')


def test_another_backend_cannot_write_a_network_that_only_the_user_can_build(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*NEEDED["onnx"])
    monkeypatch.setattr(_writing, "backend_name", lambda: "jax")
    with refuses(ExportError, "needs-builder"):
        classifier.export(tmp_path / "a.onnx", photos=pixels)


def test_another_backend_has_a_process_with_tensorflow_write_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*NEEDED["onnx"])
    monkeypatch.setattr(_writing, "backend_name", lambda: "jax")
    # A module that lies in the working directory is not imported by the process.
    (tmp_path / "zipfile.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    model = shv.build_model(2, image_size=(88, 88))
    ours = shv.Classifier.from_model(model, class_names=["juice", "milk"])
    report = ours.export(tmp_path / "a.onnx")
    assert report.max_difference < 1e-4
    assert not (tmp_path / "ran").exists()
    assert Predictor(tmp_path / "a.onnx").class_names == ("juice", "milk")


@pytest.mark.parametrize("kind", ["onnx", "openvino", "keras"])
@pytest.mark.parametrize("fault", ["a folder", "below a file", "not writable", "a fifo"])
def test_a_target_that_cannot_be_written_is_refused_before_anything_is_written(
    kind: ExportFormat,
    fault: str,
    classifier: shv.Classifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suffix = exporting.SUFFIXES[kind]
    path = tmp_path / f"a{suffix}"
    if fault == "a folder":
        path.mkdir()
    elif fault == "below a file":
        (tmp_path / "file").write_bytes(b"")
        path = tmp_path / "file" / "deeper" / f"a{suffix}"
    elif fault == "not writable":
        monkeypatch.setattr("os.access", lambda *_: False)
    else:
        os.mkfifo(path)
    monkeypatch.setattr(
        "shelfvision.export.exporting.written", lambda *_: pytest.fail("it was written")
    )
    code = {"below a file": "not-writable", "not writable": "permission"}.get(fault, "not-a-file")
    with refuses(StorageError, code):
        classifier.export(path, format=kind)


def test_a_folder_in_the_place_of_the_weights_is_refused_too(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").mkdir()
    with refuses(StorageError, "not-a-file"):
        classifier.export(tmp_path / "a.xml", format="openvino")


def test_generated_images_are_varied_and_always_the_same() -> None:
    images = synthetic_images((20, 24))
    assert images.tobytes() == synthetic_images((20, 24)).tobytes()
    assert images.shape == (32, 20, 24, 3)
    assert {0, 255} <= set(images.reshape(32, -1).mean(axis=1).tolist())
    rough = np.abs(np.diff(images.astype(int), axis=2)).mean(axis=(1, 2, 3))
    assert rough.min() == 0
    assert rough.max() > 30


def test_of_many_photos_some_are_taken_evenly() -> None:
    images = np.zeros((1000, *SIZE, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(1000) // 4
    photos = shv.Dataset.from_arrays(images, np.arange(1000) % 3, class_names=NAMES)
    rule = shv.data.Preprocessing(image_size=SIZE, resize="pad")
    card = Card(class_names=NAMES, preprocessing=rule)
    chosen, labels = sample_images(photos, card)
    assert labels is not None
    assert len(chosen) == len(labels) == MOST_PHOTOS
    assert chosen[0, 0, 0, 0] == 0
    assert chosen[-1, 0, 0, 0] == 249
