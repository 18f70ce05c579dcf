"""A gallery's file gives back what was saved, and nothing in it is believed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._storage.json_values import canonical_json
from shelfvision._storage.safetensors import DIGESTS, tensor_digests, write
from shelfvision._storage.sealed import SEAL, seal
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    InvalidParameterError,
    StorageError,
)
from shelfvision.gallery._file import ENTRY, read_gallery
from support import refuses

Shots = Callable[..., npt.NDArray[np.uint8]]
MakeClassifier = Callable[..., shv.Classifier]
GOLDEN = Path(__file__).with_name("golden") / "version-2.gallery"
GOLDENS = (GOLDEN.with_name("version-1.gallery"), GOLDEN)
DATA = GOLDEN.read_bytes()
LENGTH = int.from_bytes(DATA[:8], "little")
HEADER = json.loads(DATA[8 : 8 + LENGTH])
Fields = dict[str, Any]


def tensors() -> Fields:
    contents = read_gallery(io.BytesIO(DATA))
    photos = contents.photos
    return {
        "seen": photos.embeddings.copy(),
        "labels": photos.labels.copy(),
        "groups": photos.groups.copy(),
    }


def forged(change: Callable[[Fields, Fields], object]) -> bytes:
    """Return the golden file with other contents, sealed as an attacker would."""
    fields, columns = json.loads(HEADER["__metadata__"][ENTRY]), tensors()
    change(fields, columns)
    text, digests = canonical_json(fields), tensor_digests(columns)
    file = io.BytesIO()
    write(file, columns, {ENTRY: text, DIGESTS: digests, SEAL: seal(text, digests)})
    return file.getvalue()


def test_what_is_saved_answers_as_before(
    gallery: shv.Gallery, tmp_path: Path, shots: Shots
) -> None:
    path = tmp_path / "shop.gallery"
    digest = gallery.save(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = shv.Gallery.load(path, gallery.classifier, expected_sha256=digest)
    photos = np.concatenate([shots("grass", 20, 7, spread=30), shots("brick", 3)])
    assert np.array_equal(
        loaded.predict(photos).probabilities, gallery.predict(photos).probabilities
    )
    assert loaded.predict(photos).decisions.tolist() == gallery.predict(photos).decisions.tolist()
    assert (loaded.limit, loaded.unknown, loaded.counts) == (
        gallery.limit, gallery.unknown, gallery.counts,
    )  # fmt: skip
    again = io.BytesIO()
    loaded.save(again)
    assert again.getvalue() == path.read_bytes()


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_golden_files_keep_loading(classifier: shv.Classifier, golden: Path) -> None:
    gallery = shv.Gallery.load(golden, classifier)
    expected = json.loads(golden.with_suffix(".json").read_text())
    assert gallery.counts == expected["counts"]
    assert gallery.limit == pytest.approx(expected["limit"], abs=1e-6)
    colours = np.array(expected["photos"], np.uint8)
    photos = np.broadcast_to(colours[:, None, None, :], (len(colours), 8, 8, 3))
    found = gallery.predict(np.ascontiguousarray(photos))
    assert found.labels.tolist() == expected["labels"]
    assert found.decisions.tolist() == expected["decisions"]
    assert found.probabilities == pytest.approx(np.array(expected["probabilities"]), abs=1e-5)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_golden_files_are_what_is_written_today(classifier: shv.Classifier, golden: Path) -> None:
    file = io.BytesIO()
    shv.Gallery.load(golden, classifier).save(file)
    new, old = (
        json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        for data in (file.getvalue(), golden.read_bytes())
    )
    fields, expected = (json.loads(metadata[ENTRY]) for metadata in (new, old))
    assert fields | {"created_with": 0} == expected | {"created_with": 0}
    assert new[DIGESTS] == old[DIGESTS]


def test_a_gallery_of_version_1_keeps_its_limit_until_another_is_asked_for(
    classifier: shv.Classifier,
) -> None:
    old = shv.Gallery.load(GOLDENS[0], classifier)
    assert old.without_product("sky").index.held_out == "group"
    assert old.limit is not None
    measured = old.with_unknown(old.unknown)
    assert measured.index.held_out == "similar groups"
    assert measured.limit is not None
    assert measured.limit > old.limit


def test_every_truncation_and_addition_is_refused() -> None:
    for size in range(len(DATA)):
        with pytest.raises(BundleError):
            read_gallery(io.BytesIO(DATA[:size]))
    with pytest.raises(BundleError):
        read_gallery(io.BytesIO(DATA + b"\0"))


def test_every_flipped_bit_is_refused() -> None:
    for place in range(len(DATA)):
        for bit in range(8):
            damaged = bytearray(DATA)
            damaged[place] ^= 1 << bit
            with pytest.raises(BundleError):
                read_gallery(io.BytesIO(bytes(damaged)))


def _set(key: str, value: object) -> Callable[[Fields, Fields], object]:
    return lambda fields, _: fields.update({key: value})


def _column(name: str, change: Callable[[Any], Any]) -> Callable[[Fields, Fields], object]:
    return lambda _, columns: columns.update({name: change(columns[name])})


CRAFTED: dict[str, Callable[[Fields, Fields], object]] = {
    "an unknown entry": _set("code", "import os"),
    "a missing entry": lambda fields, _: fields.pop("unknown"),
    "no format": lambda fields, _: fields.pop("format"),
    "a format of text": _set("format", "1"),
    "format true": _set("format", True),
    "format 0": _set("format", 0),
    "format -1": _set("format", -1),
    "a newer format": _set("format", 3),
    "names of another type": _set("names", {"grass": 1}),
    "no names": _set("names", []),
    "an empty name": _set("names", ["", "grass", "sky"]),
    "a name twice": _set("names", ["grass", "grass", "sky"]),
    "a number for a name": _set("names", [1, "grass", "sky"]),
    "a name too many": _set("names", ["brick", "grass", "sky", "tin"]),
    "a name too few": _set("names", ["grass", "sky"]),
    "a share of 0": _set("unknown", 0),
    "a share of 1": _set("unknown", 1),
    "a share of text": _set("unknown", "0.05"),
    "a share that is true": _set("unknown", True),
    "a share without end": _set("unknown", 10**400),
    "a digest that is none": _set("classifier", "zz"),
    "a digest that is a list": _set("classifier", [1]),
    "a classifier that is a number": _set("made_for", 3),
    "a classifier with a long name": _set("made_for", "x" * 10_000),
    "versions that are a list": _set("created_with", []),
    "versions that are numbers": _set("created_with", {"numpy": 2}),
    "a label too high": _column("labels", lambda labels: labels + 1),
    "a label below 0": _column("labels", lambda labels: labels - 1),
    "labels as floats": _column("labels", lambda labels: labels.astype(np.float32)),
    "labels as a table": _column("labels", lambda labels: labels[:, None]),
    "labels too few": _column("labels", lambda labels: labels[:-1]),
    "groups as int32": _column("groups", lambda groups: groups.astype(np.int32)),
    "groups too few": _column("groups", lambda groups: groups[:-1]),
    "float64": _column("seen", lambda seen: seen.astype(np.float64)),
    "a row of numbers": _column("seen", lambda seen: seen[:, 0].copy()),
    "no columns": _column("seen", lambda seen: seen[:, :0].copy()),
    "a cube": _column("seen", lambda seen: seen[:, :, None]),
    "not a number": _column("seen", lambda seen: seen * np.float32(np.nan)),
    "infinity": _column("seen", lambda seen: seen * np.float32(np.inf)),
    "another tensor": lambda _, columns: columns.update(more=np.ones(3, np.float32)),
    "a tensor less": lambda _, columns: columns.pop("groups"),
    "no photos": lambda _, columns: columns.update({k: v[:0] for k, v in columns.items()}),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("change", CRAFTED.values(), ids=CRAFTED)
def test_a_crafted_file_gets_one_sentence(change: Callable[[Fields, Fields], object]) -> None:
    with pytest.raises(BundleError) as caught:
        read_gallery(io.BytesIO(forged(change)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_honest_file_is_read() -> None:
    assert read_gallery(io.BytesIO(forged(lambda *_: None))).photos.names == (
        "brick", "grass", "sky",
    )  # fmt: skip


def test_a_file_cannot_ask_for_memory() -> None:
    claims = {
        "__metadata__": HEADER["__metadata__"],
        "seen": {"dtype": "F32", "shape": [2**28, 1], "data_offsets": [0, 2**30]},
    }
    raw = canonical_json(claims).encode()
    with pytest.raises(BundleError):
        read_gallery(io.BytesIO(len(raw).to_bytes(8, "little") + raw))
    with pytest.raises(BundleError):
        read_gallery(io.BytesIO((2**40).to_bytes(8, "little") + b"{}"))


def test_a_classifier_is_no_gallery_and_a_gallery_no_classifier(tmp_path: Path) -> None:
    bundle = Path(__file__).parent.parent / "inference" / "golden" / "version-3.shelf"
    with refuses(BundleError, "foreign-format"):
        read_gallery(bundle)
    with pytest.raises(BundleError):
        shv.Classifier.load(GOLDEN)


def test_another_classifier_is_refused_by_name(
    gallery: shv.Gallery, tmp_path: Path, colour_classifier: MakeClassifier
) -> None:
    path = tmp_path / "shop.gallery"
    gallery.save(path)
    with refuses(BundleError, "other-classifier", "classifier") as caught:
        shv.Gallery.load(path, colour_classifier(weight=2.0))
    assert "enrol the photos again" in str(caught.value)


def test_only_the_file_that_is_trusted_is_loaded(gallery: shv.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "shop.gallery"
    gallery.save(path)
    with pytest.raises(BundleError):
        shv.Gallery.load(path, gallery.classifier, expected_sha256="0" * 64)
    with pytest.raises(InvalidParameterError):
        shv.Gallery.load(path, gallery.classifier, expected_sha256="0")
    with pytest.raises(BundleNotFoundError):
        shv.Gallery.load(tmp_path / "none", gallery.classifier)
    with pytest.raises(InvalidParameterError):
        shv.Gallery.load(3, gallery.classifier)  # type: ignore[arg-type]
    with refuses(InvalidParameterError, "wrong-type", "classifier"):
        shv.Gallery.load(path, 3)  # type: ignore[arg-type]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BundleError):
        shv.Gallery.load(path, gallery.classifier)


def test_a_full_disk_leaves_the_old_file(
    gallery: shv.Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shots: Shots
) -> None:
    path = tmp_path / "shop.gallery"
    gallery.save(path)
    before = path.read_bytes()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageError):
            gallery.with_product("brick", shots("brick", 3)).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["shop.gallery"]


def test_a_file_is_checked_before_keras_is_there() -> None:
    program = (
        "import sys\nfrom shelfvision.gallery._file import read_gallery\n"
        f"read_gallery({str(GOLDEN)!r})\nassert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
