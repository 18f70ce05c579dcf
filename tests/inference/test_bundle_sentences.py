"""What is said of bundles that cannot be saved, read or built again, word for word."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.safetensors import KEPT, Tensor
from shelfvision.errors import BundleError, InvalidParameterError, ModelError
from shelfvision.inference._bundle import (
    _unnumbered,
    load_bundle,
    read_contents,
    save_bundle,
)
from shelfvision.inference._manifest import BundleManifest
from shelfvision.models import ModelSpec, registry
from shelfvision.models.architecture import Architecture
from shelfvision.predictions import ValidationScores
from support import refuses

if TYPE_CHECKING:
    import keras

MANIFEST = BundleManifest(
    spec=ModelSpec(architecture="mine", num_classes=2, image_size=(1, 1)),
    own_architecture=True,
    class_names=("a", "b"),
    preprocessing=Preprocessing(image_size=(1, 1)),
    provenance={},
    created_with={},
    weights=("w", "b"),
)
WEIGHTS: dict[str, Tensor] = {
    "w": np.ones((3, 2), np.float32),
    "b": np.array([0.5, -2], np.float32),
}


def bundle(
    manifest: BundleManifest = MANIFEST,
    weights: dict[str, Tensor] = WEIGHTS,
    scores: ValidationScores | None = None,
) -> bytes:
    """Return a small bundle."""
    file = io.BytesIO()
    digest = save_bundle(manifest, weights, file, scores)
    assert digest == hashlib.sha256(file.getvalue()).hexdigest()
    return file.getvalue()


def said(kind: type[Exception], act: Callable[[], object]) -> str:
    """Return the sentence with which something is refused."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def test_what_is_saved_is_read_from_paths_and_from_open_files(tmp_path: Path) -> None:
    digest = save_bundle(MANIFEST, WEIGHTS, tmp_path / "x.shelf")
    data = (tmp_path / "x.shelf").read_bytes()
    assert data == bundle()
    for trusted, place in (
        (digest, tmp_path / "x.shelf"),
        (digest.upper(), str(tmp_path / "x.shelf")),
        (None, io.BytesIO(data)),
    ):
        found = read_contents(place, expected_sha256=trusted)
        assert (found.manifest, found.sha256, found.scores) == (MANIFEST, digest, None)
        assert {name: tensor.tolist() for name, tensor in found.tensors.items()} == {
            name: tensor.tolist() for name, tensor in WEIGHTS.items()
        }
        assert [entry.name for entry in found.header.entries] == ["b", "w"]


def test_scores_are_kept_beside_the_weights_and_come_back() -> None:
    scores = ValidationScores(
        probabilities=np.array([[0.25, 0.75], [1, 0]], np.float32),
        labels=np.array([1, 0], np.int32),
        groups=np.array([3, 3], np.int32),
    )
    data = bundle(dataclasses.replace(MANIFEST, n_validation=2), scores=scores)
    found = read_contents(io.BytesIO(data)).scores
    assert found is not None
    for column in ("probabilities", "labels", "groups"):
        np.testing.assert_array_equal(getattr(found, column), getattr(scores, column))
        assert getattr(found, column).dtype == getattr(scores, column).dtype
    shape = "the given file cannot be loaded: the shape of its validation scores differs from "
    one = bundle(dataclasses.replace(MANIFEST, n_validation=1), scores=scores)
    assert said(BundleError, lambda: read_contents(io.BytesIO(one))).startswith(shape)
    none = bundle(scores=scores)
    assert said(BundleError, lambda: read_contents(io.BytesIO(none))) == (
        "the given file cannot be loaded: it holds other tensors than its manifest names; copy it "
        "from its source again"
    )


def test_weights_that_cannot_be_given_back_are_refused() -> None:
    def save(tensor: Tensor, name: str = "w") -> bytes:
        return bundle(weights={name: tensor, "b": WEIGHTS["b"]})

    assert said(ModelError, lambda: save(np.ones(1, np.complex64))) == (
        "the weight 'w' is of type complex64, which a bundle cannot hold; cast the model to "
        "float32 and save again"
    )
    for number in (np.nan, np.inf):
        assert said(ModelError, partial(save, np.array([1, number]))) == (
            "the weight 'w' has numbers that are not finite, so the classifier is broken and is "
            "not saved; train again or go back to an earlier checkpoint"
        )
    assert said(ModelError, lambda: save(np.ones(1), f"{KEPT}x")) == (
        f"the weight '{KEPT}x' has a name that bundles keep for scores; name its layer otherwise "
        "and save again"
    )


