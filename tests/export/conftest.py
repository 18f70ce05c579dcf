"""A tiny classifier, and the files that it was exported to."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import backend_name, load_keras
from shelfvision.export import ExportFormat, Quantize
from shelfvision.export._formats import FORMATS
from shelfvision.predictions import Calibration, TemperatureScaling, Thresholds

if TYPE_CHECKING:
    import keras

Pixels = npt.NDArray[np.uint8]

NAMES = ("juice", "milk \u00e9", "soy <&> yoghurt")
COUNTS = dict(zip(NAMES, (60, 30, 10), strict=True))
SIZE = (20, 24)
NEEDED = {name: kind.write_packages for name, kind in FORMATS.items()}


def require(*packages: str) -> None:
    """Skip a test for which a package is missing."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"it needs {', '.join(missing)}, which are not installed")


def require_writer(kind: ExportFormat) -> None:
    """Skip a test where a user's own network cannot be exported in this way."""
    require(*NEEDED[kind])
    if kind != "keras" and backend_name() != "tensorflow":
        pytest.skip("a network of a user's own is exported under tensorflow")


def tiny_model(seed: int = 3) -> keras.Model:
    """Return a network of a few weights that answers differently to different pixels."""
    backend = load_keras()
    inits = [backend.initializers.GlorotUniform(seed=seed + step) for step in range(2)]
    layers = [
        backend.Input((*SIZE, 3), dtype="uint8", name="image"),
        backend.layers.Rescaling(1 / 25),
        backend.layers.Conv2D(6, 3, strides=2, activation="relu", kernel_initializer=inits[0]),
        backend.layers.GlobalAveragePooling2D(),
        backend.layers.Dense(len(NAMES), activation="softmax", kernel_initializer=inits[1]),
    ]
    return backend.Sequential(layers, name="tiny")


def with_trust(
    plain: shv.Classifier, calibration: Calibration | None, thresholds: Thresholds | None
) -> shv.Classifier:
    """Return the classifier with a calibration and thresholds that were not measured."""
    rule = replace(plain.served.decision_rule, calibration=calibration, thresholds=thresholds)
    return shv.Classifier(replace(plain.served, decision_rule=rule))


def make_classifier() -> shv.Classifier:
    """Return a classifier of a network of our user's own."""
    known: dict[str, object] = {"class_counts": COUNTS}
    return shv.Classifier.from_model(
        tiny_model(), class_names=NAMES, resize="pad", provenance=known
    )


def make_pixels() -> Pixels:
    """Return 40 varied images."""
    rng = np.random.default_rng(0)
    tints = rng.integers(0, 256, (40, 1, 1, 3))
    noise = rng.integers(-60, 60, (40, *SIZE, 3))
    images: Pixels = np.clip(tints + noise, 0, 255).astype(np.uint8)
    return images


def make_trusted(plain: shv.Classifier, pixels: Pixels) -> shv.Classifier:
    """Return the classifier, calibrated by a temperature and with a threshold in the middle."""
    calibration = Calibration(
        calibrator=TemperatureScaling(temperature=2.5),
        num_classes=3,
        n_photos=40,
        error_before=0.2,
        error_after=0.1,
    )
    said = calibration.apply(plain.predict_proba(pixels))
    middle = float(np.median(said.max(axis=1)))
    return with_trust(plain, calibration, Thresholds(values=(middle + 1e-4,)))


@pytest.fixture(scope="session")
def classifier() -> shv.Classifier:
    """Return a classifier of a network of our user's own."""
    return make_classifier()


@pytest.fixture(scope="session")
def pixels() -> Pixels:
    """Return 40 varied images."""
    return make_pixels()


@pytest.fixture(scope="session")
def trusted(classifier: shv.Classifier, pixels: Pixels) -> shv.Classifier:
    """Return the classifier with a calibration and a threshold."""
    return make_trusted(classifier, pixels)


class Shop:
    """Exports each kind of file once, when a test first asks for it."""

    def __init__(self, classifier: shv.Classifier, pixels: Pixels, folder: Path) -> None:
        self._classifier, self._pixels, self._folder = classifier, pixels, folder
        self._made: dict[str, Path] = {}

    def file(self, kind: ExportFormat, quantize: Quantize | None = None) -> Path:
        """Return the path of a file of this kind."""
        require_writer(kind)
        path = self._folder / f"{quantize or 'plain'}{FORMATS[kind].suffix}"
        if path.name not in self._made:
            self._classifier.export(path, format=kind, quantize=quantize, photos=self._pixels)
            self._made[path.name] = path
        return path


@pytest.fixture(scope="session")
def shop(trusted: shv.Classifier, pixels: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return what exports the calibrated classifier."""
    return Shop(trusted, pixels, tmp_path_factory.mktemp("exports"))
