"""Looking into a bundle: all that it says, nothing that it could do."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import BundleError, BundleNotFoundError, InvalidParameterError
from shelfvision.inference._bundle import read_contents, save_bundle
from shelfvision.inference._describing import bundle_manifest_of
from support import refuses

GOLDEN = Path(__file__).with_name("golden")


def test_it_tells_what_the_classifier_was_saved_with(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "groceries.shelf"
    digest = classifier.save(path)
    info = shv.inspect(path, expected_sha256=digest)
    assert (info.path, info.sha256, info.size) == (str(path), digest, path.stat().st_size)
    assert (info.class_names, info.image_size) == (classifier.class_names, classifier.image_size)
    assert (info.architecture, info.resize, info.own_architecture) == (
        "grocery_cnn",
        "stretch",
        False,
    )
    assert (info.calibration, info.thresholds, info.n_validation) == (None, None, None)
    assert info.provenance == {"data": "made up"}
    assert {"keras", "numpy", "shelfvision", "backend"} <= set(info.created_with)
    kernel = next(tensor for tensor in info.tensors if tensor.name == "dense/kernel")
    assert (kernel.dtype, kernel.shape, len(kernel.sha256)) == ("F32", (32, 64), 64)


@pytest.mark.parametrize("version", [1, 2])
def test_bundles_of_every_format_are_told_of(version: int) -> None:
    path = GOLDEN / f"version-{version}.shelf"
    info = shv.inspect(path)
    assert info.format == version
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = json.loads(path.with_suffix(".json").read_text())
    if "temperature" in wanted:
        assert info.calibration is not None
        assert info.thresholds is not None
        assert info.calibration.temperature == wanted["temperature"]
        assert info.thresholds.values == (wanted["threshold"],)


def test_it_prints_as_a_table_and_is_short_in_a_list() -> None:
    info = shv.inspect(GOLDEN / "version-3.shelf")
    text = str(info)
    for told in (info.sha256, "grocery_cnn", "juice, milk, yoghurt", "88 x 90", "temperature"):
        assert told in text
    assert all(len(line) < 400 for line in text.splitlines())
    assert len(repr([info])) < 200


def test_it_is_told_as_plain_values() -> None:
    info = shv.inspect(GOLDEN / "version-3.shelf")
    told = json.loads(json.dumps(info.to_dict()))
    assert (told["sha256"], told["format"], told["preprocessing"]["resize"]) == (
        *(info.sha256, 3, info.resize),
    )
    assert told["class_names"] == list(info.class_names)
    assert told["settings"]["architecture"] == "grocery_cnn"
    assert told["calibration"]["method"] == "temperature"
    assert {tensor["name"] for tensor in told["tensors"]} == {t.name for t in info.tensors}


def test_a_recipe_is_told_by_the_names_of_its_parts(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    recipe = {
        "augmenter": {"name": "Rotate", "degrees": 45.0, "fill": "reflect"},
        "change": [0.5, 1 / 3],
        "epochs": 7,
    }
    manifest = dataclasses.replace(
        bundle_manifest_of(classifier.served), provenance={"trainer": recipe}
    )
    save_bundle(manifest, classifier.served.network.weights, tmp_path / "a.shelf")
    line = next(x for x in str(shv.inspect(tmp_path / "a.shelf")).splitlines() if "Rotate" in x)
    told = "epochs 7, augmenter Rotate (degrees 45, fill reflect), change [0.5, 0.333333]"
    assert line.endswith(told)


def test_it_cannot_be_changed() -> None:
    info = shv.inspect(GOLDEN / "version-3.shelf")
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.sha256 = "0" * 64  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        info.provenance["note"] = "mine"  # type: ignore[index]  # that is the point


def test_what_a_stranger_wrote_cannot_take_the_place_of_what_was_checked() -> None:
    found = read_contents(GOLDEN / "version-1.shelf")
    evil = {"SHA-256": "0" * 64, "a\nSHA-256": "\x1b[2J", "long": "x" * 10_000}
    manifest = dataclasses.replace(found.manifest, provenance=evil)
    file = io.BytesIO()
    save_bundle(manifest, found.tensors, file)
    text = str(shv.inspect(io.BytesIO(file.getvalue())))
    assert "\x1b" not in text
    lines = text.splitlines()
    assert [line.startswith("SHA-256") for line in lines].count(True) == 1
    assert all(len(line) < 400 for line in lines)


def test_neither_keras_nor_a_backend_is_imported() -> None:
    code = (
        "import sys, shelfvision as shv\n"
        "print(shv.inspect(sys.argv[1]).architecture)\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))\n"
    )
    run = [sys.executable, "-c", code, str(GOLDEN / "version-3.shelf")]
    found = subprocess.run(run, capture_output=True, text=True, check=True, timeout=600)
    assert found.stdout == "grocery_cnn\n[]\n"


def test_it_refuses_what_load_refuses(tmp_path: Path) -> None:
    data = (GOLDEN / "version-3.shelf").read_bytes()
    with refuses(BundleError, "damaged"):
        shv.inspect(io.BytesIO(data[:-1] + b"\0"))
    with refuses(BundleError, "wrong-digest", "expected_sha256"):
        shv.inspect(io.BytesIO(data), expected_sha256="0" * 64)
    with refuses(BundleNotFoundError, "not-found", "path"):
        shv.inspect(tmp_path / "nothing.shelf")
    with refuses(InvalidParameterError, "wrong-type", "path"):
        shv.inspect(data)  # type: ignore[arg-type]  # that is the point