def test_a_file_of_another_size_or_digest_is_told(tmp_path: Path) -> None:
    data, path = bundle(), tmp_path / "x.shelf"
    for other in (data[:-1], data + b"!"):
        path.write_bytes(other)
        assert said(BundleError, lambda: read_contents(path)) == (
            f"{str(path)!r} must have {len(data)} bytes according to its header, got "
            f"{len(path.read_bytes())}; it was truncated or extended, so copy it again from its "
            "source"
        )
    path.write_bytes(data)
    wrong = "AB" * 32
    assert said(BundleError, lambda: read_contents(path, expected_sha256=wrong)) == (
        f"{str(path)!r} must have the SHA-256 {wrong.lower()} of expected_sha256, got "
        f"{hashlib.sha256(data).hexdigest()}; it is another file than the one you trust"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("x.onnx", " (what export wrote is run by shelfvision.export.Predictor)"),
        ("x.TFLITE", " (what export wrote is run by shelfvision.export.Predictor)"),
        ("x.xml", " (what export wrote is run by shelfvision.export.Predictor)"),
        (
            "x.keras",
            " (Classifier.from_model makes one of a model that keras.models.load_model has loaded)",
        ),
        ("x.shelf", ""),
    ],
)
def test_a_file_that_is_taken_for_a_classifier_is_told_with_what_it_is_for(
    tmp_path: Path, name: str, hint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\3\4 what another program wrote")
    assert said(BundleError, lambda: read_contents(path)) == (
        f"{str(path)!r} cannot be loaded: it is not a classifier saved by shelfvision{hint}; check "
        "that it is the right file, and copy it from its source again"
    )


@pytest.mark.parametrize("digest", ["abc", "g" * 64, "0" * 65, 7])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    assert said(
        InvalidParameterError, lambda: read_contents(io.BytesIO(b""), expected_sha256=digest)
    ) == (f"expected_sha256 must be 64 hexadecimal digits, got {digest!r}; sha256sum prints them")


class Broken(io.BytesIO):
    """A file that cannot be read."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self.error


class Text(io.BytesIO):
    """A file that gives text though it does not look so."""

    def read(self, size: int | None = -1) -> bytes:
        return "text"  # type: ignore[return-value]  # that is what is wrong with it


def test_a_place_that_gives_no_bytes_is_told() -> None:
    places: tuple[tuple[object, str], ...] = ((b"", "bytes"), (io.StringIO(), "StringIO"))
    for place, kind in (*places, (None, "NoneType")):
        refused = (
            f"path must be a path or an open binary file, not {kind}; wrap bytes in io.BytesIO, "
            "and open files in binary mode"
        )
        read = lambda place=place: read_contents(place)  # noqa: E731  (one act of two)
        write = lambda place=place: save_bundle(MANIFEST, WEIGHTS, place)  # noqa: E731
        assert said(InvalidParameterError, read) == refused
        assert said(InvalidParameterError, write) == refused
    assert said(InvalidParameterError, lambda: read_contents(Text())) == (
        "path must be a path or a binary file, but the given file returned str; open it in "
        "binary mode"
    )
    told = "the given file cannot be read: {}; check the disk"
    for error, reason in (
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError("odd"), "odd"),
    ):
        broken = Broken(error)
        assert said(BundleError, partial(read_contents, broken)) == told.format(reason)


# -- built again ---------------------------------------------------------------------------


def own(*, side: int = 4, units: int = 2, name: str = "ending") -> keras.Model:
    """Return a tiny network of nobody's."""
    layers = load_keras().layers
    body = [layers.GlobalAveragePooling2D(), layers.Dense(units, activation="softmax", name=name)]
    return load_keras().Sequential([load_keras().Input((side, side, 3)), *body], name="own")


@pytest.fixture(scope="module")
def saved() -> bytes:
    """Return the bundle of a network of one's own."""
    file = io.BytesIO()
    shv.Classifier.from_model(own(), class_names=["a", "b"]).save(file)
    return file.getvalue()


def test_a_network_of_ones_own_is_built_again_by_its_builder(saved: bytes) -> None:
    found = load_bundle(io.BytesIO(saved), builder=lambda spec: own())
    tensors = read_contents(io.BytesIO(saved)).tensors
    assert found.scores is None
    for name, value in zip(found.manifest.weights, found.model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, tensors[name])


def test_the_builder_gets_the_settings_that_were_saved_and_only_a_trusted_file(
    saved: bytes,
) -> None:
    asked: list[ModelSpec] = []

    def build(spec: ModelSpec) -> keras.Model:
        asked.append(spec)
        return own()

    with refuses(BundleError, "wrong-digest", "expected_sha256"):
        load_bundle(io.BytesIO(saved), expected_sha256="0" * 64, builder=build)
    assert asked == []
    digest = hashlib.sha256(saved).hexdigest()
    load_bundle(io.BytesIO(saved), expected_sha256=digest, builder=build)
    assert asked == [ModelSpec(architecture="own", num_classes=2, image_size=(4, 4))]


def test_the_names_that_keras_numbers_may_have_other_numbers() -> None:
    assert [_unnumbered(name) for name in ("dense_2/kernel", "a_10", "b#3", "conv2d/v1")] == [
        *("dense/kernel", "a", "b", "conv2d/v1")
    ]
    numbered = io.BytesIO()
    shv.Classifier.from_model(own(name="end_7"), class_names=["a", "b"]).save(numbered)
    for model in (own(name="end"), own(name="end_12")):
        numbered.seek(0)
        assert load_bundle(numbered, builder=Mock(return_value=model)).model is model


def test_a_registered_network_is_built_as_ours_are(
    saved: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    shv.register_architecture("own", lambda spec: own())
    assert load_bundle(io.BytesIO(saved)).model.name == "own"
    monkeypatch.setattr(registry, "_registered", {})
    shv.register_architecture("mine", lambda spec: own())
    pretended = bundle(dataclasses.replace(MANIFEST, own_architecture=False))
    assert said(BundleError, lambda: read_contents(io.BytesIO(pretended))) == (
        "the given file cannot be loaded: it gives 'mine' out as an architecture of shelfvision; "
        "copy it from its source again"
    )


def test_a_network_of_keras_may_have_just_the_fewest_numbers_and_no_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = dataclasses.replace(MANIFEST, own_architecture=False)
    for fewest in (8, 9):
        known = {"mine": Architecture(build=lambda spec: own(), fewest=fewest)}
        monkeypatch.setattr(registry, "_BUILTIN", known)
        read = partial(read_contents, io.BytesIO(bundle(manifest)))
        if fewest == 8:
            assert read().manifest == manifest
        else:
            assert said(BundleError, read) == (
                "the given file cannot be loaded: it holds 8 numbers, but its architecture has at "
                "least 9; copy it from its source again"
            )


def test_a_network_that_is_not_the_one_that_was_saved_is_refused(saved: bytes) -> None:
    def told(kind: type[Exception], builder: object) -> str:
        return said(kind, lambda: load_bundle(io.BytesIO(saved), builder=builder))  # type: ignore[arg-type]  # some are wrong

    assert told(InvalidParameterError, 3) == (
        "builder must be a function that takes a ModelSpec, not 3"
    )
    assert told(ModelError, lambda spec: "x") == "builder must return a keras.Model, not str"
    other = (
        "the given file does not fit the model that was built for it: the weights differ in name, "
        "order or shape; build exactly the model that was saved"
    )
    assert told(BundleError, lambda spec: own(units=3)) == other
    assert told(BundleError, lambda spec: own(name="end")) == other
    assert told(BundleError, lambda spec: own(side=5)) == (
        "the given file does not fit the model that was built for it: it serves images of shape "
        "(4, 4, 3), but the model takes (None, 5, 5, 3); build it with the image_size of the "
        "ModelSpec"
    )


def test_a_network_of_ones_own_needs_a_builder(saved: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.shelf").write_bytes(saved)
    assert said(BundleError, lambda: load_bundle(tmp_path / "x.shelf")) == (
        f"{str(tmp_path / 'x.shelf')!r} has the custom architecture 'own', which only your "
        "code can build; pass builder=, a function that takes a ModelSpec and returns the model, "
        "or register it with register_architecture"
    )
