"""The bundle: what is saved comes back to the bit, and nothing else is ever believed."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.json_values import canonical_json
from shelfvision._storage.safetensors import DIGESTS, tensor_digests, write
from shelfvision._storage.sealed import SEAL, seal
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    InvalidParameterError,
    ModelError,
    StorageError,
)
from shelfvision.inference._bundle import read_contents, save_bundle
from shelfvision.inference._manifest import ENTRY, BundleManifest
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, TemperatureScaling, Thresholds, ValidationScores
from support import refuses
from support.bundles import refusal_of

if TYPE_CHECKING:
    import keras

Pixels = npt.NDArray[np.uint8]
Fields = dict[str, Any]
GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def saved(classifier: shv.Classifier) -> bytes:
    file = io.BytesIO()
    classifier.save(file)
    return file.getvalue()


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """Return a bundle with a part of every kind, so small that every bit of it can be tried."""
    scores = ValidationScores(
        probabilities=np.array([[0.25, 0.75], [1, 0]], np.float32),
        labels=np.array([1, 0], np.int32),
        groups=np.array([0, 1], np.int32),
    )
    manifest = BundleManifest(
        spec=ModelSpec(architecture="mine", num_classes=2, image_size=(1, 1)),
        own_architecture=True,
        class_names=("a", "b"),
        preprocessing=Preprocessing(image_size=(1, 1)),
        provenance={},
        created_with={},
        weights=("w", "b"),
        calibration=Calibration(
            calibrator=TemperatureScaling(temperature=1.5),
            num_classes=2,
            n_photos=2,
            error_before=0.2,
            error_after=0.1,
        ),
        thresholds=Thresholds(values=(0.75,)),
        n_validation=2,
    )
    file = io.BytesIO()
    weights = {"w": np.ones((3, 2), np.float32), "b": np.array([0.5, -2], np.float32)}
    save_bundle(manifest, weights, file, scores)
    return file.getvalue()


def test_a_classifier_comes_back_as_it_was(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    digest = classifier.save(tmp_path / "groceries.shelf")
    found = shv.Classifier.load(tmp_path / "groceries.shelf", expected_sha256=digest.upper())
    assert np.array_equal(found.predict_proba(pixels), classifier.predict_proba(pixels))
    assert found.class_names == classifier.class_names
    assert (found.image_size, found.resize) == (classifier.image_size, classifier.resize)
    assert found.provenance == {"data": "made up"}
    assert hashlib.sha256((tmp_path / "groceries.shelf").read_bytes()).hexdigest() == digest


@pytest.mark.processes
def test_another_process_gets_the_same_probabilities_from_a_file_and_from_a_pickle(
    classifier: shv.Classifier, pixels: Pixels, tmp_path: Path
) -> None:
    classifier.save(tmp_path / "groceries.shelf")
    (tmp_path / "groceries.pickle").write_bytes(pickle.dumps(classifier))
    np.save(tmp_path / "pixels.npy", pixels[:8])
    code = (
        "import os, pickle, sys, numpy as np, shelfvision as shv\n"
        "os.chdir(sys.argv[1])\n"
        "pixels = np.load('pixels.npy')\n"
        "with open('groceries.pickle', 'rb') as file:\n"
        "    found = [pickle.load(file), shv.Classifier.load('groceries.shelf')]\n"
        "np.save('answers.npy', [one.predict_proba(pixels) for one in found])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=600)
    wanted = classifier.predict_proba(pixels[:8])
    assert all(np.array_equal(one, wanted) for one in np.load(tmp_path / "answers.npy"))


def test_saving_twice_gives_the_same_bytes(classifier: shv.Classifier, saved: bytes) -> None:
    file = io.BytesIO()
    classifier.save(file)
    assert file.getvalue() == saved


def test_what_was_loaded_saves_to_the_same_bytes(saved: bytes) -> None:
    file = io.BytesIO()
    shv.Classifier.load(io.BytesIO(saved)).save(file)
    assert file.getvalue() == saved


def test_the_safetensors_package_reads_a_bundle(saved: bytes) -> None:
    assert safetensors.numpy.load(saved)["dense/kernel"].shape == (32, 64)


def test_a_model_takes_its_weights_from_a_bundle(
    classifier: shv.Classifier, saved: bytes, pixels: Pixels, tmp_path: Path
) -> None:
    (tmp_path / "groceries.shelf").write_bytes(saved)
    model = shv.build_model(3, image_size=(88, 90), weights=tmp_path / "groceries.shelf")
    found = shv.Classifier.from_model(model, class_names=classifier.class_names)
    assert np.array_equal(found.predict_proba(pixels[:4]), classifier.predict_proba(pixels[:4]))


def test_the_golden_bundle_still_gives_its_predictions() -> None:
    found = shv.Classifier.load(GOLDEN / "version-1.shelf")
    wanted = json.loads((GOLDEN / "version-1.json").read_text())
    # A pattern that needs no generator: ramps in every channel and direction.
    rows, columns, channels = np.indices((88, 90, 3))
    pixels = [((rows * a + columns * b + channels * 40) % 256) for a, b in wanted["ramps"]]
    answer = found.predict(np.array(pixels, dtype=np.uint8))
    np.testing.assert_allclose(answer.probabilities, wanted["probabilities"], atol=1e-4)
    assert answer.labels.tolist() == wanted["labels"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_golden_bundle_still_decides_as_it_did(version: int) -> None:
    found = shv.Classifier.load(GOLDEN / f"version-{version}.shelf")
    wanted = json.loads((GOLDEN / "version-2.json").read_text())
    rows, columns, channels = np.indices((88, 90, 3))
    pixels = [((rows * a + columns * b + channels * 40) % 256) for a, b in wanted["ramps"]]
    answer = found.predict(np.array(pixels, dtype=np.uint8))
    np.testing.assert_allclose(answer.probabilities, wanted["probabilities"], atol=1e-4)
    assert answer.labels.tolist() == wanted["labels"]
    assert answer.decisions.tolist() == wanted["decisions"]
    assert found.calibration is not None
    assert found.calibration.temperature == wanted["temperature"]
    assert found.thresholds is not None
    assert found.thresholds.values[0] == wanted["threshold"]
    kept = found.validation_scores
    assert kept is not None
    assert kept.labels.tolist()[:8] == wanted["validation"]["labels"]
    np.testing.assert_allclose(kept.probabilities[0], wanted["validation"]["first"], atol=1e-6)
    assert kept.n_groups == wanted["validation"]["n_groups"]
    rule = found.preprocessing
    assert (rule.image_size, rule.resize, rule.test_time_crop) == ((88, 90), "stretch", 1.0)
    assert (rule.context, rule.shape) == ((0.0, "box") if version == 2 else (0.1, "image"))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_golden_bundle_is_saved_again_in_the_newest_format(version: int) -> None:
    first = shv.Classifier.load(GOLDEN / f"version-{version}.shelf")
    file = io.BytesIO()
    first.save(file)
    manifest = read_contents(io.BytesIO(file.getvalue())).manifest
    assert manifest.n_validation == (None if version == 1 else 240)
    again = shv.Classifier.load(io.BytesIO(file.getvalue()))
    assert (again.calibration, again.thresholds) == (first.calibration, first.thresholds)
    assert again.preprocessing == first.preprocessing


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(n_validation=None), "inconsistent"),
        (lambda m: m.update(n_validation=239), "inconsistent"),
        (lambda m: m.update(n_validation=0), "damaged"),
        (lambda m: m.update(n_validation=10**9), "damaged"),
        (lambda m: m.update(n_validation="240"), "damaged"),
        (lambda m: m.pop("n_validation"), "damaged"),
        (lambda m: m.update(format=1), "damaged"),
        (lambda m: m["weights"].append("__validation__/labels"), "inconsistent"),
        (lambda m: m["calibration"].update(num_classes=4), "damaged"),
        (lambda m: m["calibration"].update(temperature=-1), "not-in-range"),
        (lambda m: m.update(calibration=3), "wrong-type"),
        (lambda m: m["thresholds"].update(values=[0.5, 0.5]), "wrong-length"),
        (lambda m: m["thresholds"].update(values=[2]), "not-in-range"),
        (lambda m: m.update(thresholds=[]), "wrong-type"),
    ],
)
def test_trust_that_makes_no_sense_is_refused(
    change: Callable[[Fields], object], code: str
) -> None:
    data = (GOLDEN / "version-3.shelf").read_bytes()
    with refuses(BundleError, code):
        read_contents(io.BytesIO(changed(data, change)))


def test_kept_scores_that_are_none_are_refused() -> None:
    found = read_contents(io.BytesIO((GOLDEN / "version-3.shelf").read_bytes()))
    manifest, tensors = found.manifest, found.tensors
    weights = {name: tensors[name] for name in manifest.weights}
    kept = {name: tensors[name] for name in tensors if name not in weights}
    (labels,) = (name for name in kept if name.endswith("labels"))
    for column, code in ((kept[labels] + 3, "not-in-range"), (None, "inconsistent")):
        if column is None:
            del kept[labels]
        else:
            kept[labels] = column
        everything = {**weights, **kept}
        metadata = manifest.to_metadata(tensor_digests(everything))
        file = io.BytesIO()
        write(file, everything, metadata)
        with refuses(BundleError, code):
            shv.Classifier.load(io.BytesIO(file.getvalue()))


def test_a_weight_may_not_take_the_place_of_scores() -> None:
    found = read_contents(io.BytesIO((GOLDEN / "version-3.shelf").read_bytes()))
    manifest, tensors = found.manifest, found.tensors
    with refuses(ModelError, "reserved-name"):
        save_bundle(manifest, tensors, io.BytesIO())


def test_a_model_takes_its_weights_from_a_bundle_with_scores() -> None:
    model = shv.build_model(3, image_size=(88, 90), weights=GOLDEN / "version-3.shelf")
    wanted = read_contents(io.BytesIO((GOLDEN / "version-1.shelf").read_bytes())).tensors
    np.testing.assert_array_equal(model.get_layer("dense").get_weights()[0], wanted["dense/kernel"])


def test_every_flipped_bit_is_refused(tiny: bytes) -> None:
    read_contents(io.BytesIO(tiny))
    for position in range(len(tiny) * 8):
        damaged = bytearray(tiny)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(BundleError):
            read_contents(io.BytesIO(damaged))


def test_flipped_bits_of_a_real_bundle_are_refused(saved: bytes) -> None:
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(saved) * 8, 300):
        damaged = bytearray(saved)
        damaged[position // 8] ^= 1 << int(position % 8)
        refusal_of(bytes(damaged))


def test_every_truncation_is_refused(tiny: bytes) -> None:
    for length in range(len(tiny)):
        refusal_of(tiny[:length])


def test_added_bytes_are_refused(tiny: bytes) -> None:
    assert "more bytes than" in refusal_of(tiny + b"\0")


def test_a_truncated_file_is_told_by_its_size(saved: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut.shelf").write_bytes(saved[:-10])
    with refuses(BundleError, "damaged"):
        shv.Classifier.load(tmp_path / "cut.shelf")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_contents(io.BytesIO(data))
    with pytest.raises(BundleError):
        read_contents(io.BytesIO(len(data).to_bytes(8, "little") + data))


def changed(data: bytes, change: Callable[[Fields], object], *, sealed: bool = True) -> bytes:
    """Return a bundle with another manifest, sealed as an attacker would."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header["__metadata__"]
    manifest = json.loads(metadata[ENTRY])
    change(manifest)
    metadata[ENTRY] = canonical_json(manifest)
    if sealed:
        metadata[SEAL] = seal(metadata[ENTRY], metadata[DIGESTS])
    raw = canonical_json(header).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + data[8 + length :]


