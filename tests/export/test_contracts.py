"""What the room promises holds for any photos that are given to an exported file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shelfvision._identifiers import clean_name
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._runtime.card import Card
from shelfvision.errors import BundleError, PhotoError
from shelfvision.export import Predictor
from shelfvision.predictions import (
    Calibration,
    Predictions,
    Profile,
    TemperatureScaling,
    Thresholds,
)
from support import refuses

from .conftest import require

Pixels = npt.NDArray[np.uint8]
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module", params=["tiny.onnx", "tiny.tflite"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    """Return what predicts from a file of an earlier version."""
    require({"tiny.onnx": "onnxruntime", "tiny.tflite": "ai_edge_litert"}[request.param])
    return Predictor(GOLDEN / request.param)


def png(image: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def given_as(way: str, image: Pixels) -> bytes | Pixels:
    if way == "pixels":
        return image
    return png(image) if way == "bytes" else png(image)[:40]


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["bytes", "pixels", "torn"])), max_size=9)
)
def test_every_photo_is_answered_as_alone_and_failures_are_rows_with_their_error(
    predictor: Predictor, pixels: Pixels, photos: list[tuple[int, str]]
) -> None:
    expected = predictor.predict_proba(pixels[:10])
    asked = [given_as(way, pixels[number]) for number, way in photos]
    bad = [way == "torn" for _, way in photos]
    found = predictor.predict(asked, on_error="skip")
    assert [reason is not None for reason in found.errors] == bad
    for row, (number, _) in enumerate(photos):
        if not bad[row]:
            np.testing.assert_allclose(found.probabilities[row], expected[number], atol=1e-5)
    if any(bad):
        with refuses(PhotoError, "truncated"):
            predictor.predict(asked)


# As classifiers hold them.
names = st.text(min_size=1, max_size=5).map(clean_name).filter(bool)
cards = st.builds(
    lambda class_names, rule, temperature, threshold: Card(
        class_names=tuple(class_names),
        preprocessing=rule,
        calibration=None
        if temperature is None
        else Calibration(
            calibrator=TemperatureScaling(temperature=temperature),
            num_classes=len(class_names),
            n_photos=3,
            error_before=0.2,
            error_after=0.1,
        ),
        calibration_in_graph=False,
        thresholds=None if threshold is None else Thresholds(values=(threshold,)),
        trained_shares=None,
        quantize=None,
        source_sha256="ab" * 32,
        created_with=(("numpy", "2"),),
        profile=None
        if threshold is None
        else Profile.from_predictions(
            Predictions(np.eye(len(class_names)), class_names, class_names)
        ),
    ),
    st.lists(names, min_size=2, max_size=4, unique=True),
    st.builds(
        Preprocessing,
        image_size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
        resize=st.sampled_from(["stretch", "pad", "crop"]),
        context=st.floats(0, 10),
        shape=st.sampled_from(["box", "image"]),
        test_time_crop=st.floats(0.5, 1),
    ),
    st.none() | st.floats(0.1, 9),
    st.none() | st.floats(0, 1),
)


@settings(max_examples=60)
@given(cards, st.data())
def test_what_a_file_says_about_itself_comes_back_or_is_refused(
    card: Card, data: st.DataObject
) -> None:
    text = card.to_json()
    assert Card.from_json(text, "it") == card
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(BundleError):
        Card.from_json(cut, "it")
