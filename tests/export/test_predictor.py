"""`Predictor`: the classifier's answers from an exported file, without Keras."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._runtime.card import Card
from shelfvision.data.reading import Reader
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    DataError,
    InvalidParameterError,
    MissingDependencyError,
    ModelError,
    PhotoError,
)
from shelfvision.export import Predictor, Runtime
from shelfvision.inference._describing import exported_source
from shelfvision.predictions import ClassPrior
from shelfvision.regions.predicting import regions_of, with_crop_rule
from support import refuses

from .conftest import NAMES, SIZE, Shop, require

Pixels = npt.NDArray[np.uint8]
GOLDEN = Path(__file__).parent / "golden"
RUNTIMES: list[tuple[str, Runtime, str]] = [
    ("tiny.onnx", "onnxruntime", "onnxruntime"),
    ("tiny.onnx", "openvino", "openvino"),
    ("tiny.tflite", "litert", "ai_edge_litert"),
    ("tiny.xml", "openvino", "openvino"),
]
VERSIONS = {1: GOLDEN, 2: GOLDEN / "version-2", 3: GOLDEN / "version-3"}
"""Where the files of every version of what they say about themselves are."""


@pytest.fixture(params=RUNTIMES, ids=lambda param: "-".join(param[:2]))
def predictor(request: pytest.FixtureRequest) -> Predictor:
    """Return a predictor of every kind of file that an earlier version wrote."""
    name, runtime, package = request.param
    require(package)
    return Predictor(GOLDEN / name, runtime=runtime)


def jpeg(image: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("name", "runtime", "package"), RUNTIMES)
def test_files_of_every_version_give_the_same_answers(
    version: int, name: str, runtime: Runtime, package: str
) -> None:
    require(package)
    place = VERSIONS[version]
    predictor = Predictor(place / name, runtime=runtime)
    images, rows = (np.load(place / f"{part}.npy") for part in ("images", "rows"))
    np.testing.assert_allclose(predictor.predict_proba(images), rows, atol=1e-5)
    assert predictor.class_names == NAMES
    assert predictor.predict(images).decisions.tolist().count("accept") == 4


def test_photos_of_every_kind_become_the_pixels_that_the_classifier_sees(
    predictor: Predictor, pixels: Pixels, tmp_path: Path, classifier: shv.Classifier
) -> None:
    big = np.repeat(np.repeat(pixels[0], 5, axis=0), 7, axis=1)
    (tmp_path / "a.jpg").write_bytes(jpeg(big))
    photos = [tmp_path / "a.jpg", jpeg(big), big, pixels[1]]
    reader = Reader(preprocessing=classifier.preprocessing, on_error="raise")
    expected = np.concatenate([batch.images for batch in reader.batches(photos, 1)])
    found = predictor.predict(photos)
    assert found.probabilities.tobytes() == predictor.predict_proba(expected).tobytes()
    assert found.ids.tolist() == [str(tmp_path / "a.jpg"), "1", "2", "3"]


def test_photos_that_fail_are_rows_with_their_error(
    predictor: Predictor, pixels: Pixels, tmp_path: Path
) -> None:
    photos = [jpeg(pixels[0]), b"no photo", tmp_path / "missing.jpg", pixels[1]]
    found = predictor.predict(photos, on_error="skip")
    assert [error is None for error in found.errors] == [True, False, False, True]
    assert found.labels[1] is None
    assert found.decisions[2] == "review"
    with refuses(PhotoError, "not-an-image"):
        predictor.predict(photos)


def test_many_threads_get_the_answers_of_one(predictor: Predictor, pixels: Pixels) -> None:
    alone = [predictor.predict_proba(image) for image in pixels]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(predictor.predict_proba, list(pixels) * 5))
    assert all((a == b).all() for a, b in zip(alone * 5, together, strict=True))


def test_batches_of_any_length_give_the_same_rows(predictor: Predictor, pixels: Pixels) -> None:
    whole = predictor.predict_proba(np.concatenate([pixels, pixels[:3]]))
    parts = [predictor.predict_proba(pixels[a:b]) for a, b in ((0, 1), (1, 8), (8, 40), (0, 3))]
    np.testing.assert_allclose(whole, np.concatenate(parts), atol=1e-6)


def test_no_photos_give_no_rows(predictor: Predictor) -> None:
    assert predictor.predict([]).labels.shape == (0,)
    assert predictor.predict_proba(np.empty((0, *SIZE, 3), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize("mix", [dict.fromkeys(NAMES, 5), "estimate"], ids=["even", "estimate"])
def test_another_mix_of_classes_is_corrected_for_as_the_classifier_does(
    shop: Shop, trusted: shv.Classifier, pixels: Pixels, mix: ClassPrior
) -> None:
    found = Predictor(shop.file("onnx")).predict(pixels, class_prior=mix)
    wanted = trusted.predict(pixels, class_prior=mix)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-5)
    assert found.class_prior is not None
    assert found.class_prior == pytest.approx(wanted.class_prior, abs=1e-4)
    assert not np.allclose(found.probabilities, trusted.predict_proba(pixels), atol=1e-2)


def test_a_file_that_does_not_tell_its_mix_cannot_be_corrected(
    predictor: Predictor, pixels: Pixels
) -> None:
    with refuses(ModelError, "unknown-class-prior", "class_prior"):
        predictor.predict(pixels, class_prior=dict.fromkeys(NAMES, 5))


def test_it_is_pickled_as_its_path(predictor: Predictor, pixels: Pixels) -> None:
    again = pickle.loads(pickle.dumps(predictor))
    assert again.runtime == predictor.runtime
    assert (again.predict_proba(pixels) == predictor.predict_proba(pixels)).all()


def test_its_pickle_keeps_the_number_of_threads() -> None:
    require("onnxruntime")
    one = Predictor(GOLDEN / "tiny.onnx", threads=1)
    make, arguments = pickle.loads(pickle.dumps(one)).__reduce__()
    assert (make.keywords["threads"], make.keywords["runtime"]) == (1, "onnxruntime")
    assert arguments == (str(GOLDEN / "tiny.onnx"),)


def test_it_says_what_it_is(predictor: Predictor) -> None:
    assert f"{predictor.format} by {predictor.runtime}, 3 classes, 20 x 24" in repr(predictor)
    assert predictor.calibration is not None
    assert predictor.thresholds is not None


def test_evaluate_judges_it_like_a_classifier(predictor: Predictor, pixels: Pixels) -> None:
    photos = shv.Dataset.from_arrays(pixels, predictor.predict(pixels).labels.tolist())
    assert shv.evaluate(predictor, photos, resamples=10).accuracy == 1.0


@pytest.mark.parametrize(("name", "runtime", "package"), RUNTIMES)
def test_predicting_imports_no_keras_no_backend_and_no_scikit(
    name: str, runtime: str, package: str, tmp_path: Path
) -> None:
    require(package)
    Image.new("RGB", (50, 40), "orange").save(tmp_path / "a.png")
    program = f"""