def with_image_size(*sides: int) -> Callable[[Fields], object]:
    def change(manifest: Fields) -> None:
        manifest["spec"]["image_size"] = manifest["preprocessing"]["image_size"] = list(sides)

    return change


def test_a_changed_manifest_that_is_sealed_again_is_read_as_it_says(saved: bytes) -> None:
    names = ["x", "y", "z"]
    manifest = read_contents(
        io.BytesIO(changed(saved, lambda m: m.update(class_names=names)))
    ).manifest
    assert manifest.class_names == ("x", "y", "z")
    assert "does not match its digest" in refusal_of(
        changed(saved, lambda m: m.update(class_names=names), sealed=False)
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(format=4), "newer-format"),
        (lambda m: m.update(format=0), "foreign-format"),
        (lambda m: m.update(format=True), "foreign-format"),
        (lambda m: m.update(surprise=1), "damaged"),
        (lambda m: m.pop("preprocessing"), "damaged"),
        (lambda m: m["preprocessing"].update(resize="melt"), "not-an-option"),
        (lambda m: m["preprocessing"].update(image_size=[90, 88]), "damaged"),
        (lambda m: m.update(class_names=["a", "b"]), "damaged"),
        (lambda m: m.update(class_names=["a", "b", "b"]), "duplicate"),
        (lambda m: m.update(class_names="abc"), "damaged"),
        (lambda m: m.update(class_names=[1, 2, 3]), "damaged"),
        (lambda m: m.update(weights=m["weights"][:-1]), "inconsistent"),
        (lambda m: m.update(weights=m["weights"][::-1]), "inconsistent"),
        (lambda m: m.update(provenance=[]), "damaged"),
        (lambda m: m.update(own_architecture=0), "damaged"),
        (lambda m: m["spec"].update(num_classes=4), "damaged"),
        (lambda m: m["spec"].update(num_classes=10**12), "not-in-range"),
        (with_image_size(4096, 4096), "does-not-fit"),
        (with_image_size(9, 9), "too-small"),
        (lambda m: m["spec"].update(image_size=[10**9, 10**9]), "not-in-range"),
        (lambda m: m["spec"].update(architecture="os.system"), "not-an-option"),
        (lambda m: m["spec"].update(extra=1), "foreign-format"),
        (lambda m: m["spec"].update(dropout=10**400), "too-large"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    saved: bytes, change: Callable[[Fields], object], code: str
) -> None:
    with refuses(BundleError, code):
        read_contents(io.BytesIO(changed(saved, change)))


