"""One value says how photos become pixels, and everything that reads photos obeys it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import shelfvision as shv
from shelfvision.data import Preprocessing
from shelfvision.data.reading import Reader
from shelfvision.errors import InvalidParameterError
from support import refuses

CROPPING = Preprocessing(image_size=(28, 14), test_time_crop=0.875)


def photo(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def by_pillow(picture: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Resize to 32 x 16, then keep the 28 x 14 in the middle."""
    resized = picture.resize((16, 32), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(resized.crop((1, 2, 15, 30)))


@given(
    st.builds(
        Preprocessing,
        image_size=st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
        resize=st.sampled_from(["stretch", "pad", "crop"]),
        context=st.floats(0, 10),
        shape=st.sampled_from(["box", "image"]),
        test_time_crop=st.floats(0.5, 1),
    )
)
def test_it_comes_back_from_plain_values(rule: Preprocessing) -> None:
    assert Preprocessing.from_dict(rule.to_dict()) == rule
    assert all(
        kept <= read <= 2 * kept for kept, read in zip(rule.image_size, rule.read_size, strict=True)
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"image_size": (0, 5)}, "not-in-range"),
        ({"resize": "melt"}, "not-an-option"),
        ({"context": -0.1}, "not-in-range"),
        ({"context": float("nan")}, "not-in-range"),
        ({"shape": "round"}, "not-an-option"),
        ({"test_time_crop": 0.4}, "not-in-range"),
        ({"test_time_crop": 1.1}, "not-in-range"),
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, object], code: str) -> None:
    with refuses(InvalidParameterError, code, next(iter(change))):
        dataclasses.replace(CROPPING, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "code", "parameter"),
    [
        ({"rotate": 90}, "foreign-format", "values"),
        ({"context": True}, "not-in-range", "context"),
        ({"context": "0.5"}, "not-in-range", "context"),
        ({"image_size": (28, 14)}, "wrong-type", "values"),
    ],
)
def test_other_plain_values_are_refused(
    change: dict[str, object], code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        Preprocessing.from_dict(CROPPING.to_dict() | change)


def test_a_photo_given_in_any_way_is_resized_and_its_center_kept(tmp_path: Path) -> None:
    picture = photo()
    expected = by_pillow(picture)
    file = io.BytesIO()
    picture.save(file, "PNG")
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "a.png").write_bytes(file.getvalue())
    reader = Reader(preprocessing=CROPPING, on_error="raise")
    dataset = shv.Dataset.from_directory(tmp_path, image_size=(7, 7), resize="pad")
    pixels = np.asarray(picture)
    for given_photo in (
        file.getvalue(), tmp_path / "tea" / "a.png", pixels, pixels[None], picture, dataset,
    ):  # fmt: skip
        (batch,) = reader.batches(given_photo, 4)
        assert np.array_equal(batch.images, expected[None]), type(given_photo)


def test_a_classifier_predicts_evaluates_and_crops_boxes_with_its_own_rule(
    tmp_path: Path,
) -> None:
    rule = Preprocessing(
        image_size=(16, 16), resize="pad", context=0.5, shape="image", test_time_crop=0.5
    )
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(16, 16), seed=3)
    names = ["Can", "Jar"]
    classifier = shv.Classifier.from_model(model, class_names=names, preprocessing=rule)
    plain = shv.Classifier.from_model(model, class_names=names)
    assert (classifier.preprocessing, classifier.resize) == (rule, "pad")
    pixels = np.asarray(photo())
    (batch,) = Reader(preprocessing=rule, on_error="raise").batches(pixels, 1)
    expected = plain.predict_proba(batch.images)
    assert np.array_equal(classifier.predict_proba(pixels), expected)
    arrays = shv.Dataset.from_arrays(batch.images, [0], class_names=names)
    with pytest.warns(match="to 32 x 32 pixels"):
        report = shv.evaluate(classifier, arrays, resamples=1)
    assert len(report.predictions) == 1
    boxes = [[20, 20, 40, 60]]
    by_rule = classifier.predict_regions(pixels, boxes)
    asked = classifier.predict_regions(pixels, boxes, context=0.5, shape="image")
    assert np.array_equal(by_rule.probabilities, asked.probabilities)
    other = classifier.predict_regions(pixels, boxes, context=0)
    assert not np.array_equal(by_rule.probabilities, other.probabilities)
    loaded_from = tmp_path / "a.shelf"
    classifier.save(loaded_from)
    assert shv.Classifier.load(loaded_from).preprocessing == rule
    assert shv.inspect(loaded_from).preprocessing == rule


def test_preprocessing_of_another_model_is_refused() -> None:
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(16, 16), seed=3)
    for given_rule, resize, code, parameter in (
        ({"resize": "pad"}, None, "wrong-type", "preprocessing"),
        (dataclasses.replace(CROPPING, image_size=(16, 16)), "pad", "conflict", "resize"),
    ):
        with refuses(InvalidParameterError, code, parameter):
            shv.Classifier.from_model(
                model,
                class_names=["a", "b"],
                resize=resize,  # type: ignore[arg-type]
                preprocessing=given_rule,  # type: ignore[arg-type]
            )


@pytest.mark.remedy("wrong-size")
def test_preprocessing_of_another_size_fits_once_its_image_size_is_replaced() -> None:
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(16, 16), seed=3)
    with refuses(InvalidParameterError, "wrong-size", "preprocessing") as caught:
        shv.Classifier.from_model(model, class_names=["a", "b"], preprocessing=CROPPING)
    assert "dataclasses.replace(preprocessing, image_size=(16, 16))" in str(caught.value)
    fitting = dataclasses.replace(CROPPING, image_size=(16, 16))
    found = shv.Classifier.from_model(model, class_names=["a", "b"], preprocessing=fitting)
    assert found.preprocessing == fitting