import sys
from shelfvision.export import Predictor
predictor = Predictor({str(GOLDEN / name)!r}, runtime={runtime!r})
assert predictor.predict([{str(tmp_path / "a.png")!r}]).labels[0] is not None
heavy = ("keras", "tensorflow", "jax", "torch", "sklearn", "skimage", "scipy", "pandas", "rich")
print(*[name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_regions_have_the_crops_of_the_exported_classifier(
    predictor: Predictor, classifier: shv.Classifier, pixels: Pixels
) -> None:
    shelf = np.concatenate([np.repeat(image, 3, axis=0) for image in pixels[:4]], axis=1)
    boxes = [[24 * place + 1.5, 5, 24 * place + 22, 55.2] for place in range(4)]
    found = predictor.predict_regions(shelf, boxes, context=0.1, shape="image")
    seen: list[Pixels] = []
    rule = classifier.preprocessing
    assert predictor.preprocessing.image_size == rule.image_size

    def spy(crops: Iterable[Pixels]) -> shv.Predictions:
        seen.extend(crops)
        return predictor.predict(seen)

    rule = with_crop_rule(rule, context=0.1, shape="image")
    regions_of(shelf, boxes, rule, spy, as_stored=None)
    np.testing.assert_allclose(found.probabilities, predictor.predict_proba(seen), atol=1e-6)
    assert found.class_names == NAMES
    assert found.ids.tolist() == [f"photo#{place}" for place in range(4)]
    least = float(np.median(found.confidences))
    strict = predictor.predict_regions(
        shelf, boxes, context=0.1, shape="image", min_confidence=least
    )
    assert strict.unknown.tolist() == (found.confidences < least).tolist()
    assert strict.unknown.any()


def test_an_inventory_by_a_predictor_is_that_of_the_exported_classifier(
    predictor: Predictor, trusted: shv.Classifier, pixels: Pixels
) -> None:
    with refuses(DataError, "no-validation-scores", "classifier"):
        shv.take_inventory(predictor, pixels)
    known = shv.Dataset.from_arrays(pixels, np.arange(len(pixels)) % 3, class_names=NAMES)
    classifier = trusted.with_validation(known)
    card = exported_source(classifier.served, "0" * 64).card
    session = predictor._session
    measured = replace(session.export.card, measured=Card.from_json(card.to_json(), "").measured)
    predictor._session = replace(session, export=replace(session.export, card=measured))
    answers = classifier.predict(pixels)
    ours, theirs = (shv.take_inventory(one, answers) for one in (predictor, classifier))
    assert ours.naive == theirs.naive
    assert ours.counts == pytest.approx(theirs.counts)
    rejecting = [
        shv.take_inventory(one, answers, unknown="reject", min_confidence=0.5)
        for one in (predictor, classifier)
    ]
    assert rejecting[0].counts == pytest.approx(rejecting[1].counts)


def test_a_fork_is_refused_in_a_sentence(predictor: Predictor, pixels: Pixels) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("there is no fork here")
    before = predictor._pid
    predictor._pid = before + 1
    with refuses(ModelError, "forked"):
        predictor.predict_proba(pixels[:1])
    predictor._pid = os.getpid()


def test_arguments_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    require("onnxruntime")
    with refuses(InvalidParameterError, "not-an-option", "runtime"):
        Predictor(GOLDEN / "tiny.onnx", runtime="tensorrt")  # type: ignore[arg-type]  # on purpose
    with refuses(InvalidParameterError, "conflict", "runtime"):
        Predictor(GOLDEN / "tiny.onnx", runtime="litert")
    with refuses(InvalidParameterError, "not-in-range", "threads"):
        Predictor(GOLDEN / "tiny.onnx", threads=0)
    with refuses(BundleError, "wrong-digest", "expected_sha256"):
        Predictor(GOLDEN / "tiny.onnx", expected_sha256="0" * 64)
    with refuses(InvalidParameterError, "wrong-type", "expected_sha256"):
        Predictor(GOLDEN / "tiny.onnx", expected_sha256="0")
    with refuses(BundleNotFoundError, "not-found", "path"):
        Predictor(tmp_path / "missing.onnx")


def test_one_thread_is_enough(pixels: Pixels) -> None:
    require("onnxruntime")
    one = Predictor(GOLDEN / "tiny.onnx", threads=1)
    assert one.predict(pixels[0]).labels[0] in NAMES


def test_a_runtime_that_is_missing_is_named_with_its_pip_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refuses(MissingDependencyError, "missing-dependency"):
        Predictor(GOLDEN / "tiny.onnx")