def test_a_header_written_in_another_way_is_refused(saved: bytes) -> None:
    length = int.from_bytes(saved[:8], "little")
    raw = json.dumps(json.loads(saved[8 : 8 + length]), sort_keys=True).encode()
    written = len(raw).to_bytes(8, "little") + raw + saved[8 + length :]
    assert "not as shelfvision writes it" in refusal_of(written)


def _file(header: object, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def _tensor(dtype: object = "F32", shape: object = (1,), offsets: object = (0, 4)) -> Fields:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        (2**20 + 1).to_bytes(8, "little") + b"{}",
        _file(b"{}" * 3),
        _file(b"[" * 100_000),
        _file(b'{"a":' * 50_000),
        _file(b'{"__metadata__":{"a":"1","a":"2"}}'),
        _file(b"9" * 10_000),
        _file(b"NaN"),
        _file([]),
        _file({"__metadata__": 1}),
        _file({"__metadata__": {"a": 1}}),
        _file({"w": 1}),
        _file({"w": _tensor() | {"more": 1}}, b"abcd"),
        _file({"w": _tensor(dtype="F8")}, b"abcd"),
        _file({"w": _tensor(dtype=["F32"])}, b"abcd"),
        _file({"w": _tensor(shape=[2**40])}, b"abcd"),
        _file({"w": _tensor(shape=[-1])}, b"abcd"),
        _file({"w": _tensor(shape=[1.0])}, b"abcd"),
        _file({"w": _tensor(shape=[True])}, b"abcd"),
        _file({"w": _tensor(shape=[1] * 40)}, b"abcd"),
        _file({"w": _tensor(offsets=[0, 8])}, b"abcdefgh"),
        _file({"w": _tensor(offsets=[4, 8])}, b"abcdefgh"),
        _file({"w": _tensor(offsets=[0, 4, 8])}, b"abcd"),
        _file({"w": _tensor(), "v": _tensor()}, b"abcd"),
        _file({"w": _tensor(shape=[2**28 - 1], offsets=[0, 2**30 - 4]), "v": _tensor()}, b""),
        _file({f"w{n}": _tensor(shape=[0], offsets=[0, 0]) for n in range(5000)}),
        _file({f"w{n}": _tensor(shape=[0], offsets=[0, 0]) for n in range(3)}),
        _file({"__metadata__": {ENTRY: "{"}}),
        _file({"__metadata__": {ENTRY: "[1]"}}),
        _file({"__metadata__": {ENTRY: '{"format":1}'}}),
    ],
)
def test_a_hostile_header_is_refused(data: bytes) -> None:
    sentence = refusal_of(data)
    assert sentence.startswith("the given file ")
    assert len(sentence) < 500


