"""`Classifier`: every way to ask it, and what it refuses."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._photos.decode import read_photo, resize_image
from shelfvision.errors import (
    InvalidParameterError,
    ModelError,
    PhotoError,
    PhotoNotFoundError,
)
from support import refuses

Pixels = npt.NDArray[np.uint8]
SIZE = (88, 90)


@pytest.fixture
def files(pixels: Pixels, tmp_path: Path) -> list[Path]:
    """Save five images, which PNG keeps to the bit."""
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path, image in zip(paths, pixels, strict=False):
        Image.fromarray(image).save(path)
    return paths


def test_probabilities_are_the_models_own(pixels: Pixels) -> None:
    model = shv.build_model(3, image_size=SIZE, seed=5)
    found = shv.Classifier.from_model(model, class_names=list("abc"))
    wanted = np.asarray(model.predict_on_batch(pixels[:8]))
    np.testing.assert_allclose(found.predict_proba(pixels[:8]), wanted, atol=1e-6)


def test_every_way_to_give_a_photo_gives_the_same_answer(
    classifier: shv.Classifier, pixels: Pixels, files: list[Path]
) -> None:
    ways: list[object] = [
        files[0],
        str(files[0]),
        [files[0]],
        files[0].read_bytes(),
        [files[0].read_bytes()],
        pixels[0],
        pixels[:1],
        [pixels[0]],
        (path for path in files[:1]),
        shv.Dataset.from_arrays(pixels[:1], [0], class_names=classifier.class_names),
    ]
    answers = [classifier.predict(way).probabilities for way in ways]  # type: ignore[arg-type]  # of every kind
    assert all(np.array_equal(answer, answers[0]) for answer in answers)


def test_ids_are_paths_as_given_numbers_or_the_datasets(
    classifier: shv.Classifier, pixels: Pixels, files: list[Path]
) -> None:
    assert classifier.predict(files[:2]).ids.tolist() == [str(path) for path in files[:2]]
    assert classifier.predict([pixels[0], str(files[1])]).ids.tolist() == ["0", str(files[1])]
    assert classifier.predict(pixels[:3]).ids.tolist() == ["0", "1", "2"]
    dataset = shv.Dataset.from_arrays(pixels[:2], [0, 1], ids=["x", "y"])
    assert classifier.predict(dataset).ids.tolist() == ["x", "y"]


def test_rows_come_in_the_order_asked_for_whatever_the_number(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    alone = np.concatenate([classifier.predict_proba(image) for image in pixels])
    for n in (1, 2, 3, 5, 8, 9, 17, 33, 40):
        found = classifier.predict_proba(pixels[:n])
        assert found.shape == (n, 3)
        np.testing.assert_allclose(found, alone[:n], atol=1e-5)


def test_the_answers_differ_between_photos(classifier: shv.Classifier, pixels: Pixels) -> None:
    assert np.ptp(classifier.predict_proba(pixels), axis=0).max() > 0.01


def test_no_photos_give_no_rows(classifier: shv.Classifier, pixels: Pixels) -> None:
    assert len(classifier.predict([])) == 0
    assert classifier.predict_proba(pixels[:0]).shape == (0, 3)
    assert classifier.embed([]).shape == (0, 64)


def test_pixels_of_another_size_are_resized_as_photos_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (120, 70, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "photo.png")
    model = shv.build_model(3, image_size=SIZE)
    for resize in ("stretch", "pad", "crop"):
        by_resizing = resize_image(image, image_size=SIZE, resize=resize)
        by_reading = read_photo(tmp_path / "photo.png", image_size=SIZE, resize=resize)
        assert np.array_equal(by_resizing, by_reading)
        found = shv.Classifier.from_model(model, class_names=list("abc"), resize=resize)
        asked: list[object] = [image, image[None], tmp_path / "photo.png", by_resizing]
        answers = [found.predict_proba(photo) for photo in asked]  # type: ignore[arg-type]  # of every kind
        assert all(np.array_equal(answer, answers[0]) for answer in answers)


def test_an_iterable_is_read_batch_by_batch(classifier: shv.Classifier, pixels: Pixels) -> None:
    given = 0

    def camera() -> Iterator[Pixels]:
        nonlocal given
        for number in range(1000):
            if number == 700:
                raise KeyboardInterrupt
            given += 1
            yield pixels[number % 40]

    with pytest.raises(KeyboardInterrupt):
        classifier.predict(camera())
    assert given == 700
    assert len(classifier.predict(pixels[n % 40] for n in range(150))) == 150


def test_a_photo_that_cannot_be_read_becomes_a_row_when_skipping(
    classifier: shv.Classifier, files: list[Path]
) -> None:
    files[1].write_bytes(files[1].read_bytes()[:60])
    missing = files[0].with_name("missing.png")
    asked = [files[0], files[1], missing, files[2]]
    found = classifier.predict(asked, on_error="skip")
    assert [error is None for error in found.errors] == [True, False, False, True]
    assert str(files[1]) in str(found.errors[1])
    assert found.decisions.tolist() == [None, "review", "review", None]
    good = classifier.predict_proba([files[0], files[2]])
    np.testing.assert_allclose(found.probabilities[[0, 3]], good, atol=1e-6)
    with refuses(PhotoError, "truncated"):
        classifier.predict(asked)


def test_when_every_photo_fails_every_row_tells(classifier: shv.Classifier) -> None:
    found = classifier.predict([b"", b"not a photo"], on_error="skip")
    assert found.labels.tolist() == [None, None]
    assert all(found.errors)


def test_a_dataset_with_a_broken_photo_loses_only_that_row(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    for number in range(4):
        place = tmp_path / "ab"[number % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(pixels[number]).save(place / f"{number}.png")
    dataset = shv.Dataset.from_directory(tmp_path, image_size=SIZE)
    broken = tmp_path / "b" / "1.png"
    broken.write_bytes(broken.read_bytes()[:80])
    found = classifier.predict(dataset, on_error="skip")
    assert [error is None for error in found.errors] == [True, True, False, True]
    with refuses(PhotoError, "truncated"):
        classifier.predict(dataset)


def test_a_missing_photo_is_a_missing_file(classifier: shv.Classifier) -> None:
    with refuses(PhotoNotFoundError, "not-found"):
        classifier.predict("nowhere.jpg")
    with pytest.raises(FileNotFoundError):
        classifier.predict("nowhere.jpg")


def test_a_url_is_not_fetched_unless_it_is_allowed(classifier: shv.Classifier) -> None:
    with refuses(PhotoError, "not-enabled", "storage_options"):
        classifier.predict("https://example.com/milk.jpg")


def test_what_is_no_photo_is_refused_with_the_remedy(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    cases: list[tuple[object, str]] = [
        (pixels[0] / np.float32(255), "wrong-dtype"),
        (pixels / 255, "wrong-dtype"),
        ([pixels[0].astype(np.int64)], "wrong-dtype"),
        (pixels[0, :, :, 0], "wrong-shape"),
        ([pixels[0], pixels[:2]], "wrong-shape"),
        (np.zeros((2, 8, 8, 4), np.uint8), "wrong-shape"),
        (np.zeros((0, 0, 3), np.uint8), "wrong-shape"),
        (tmp_path, "not-a-file"),
        (None, "wrong-type"),
        ({"a": 1}, "wrong-type"),
        (7, "wrong-type"),
        ([7], "wrong-type"),
    ]
    for photos, code in cases:
        with refuses(InvalidParameterError, code, "photos"):
            classifier.predict(photos, on_error="skip")  # type: ignore[arg-type]  # wrong on purpose
    with refuses(InvalidParameterError, "not-an-option", "on_error"):
        classifier.predict(pixels, on_error="ignore")  # type: ignore[arg-type]  # wrong on purpose


def test_training_the_model_further_does_not_change_the_classifier(pixels: Pixels) -> None:
    model = shv.build_model(2, image_size=SIZE)
    before = shv.Classifier.from_model(model, class_names=["a", "b"])
    late = shv.Classifier.from_model(model, class_names=["a", "b"])
    wanted = before.predict_proba(pixels[:8])
    model.trainable = False
    model.set_weights([weight + 0.5 for weight in model.get_weights()])
    assert np.array_equal(before.predict_proba(pixels[:8]), wanted)
    # This one compiles its program only now.
    assert np.array_equal(late.predict_proba(pixels[:8]), wanted)


def test_predicting_leaves_the_model_as_it_was(pixels: Pixels) -> None:
    model = shv.build_model(2, image_size=SIZE, dropout=0.5)
    before = [np.array(load_keras().ops.convert_to_numpy(v.value)) for v in model.variables]
    found = shv.Classifier.from_model(model, class_names=["a", "b"])
    assert np.array_equal(found.predict_proba(pixels[:4]), found.predict_proba(pixels[:4]))
    after = [np.array(load_keras().ops.convert_to_numpy(v.value)) for v in model.variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_embeddings_are_what_goes_into_the_last_layer(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    model = shv.build_model(3, image_size=SIZE, seed=5)
    found = shv.Classifier.from_model(model, class_names=list("abc"))
    kernel, bias = model.get_layer("probabilities").get_weights()
    logits = found.embed(pixels[:8]) @ kernel + bias
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, found.predict_proba(pixels[:8]), atol=1e-5)


def test_threads_get_bit_for_bit_what_one_gets(classifier: shv.Classifier, pixels: Pixels) -> None:
    wanted = [classifier.predict_proba(image) for image in pixels]
    wrong: list[int] = []

    def ask(start: int) -> None:
        for number in range(start, start + 100):
            answer = classifier.predict_proba(pixels[number % 40])
            if not np.array_equal(answer, wanted[number % 40]):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_a_classifier_inherited_through_a_fork_refuses_at_once(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    classifier.predict(pixels[0])
    file = io.BytesIO()
    classifier.save(file)
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: classifier.predict(pixels[0]), lambda: shv.build_model(2)):
            try:
                use()
            except ModelError as error:
                refused += "fork" in str(error)
        os._exit(42 if refused == 2 else 1)
    for _ in range(300):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(status) == 42


def _own(outputs: int = 3, activation: str = "softmax", dtype: str = "float32") -> object:
    keras = load_keras()
    image = keras.Input((8, 8, 3), dtype=dtype)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.Dense(outputs, activation=activation)(x))


def test_a_model_of_ones_own_serves_too(pixels: Pixels) -> None:
    for dtype in ("uint8", "float32"):
        found = shv.Classifier.from_model(_own(dtype=dtype), class_names=list("abc"))
        assert found.predict_proba(pixels[:2]).shape == (2, 3)
        assert found.image_size == (8, 8)


def test_a_subclassed_model_serves_but_has_no_embedding() -> None:
    keras = load_keras()

    class Own(keras.Model):  # type: ignore[misc, name-defined]  # keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2, activation="softmax")

        def call(self, images: object) -> object:
            return self.dense(keras.ops.mean(keras.ops.cast(images, "float32"), axis=(1, 2)))

    with refuses(ModelError, "wrong-shape", "model"):
        shv.Classifier.from_model(Own(), class_names=["a", "b"])


def test_a_model_that_cannot_be_served_is_refused() -> None:
    keras = load_keras()
    loose = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(loose)
    any_size = keras.Model(loose, keras.layers.Dense(3, activation="softmax")(pooled))
    cases: list[tuple[object, str, str]] = [
        ("model.keras", "wrong-type", "model"),
        (any_size, "wrong-shape", "model"),
        (_own(outputs=1), "wrong-shape", "model"),
        (_own(outputs=4), "wrong-length", "class_names"),
    ]
    for model, code, parameter in cases:
        with refuses(ModelError, code, parameter):
            shv.Classifier.from_model(model, class_names=list("abc"))


def test_outputs_that_are_no_probabilities_are_refused() -> None:
    model = _own(activation="linear")
    found = shv.Classifier.from_model(model, class_names=list("abc"))
    with refuses(ModelError, "not-probabilities"):
        found.predict(np.full((8, 8, 3), 200, np.uint8))


def test_weights_that_are_not_finite_are_told() -> None:
    model = shv.build_model(2, image_size=SIZE)
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    found = shv.Classifier.from_model(model, class_names=["a", "b"])
    with refuses(ModelError, "not-finite"):
        found.predict(np.zeros((*SIZE, 3), np.uint8))
    with refuses(ModelError, "not-finite"):
        found.save(io.BytesIO())


def test_provenance_must_be_plain_values() -> None:
    model = shv.build_model(2, image_size=SIZE)
    with refuses(InvalidParameterError, "not-plain", "provenance"):
        shv.Classifier.from_model(model, class_names=["a", "b"], provenance={"x": object()})
    given: dict[str, object] = {"notes": ["one"]}
    found = shv.Classifier.from_model(model, class_names=["a", "b"], provenance=given)
    given["notes"] = []
    assert found.provenance == {"notes": ["one"]}


def test_an_array_of_paths_is_a_list_of_paths(
    classifier: shv.Classifier, files: list[Path]
) -> None:
    names = [str(path) for path in files]
    expected = classifier.predict_proba(names)
    for array in (np.array(names), np.array(names, dtype=object)):
        assert np.array_equal(classifier.predict_proba(array), expected)


def test_an_open_file_is_refused_instead_of_read_by_lines(
    classifier: shv.Classifier, files: list[Path]
) -> None:
    with (
        files[0].open("rb") as file,
        refuses(InvalidParameterError, "wrong-type", "photos"),
    ):
        classifier.predict(file)


def test_a_path_that_no_file_system_takes_is_a_row_with_its_error(
    classifier: shv.Classifier, files: list[Path]
) -> None:
    found = classifier.predict(["a" * 5000, "a\0b", files[0]], on_error="skip")
    assert [error is None for error in found.errors] == [False, False, True]
