"""What the room promises holds for any photos and any classifier that there may be to save."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import shelfvision as shv
from shelfvision._identifiers import clean_name
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.errors import BundleError, PhotoError
from shelfvision.inference._bundle import read_contents, save_bundle
from shelfvision.inference._manifest import BundleManifest, plain
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, TemperatureScaling, Thresholds, ValidationScores

Pixels = npt.NDArray[np.uint8]
WAYS = ("path", "text", "bytes", "pixels", "torn bytes", "missing path")


@pytest.fixture(scope="module")
def files(pixels: Pixels, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return six photos as files that lose nothing."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"{number}.png" for number in range(6)]
    for path, image in zip(paths, pixels, strict=False):
        Image.fromarray(image).save(path)
    return paths


def given_as(way: str, path: Path, image: Pixels) -> Path | str | bytes | Pixels:
    data = path.read_bytes()
    ways: dict[str, Path | str | bytes | Pixels] = {
        "path": path,
        "text": str(path),
        "bytes": data,
        "pixels": image,
        "torn bytes": data[: len(data) // 2],
        "missing path": path.with_name("none.png"),
    }
    return ways[way]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(WAYS)), max_size=7))
def test_photos_of_every_kind_are_answered_as_each_alone_and_failures_tell_why(
    classifier: shv.Classifier,
    pixels: Pixels,
    files: list[Path],
    photos: list[tuple[int, str]],
) -> None:
    expected = classifier.predict_proba(pixels[:6])
    asked = [given_as(way, files[number], pixels[number]) for number, way in photos]
    bad = ["torn" in way or "missing" in way for _, way in photos]
    found = classifier.predict(asked, on_error="skip")
    assert [reason is not None for reason in found.errors] == bad
    for row, (number, _) in enumerate(photos):
        if not bad[row]:
            np.testing.assert_allclose(found.probabilities[row], expected[number], atol=1e-6)
    if any(bad):
        with pytest.raises(PhotoError):
            classifier.predict(asked)


names = st.text(min_size=1, max_size=4)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**9) | st.text(max_size=4) | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
Weights = dict[str, npt.NDArray[np.generic]]


@st.composite
def bundles(draw: st.DrawFn) -> tuple[BundleManifest, Weights, ValidationScores | None]:
    """Return all that a file may hold, of an architecture that only its user knows."""
    class_names = draw(
        st.lists(names.map(clean_name).filter(bool), min_size=2, max_size=4, unique=True).map(tuple)
    )
    k, rng = len(class_names), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights: Weights = {
        name: (rng.normal(size=shape) * 9).astype(dtype)
        for name in draw(
            st.lists(st.text("ab/#é", min_size=1, max_size=3), max_size=3, unique=True)
        )
        for shape in [draw(st.lists(st.integers(0, 3), max_size=3))]
        for dtype in [draw(st.sampled_from(["float32", "float16", "int32", "uint8", "bool"]))]
    }
    n = draw(st.none() | st.integers(1, 4))
    scores = None
    if n is not None:
        rows = rng.dirichlet(np.ones(k), n).astype(np.float32)
        scores = ValidationScores.of(rows, rng.integers(0, k, n), rng.integers(0, 2, n))
    size = draw(st.tuples(st.integers(1, 4096), st.integers(1, 4096)))
    manifest = BundleManifest(
        spec=ModelSpec(architecture="only mine", num_classes=k, image_size=size),
        own_architecture=True,
        class_names=class_names,
        preprocessing=Preprocessing(
            image_size=size,
            resize=draw(st.sampled_from(["stretch", "pad", "crop"])),
            context=draw(st.floats(0, 10)),
            shape=draw(st.sampled_from(["box", "image"])),
            test_time_crop=draw(st.floats(0.5, 1)),
        ),
        provenance=plain(draw(st.dictionaries(names, plain_values, max_size=3))),
        created_with=draw(st.dictionaries(names, names, max_size=2)),
        weights=tuple(draw(st.permutations(list(weights)))),
        calibration=draw(st.none() | st.floats(0.1, 9).map(lambda t: cooled(k, t))),
        thresholds=draw(st.none() | st.floats(0, 1).map(lambda t: Thresholds(values=(t,)))),
        n_validation=n,
    )
    return manifest, weights, scores


def cooled(k: int, temperature: float) -> Calibration:
    return Calibration(
        calibrator=TemperatureScaling(temperature=temperature),
        num_classes=k,
        n_photos=3,
        error_before=0.2,
        error_after=0.1,
    )


@settings(max_examples=60)
@given(bundles())
def test_a_bundle_gives_back_to_the_bit_what_was_saved(
    bundle: tuple[BundleManifest, Weights, ValidationScores | None],
) -> None:
    manifest, weights, scores = bundle
    file = io.BytesIO()
    digest = save_bundle(manifest, weights, file, scores)
    assert digest == hashlib.sha256(file.getvalue()).hexdigest()
    found = read_contents(io.BytesIO(file.getvalue()), expected_sha256=digest)
    assert found.manifest == manifest
    for name, value in weights.items():
        again = found.tensors[name]
        assert (again.dtype, again.shape, again.tobytes()) == (
            value.dtype,
            value.shape,
            value.tobytes(),
        )
    assert (found.scores is None) == (scores is None)
    if scores is not None and found.scores is not None:
        np.testing.assert_array_equal(found.scores.probabilities, scores.probabilities)
    twice = io.BytesIO()
    save_bundle(found.manifest, weights, twice, found.scores)
    assert twice.getvalue() == file.getvalue()


@settings(max_examples=60)
@given(bundles(), st.data())
def test_any_change_of_any_bundle_is_refused(
    bundle: tuple[BundleManifest, Weights, ValidationScores | None], data: st.DataObject
) -> None:
    file = io.BytesIO()
    save_bundle(bundle[0], bundle[1], file, bundle[2])
    damaged = bytearray(file.getvalue())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    cut = file.getvalue()[: data.draw(st.integers(0, len(damaged) - 1))]
    for changed in (bytes(damaged), cut, file.getvalue() + b"\0"):
        with pytest.raises(BundleError) as caught:
            read_contents(io.BytesIO(changed))
        assert "\n" not in str(caught.value)
