"""What a bundle says beside its numbers: written in one form, and refused in one sentence."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable
from typing import Any

import pytest

from shelfvision._keras.backend import backend_name
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.json_values import canonical_json
from shelfvision._storage.safetensors import DIGESTS
from shelfvision._storage.sealed import SEAL, seal
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.inference._manifest import ENTRY, VERSION, BundleManifest, plain
from shelfvision.inference.versions import package_versions
from shelfvision.models import ModelSpec
from shelfvision.predictions import Calibration, TemperatureScaling, Thresholds
from shelfvision.predictions.validation_scores import MAX_ROWS
from support import refuses

Fields = dict[str, Any]

MANIFEST = BundleManifest(
    spec=ModelSpec(architecture="mine", num_classes=2, image_size=(3, 5), dropout=0.25, seed=7),
    own_architecture=True,
    class_names=("a", "é"),
    preprocessing=Preprocessing(image_size=(3, 5), resize="pad"),
    provenance={"data": ["x", 1, None]},
    created_with={"keras": "3"},
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
BARE = dataclasses.replace(
    MANIFEST, own_architecture=False, calibration=None, thresholds=None, n_validation=None
)
AGAIN = "; check that it is the right file, and copy it from its source again"


def sealed(fields: Fields) -> dict[str, str]:
    """Return metadata with these entries, sealed as an attacker would."""
    text = canonical_json(fields)
    return {ENTRY: text, DIGESTS: "{}", SEAL: seal(text, "{}")}


def changed(change: Callable[[Fields], object]) -> dict[str, str]:
    """Return the metadata of the manifest with a change, sealed."""
    fields = json.loads(MANIFEST.to_metadata("{}")[ENTRY])
    change(fields)
    return sealed(fields)


def fault(metadata: dict[str, str]) -> str:
    """Return what is told of a file with this metadata, without where and what to do."""
    with pytest.raises(BundleError) as caught:
        BundleManifest.from_metadata(metadata, "'x'")
    sentence = str(caught.value)
    assert sentence.startswith("'x' cannot be loaded as a bundle: ")
    return sentence.removeprefix("'x' cannot be loaded as a bundle: ").removesuffix(AGAIN)


@pytest.mark.parametrize("manifest", [MANIFEST, BARE])
def test_a_manifest_comes_back_as_it_was(manifest: BundleManifest) -> None:
    assert BundleManifest.from_metadata(manifest.to_metadata("{}"), "'x'") == manifest


def test_a_manifest_is_written_as_it_always_was() -> None:
    metadata = BARE.to_metadata('{"w":"0"}')
    assert metadata[ENTRY] == (
        '{"calibration":null,"class_names":["a","\\u00e9"],"created_with":{"keras":"3"},'
        '"format":3,"n_validation":null,"own_architecture":false,'
        '"preprocessing":{"context":0.0,"image_size":[3,5],"resize":"pad","shape":"box",'
        '"test_time_crop":1.0},"provenance":{"data":["x",1,null]},"spec":{"architecture":"mine",'
        '"dropout":0.25,"image_size":[3,5],"num_classes":2,"seed":7},"thresholds":null,'
        '"weights":["w","b"]}'
    )
    length = len(metadata[ENTRY]).to_bytes(8, "little")
    whole = length + metadata[ENTRY].encode() + b'{"w":"0"}'
    assert metadata[SEAL] == hashlib.sha256(whole).hexdigest()
    assert set(metadata) == {ENTRY, DIGESTS, SEAL}


def test_the_first_format_is_read_and_knows_nothing_of_trust() -> None:
    fields = json.loads(BARE.to_metadata("{}")[ENTRY]) | {"format": 1, "resize": "pad"}
    for name in ("calibration", "preprocessing", "thresholds", "n_validation"):
        del fields[name]
    assert BundleManifest.from_metadata(sealed(fields), "'x'") == BARE
    fields["format"] = 2
    assert fault(sealed(fields)) == (
        "its manifest has the entries 'class_names', 'created_with', 'own_architecture', "
        "'provenance', 'resize', 'spec', 'weights', not 'calibration', 'class_names', "
        "'created_with', 'n_validation', 'own_architecture', 'provenance', 'resize', 'spec', "
        "'thresholds', 'weights'"
    )


def test_a_format_to_come_is_told_with_what_to_do() -> None:
    with refuses(BundleError, "newer-format") as caught:
        BundleManifest.from_metadata(
            changed(lambda fields: fields.update(format=VERSION + 1)), "'x'"
        )
    assert str(caught.value) == (
        "'x' has the bundle format 4, but this shelfvision reads formats up to 3; run: pip install "
        "--upgrade shelfvision"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.update(format=0), "bundle format 0 does not exist"),
        (lambda f: f.update(format=True), "its manifest does not say which format it has"),
        (lambda f: f.pop("format"), "its manifest does not say which format it has"),
        (lambda f: f.update(spec=[]), "the entry 'spec' of its manifest must be a dict"),
        (lambda f: f.update(provenance=1), "the entry 'provenance' of its manifest must be a dict"),
        (
            lambda f: f.update(created_with=""),
            "the entry 'created_with' of its manifest must be a dict",
        ),
        (
            lambda f: f.update(own_architecture=1),
            "the entry 'own_architecture' of its manifest must be a bool",
        ),
        (
            lambda f: f.update(class_names="ab"),
            "the entry 'class_names' of its manifest must be a list",
        ),
        (
            lambda f: f.update(weights=["w", 1]),
            "the entry 'weights' of its manifest must be a list of names",
        ),
        (
            lambda f: f["preprocessing"].update(image_size=[5, 3]),
            "its preprocessing is not for images of (3, 5)",
        ),
        (lambda f: f.update(created_with={"a": 1}), "its manifest has values that make no sense"),
        (lambda f: f.update(class_names=["a"]), "it has 1 class names for 2 classes"),
        (lambda f: f["calibration"].update(num_classes=3), "its calibration is not for 2 classes"),
        (
            lambda f: f["thresholds"].update(values=[0.5] * 3, needed=[None] * 3),
            "its thresholds are not for 2 classes",
        ),
        *(
            (
                lambda f, value=value: f.update(n_validation=value),
                (
                    "the entry 'n_validation' of its manifest must be a whole "
                    f"number from 1 to {MAX_ROWS}"
                ),
            )
            for value in (0, MAX_ROWS + 1, True, "2")
        ),
    ],
)
def test_a_fault_of_a_manifest_is_told(change: Callable[[Fields], object], told: str) -> None:
    assert fault(changed(change)) == told


@pytest.mark.parametrize("n_validation", [1, MAX_ROWS])
def test_any_number_of_photos_may_have_scores(n_validation: int) -> None:
    metadata = changed(lambda fields: fields.update(n_validation=n_validation))
    assert BundleManifest.from_metadata(metadata, "'x'").n_validation == n_validation


@pytest.mark.parametrize("n", [1, 2])
def test_thresholds_are_for_all_or_for_each_class(n: int) -> None:
    def change(fields: Fields) -> None:
        fields["thresholds"].update(values=[0.5] * n, needed=[])

    found = BundleManifest.from_metadata(changed(change), "'x'")
    assert found.thresholds == Thresholds(values=(0.5,) * n)


def test_metadata_that_is_not_ours_is_told() -> None:
    good = MANIFEST.to_metadata("{}")
    assert fault({}) == "it is not a classifier saved by shelfvision"
    other = "its metadata is not as shelfvision writes it"
    assert fault(good | {"more": ""}) == other
    assert fault({name: good[name] for name in (ENTRY, DIGESTS)}) == other
    spaced = json.dumps(json.loads(good[ENTRY]), sort_keys=True)
    assert fault({ENTRY: spaced, DIGESTS: "{}", SEAL: seal(spaced, "{}")}) == other
    damaged = "it is damaged: its manifest does not match its digest"
    assert fault(good | {SEAL: "0" * 64}) == damaged
    assert fault(good | {DIGESTS: "[]"}) == damaged


def test_a_setting_that_no_model_has_is_told_at_a_length_that_can_be_read() -> None:
    def told(length: int) -> str:
        name = "x" * length
        return fault(changed(lambda fields: fields["spec"].update(architecture=name)))

    start = "architecture must be the name of one, not '"
    room = 400 - len(start) - 1
    assert told(room) == f"{start}{'x' * room}'"
    assert told(room + 1) == f"{start}{'x' * (room - 2)}..."


def test_provenance_is_copied_deeply_as_json_has_it() -> None:
    given = {"splits": [1, {"seed": 2.5}], "é": None}
    copy = plain(given)
    assert copy == given
    given["splits"] = []
    assert copy["splits"] == [1, {"seed": 2.5}]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x", float("inf")])
def test_provenance_that_json_cannot_hold_is_refused(value: object) -> None:
    with refuses(InvalidParameterError, "not-plain", "provenance") as caught:
        plain({"it": value})
    assert str(caught.value).startswith(
        "provenance must be a mapping of plain JSON values (text, finite numbers, lists, mappings, "
        "None), but "
    )


def test_provenance_may_be_nested_as_deep_as_the_file_can_be_read_again() -> None:
    def nested(deep: int) -> Fields:
        return json.loads('{"a":' * deep + "[]" + "}" * deep)  # type: ignore[no-any-return]

    manifest = dataclasses.replace(MANIFEST, provenance=plain(nested(63)))
    assert BundleManifest.from_metadata(manifest.to_metadata("{}"), "'x'") == manifest
    with refuses(InvalidParameterError, "not-plain", "provenance"):
        plain(nested(64))


def test_the_versions_that_a_classifier_is_made_with_are_told_by_name() -> None:
    packages = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "pillow")}
    assert package_versions() == packages | {
        "shelfvision": importlib.metadata.version("shelfvision"),
        "backend": backend_name(),
        "python": platform.python_version(),
    }