def test_weights_that_are_not_finite_are_refused(saved: bytes) -> None:
    tensors = safetensors.numpy.load(saved)
    tensors["conv_1/bias"] = tensors["conv_1/bias"] * np.nan
    manifest = read_contents(io.BytesIO(saved)).manifest
    with refuses(ModelError, "not-finite"):
        save_bundle(manifest, tensors, io.BytesIO())


def test_a_tensor_that_does_not_match_its_digest_is_named(saved: bytes) -> None:
    damaged = bytearray(saved)
    damaged[-1] ^= 1
    assert "'probabilities/kernel' does not match its digest" in refusal_of(bytes(damaged))


def test_a_file_is_refused_before_keras_is_imported(tmp_path: Path, saved: bytes) -> None:
    (tmp_path / "bad.shelf").write_bytes(changed(saved, lambda m: m.update(preprocessing={})))
    code = (
        "import sys, shelfvision as shv\n"
        "try:\n    shv.Classifier.load(sys.argv[1])\n"
        "except shv.errors.BundleError:\n    print('keras' in sys.modules)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bad.shelf")],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert found.stdout.strip() == "False"


def test_another_file_than_the_one_trusted_is_refused(saved: bytes) -> None:
    with refuses(BundleError, "wrong-digest", "expected_sha256"):
        shv.Classifier.load(io.BytesIO(saved), expected_sha256="0" * 64)
    with refuses(InvalidParameterError, "wrong-type", "expected_sha256"):
        shv.Classifier.load(io.BytesIO(saved), expected_sha256="abc")


