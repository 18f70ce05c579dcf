"""What messages of exporting say to do works when it is done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import ExportError, InvalidParameterError, ModelError
from shelfvision.export import Predictor, _writing
from support import refuses

from .conftest import NAMES, NEEDED, SIZE, make_trusted, require, require_writer, tiny_model

Pixels = npt.NDArray[np.uint8]

PROGRAM = """
import sys
import keras
import numpy
import shelfvision as shv

def build(spec):
    height, width = spec.image_size
    return keras.Sequential([
        keras.Input((height, width, 3), dtype="uint8", name="image"),
        keras.layers.Rescaling(1 / 25),
        keras.layers.Conv2D(6, 3, strides=2, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(spec.num_classes, activation="softmax"),
    ], name="tiny")

classifier = shv.Classifier.load(sys.argv[1], builder=build)
classifier.export(sys.argv[2], format="litert", photos=numpy.load(sys.argv[3]))
"""


@pytest.mark.remedy("missing-photos")
def test_eight_bits_are_written_once_photos_are_given(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    require_writer("litert")
    path = tmp_path / "a.tflite"
    with refuses(InvalidParameterError, "missing-photos", "photos"):
        classifier.export(path, format="litert", quantize="int8")
    classifier.export(path, format="litert", quantize="int8", photos=pixels)
    assert Predictor(path).class_names == NAMES


@pytest.mark.remedy("not-supported")
def test_a_calibrated_network_that_int8_is_not_for_is_exported_as_dynamic(
    pixels: Pixels, tmp_path: Path
) -> None:
    require_writer("litert")
    k = load_keras()
    layers = [
        k.Input((*SIZE, 3), dtype="uint8"),
        k.layers.Rescaling(1 / 255),
        k.layers.GlobalAveragePooling2D(),
        k.layers.Dense(len(NAMES)),
        k.layers.Softmax(),
    ]
    plain = shv.Classifier.from_model(k.Sequential(layers, name="apart"), class_names=NAMES)
    calibrated, path = make_trusted(plain, pixels), tmp_path / "a.tflite"
    with refuses(ExportError, "not-supported", "quantize"):
        calibrated.export(path, format="litert", quantize="int8", photos=pixels)
    calibrated.export(path, format="litert", quantize="dynamic", photos=pixels)
    meant = calibrated.predict_proba(pixels)
    np.testing.assert_allclose(Predictor(path).predict_proba(pixels), meant, atol=0.05)


@pytest.mark.remedy("needs-builder")
def test_a_program_started_with_tensorflow_exports_a_network_that_its_user_builds(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*NEEDED["litert"])
    path, saved = tmp_path / "a.tflite", tmp_path / "a.shelf"
    with monkeypatch.context() as patch:
        patch.setattr(_writing, "backend_name", lambda: "jax")
        with refuses(ExportError, "needs-builder"):
            classifier.export(path, format="litert", photos=pixels)
    classifier.save(saved)
    np.save(tmp_path / "pixels.npy", pixels)
    command = [sys.executable, "-c", PROGRAM, *map(str, (saved, path, tmp_path / "pixels.npy"))]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = Predictor(path).predict_proba(pixels)
    np.testing.assert_allclose(found, classifier.predict_proba(pixels), atol=1e-4)


@pytest.mark.remedy("unknown-class-prior")
def test_a_file_exported_of_a_classifier_with_counts_tells_its_mix(
    pixels: Pixels, tmp_path: Path
) -> None:
    require_writer("litert")
    even, found = dict.fromkeys(NAMES, 1), []
    for counts in ({}, {"class_counts": dict(zip(NAMES, (60, 30, 10), strict=True))}):
        path = tmp_path / f"{len(counts)}.tflite"
        classifier = shv.Classifier.from_model(tiny_model(), class_names=NAMES, provenance=counts)
        classifier.export(path, format="litert", photos=pixels)
        found.append(Predictor(path))
    with refuses(ModelError, "unknown-class-prior", "class_prior"):
        found[0].predict(pixels, class_prior=even)
    mix = found[1].predict(pixels, class_prior=even).class_prior
    assert mix == pytest.approx(dict.fromkeys(NAMES, 1 / 3))