def test_what_is_no_bundle_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, juice, bread, and some more of them")
    with refuses(BundleError, "foreign-format"):
        shv.Classifier.load(tmp_path / "notes.txt")
    weights = {"w": np.ones(3, np.float32)}
    safetensors.numpy.save_file(weights, tmp_path / "other.safetensors")
    with refuses(BundleError, "foreign-format"):
        shv.Classifier.load(tmp_path / "other.safetensors")
    with refuses(BundleError, "not-a-file", "path"):
        shv.Classifier.load(tmp_path)
    with refuses(BundleNotFoundError, "not-found", "path"):
        shv.Classifier.load(tmp_path / "nothing.shelf")
    with pytest.raises(FileNotFoundError):
        shv.Classifier.load(tmp_path / "nothing.shelf")


def test_a_save_that_fails_leaves_the_old_file(
    classifier: shv.Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "groceries.shelf"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with refuses(StorageError, "disk-full"):
        classifier.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _own(spec: ModelSpec | None = None) -> object:
    keras = load_keras()
    image = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Dense(5)(keras.layers.Dense(5)(x))
    x = keras.layers.Dense(2 if spec is None else spec.num_classes, activation="softmax")(x)
    return keras.Model(image, x, name="mine")


def test_a_model_of_ones_own_loads_through_its_builder(pixels: Pixels) -> None:
    found = shv.Classifier.from_model(_own(), class_names=["a", "b"])
    file = io.BytesIO()
    found.save(file)
    file.seek(0)
    loaded = shv.Classifier.load(file, builder=_own)
    assert np.array_equal(loaded.predict_proba(pixels[:3]), found.predict_proba(pixels[:3]))


def test_a_model_of_ones_own_without_its_builder_is_refused(pixels: Pixels) -> None:
    file = io.BytesIO()
    shv.Classifier.from_model(_own(), class_names=["a", "b"]).save(file)
    file.seek(0)
    with refuses(BundleError, "needs-builder", "builder"):
        shv.Classifier.load(file)
    file.seek(0)
    with refuses(BundleError, "does-not-fit", "builder"):
        shv.Classifier.load(file, builder=lambda spec: shv.build_model(2))
    file.seek(0)
    with refuses(ModelError, "wrong-type", "builder"):
        shv.Classifier.load(file, builder=lambda spec: None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "damaged"),
        (b"a note", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "foreign-format"),
    ],
)
def test_a_file_of_another_kind_is_told_to_be_no_classifier(data: bytes, code: str) -> None:
    with refuses(BundleError, code) as caught:
        shv.Classifier.load(io.BytesIO(data))
    assert "not a classifier saved by shelfvision" in str(caught.value)


def test_weights_of_another_program_are_told_to_be_no_classifier() -> None:
    data = safetensors.numpy.save({"a": np.zeros(3, np.float32)})
    with refuses(BundleError, "foreign-format"):
        shv.Classifier.load(io.BytesIO(data))


@pytest.mark.parametrize("place", [None, b"bytes", io.StringIO()])
def test_a_place_that_is_neither_path_nor_binary_file_is_refused(
    classifier: shv.Classifier, place: object
) -> None:
    with refuses(InvalidParameterError, "wrong-type", "path"):
        shv.Classifier.load(place)  # type: ignore[arg-type]  # that is the point
    with refuses(InvalidParameterError, "wrong-type", "path"):
        classifier.save(place)  # type: ignore[arg-type]  # that is the point


def test_a_builder_that_makes_a_model_for_another_image_size_is_refused() -> None:
    def build(side: int) -> keras.Model:
        layers = load_keras().layers
        ending = layers.Dense(2, activation="softmax", name="ending")
        body = [layers.GlobalAveragePooling2D(name="mean"), ending]
        return load_keras().Sequential([load_keras().Input((side, side, 3)), *body], name="own")

    file = io.BytesIO()
    shv.Classifier.from_model(build(20), class_names=["a", "b"]).save(file)
    file.seek(0)
    with refuses(BundleError, "does-not-fit", "builder"):
        shv.Classifier.load(file, builder=lambda _: build(40))
    file.seek(0)
    with refuses(InvalidParameterError, "wrong-type", "builder"):
        shv.Classifier.load(file, builder=3)  # type: ignore[arg-type]  # that is the point
