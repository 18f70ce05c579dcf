"""Classifiers, exported files and photos by URL."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision import export
from shelfvision._storage import write_atomically
from shelfvision.errors import BundleError, InvalidParameterError, PhotoError, StorageError
from support import refuses

memory = pytest.importorskip("fsspec.implementations.memory")

GOLDEN = Path(__file__).parent.parent / "export" / "golden"
URL = "memory://models/a.shelf"


@pytest.fixture(autouse=True)
def _empty_again() -> Iterator[None]:
    yield
    memory.MemoryFileSystem.store.clear()


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    model = shv.build_model(2, image_size=(88, 88))
    return shv.Classifier.from_model(model, class_names=["juice", "milk"])


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("photo")
    shv.samples.write_products(folder, n_per_class=1, class_names=["milk"])
    return (folder / "milk" / "0000.jpg").read_bytes()


def test_a_classifier_is_saved_loaded_and_inspected_by_url(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    digest = classifier.save(URL, storage_options={})
    assert digest == classifier.save(tmp_path / "a.shelf")
    stored = memory.MemoryFileSystem().cat_file(URL)
    assert stored == (tmp_path / "a.shelf").read_bytes()
    loaded = shv.Classifier.load(URL, expected_sha256=digest)
    images = np.zeros((2, 88, 88, 3), np.uint8)
    np.testing.assert_array_equal(loaded.predict_proba(images), classifier.predict_proba(images))
    info = shv.inspect(URL, expected_sha256=digest)
    assert (info.path, info.sha256, info.size) == (URL, digest, len(stored))


def test_a_damaged_or_extended_bundle_is_refused(classifier: shv.Classifier) -> None:
    classifier.save(URL)
    stored = memory.MemoryFileSystem().cat_file(URL)
    for data in (stored + b"x", stored[:-1], stored[:-9] + b"\xff" + stored[-8:]):
        write_atomically(URL, data)
        with refuses(BundleError, "damaged"):
            shv.Classifier.load(URL)
    with pytest.raises(BundleError):
        shv.Classifier.load(URL, expected_sha256="0" * 64)


def test_a_failed_upload_keeps_the_former_bundle(
    classifier: shv.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = classifier.save(URL)

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("the network is gone")

    with monkeypatch.context() as patch:
        patch.setattr(memory.MemoryFileSystem, "pipe_file", fail)
        with refuses(StorageError, "not-writable"):
            classifier.save(URL)
    assert shv.inspect(URL).sha256 == digest


@pytest.mark.parametrize("name", ["tiny.onnx"])
def test_an_exported_file_is_run_and_pickled_by_url(name: str, photo: bytes) -> None:
    pytest.importorskip("onnxruntime")
    url = f"memory://models/{name}"
    write_atomically(url, (GOLDEN / name).read_bytes())
    local, remote = export.Predictor(GOLDEN / name), export.Predictor(url, storage_options={})
    expected = local.predict_proba(photo)
    np.testing.assert_array_equal(remote.predict_proba(photo), expected)
    again = pickle.loads(pickle.dumps(remote))
    np.testing.assert_array_equal(again.predict_proba(photo), expected)


def test_photos_by_url_are_predicted_only_if_the_caller_allows_it(
    classifier: shv.Classifier, photo: bytes
) -> None:
    upath = pytest.importorskip("upath")
    url = "memory://shop/a.jpg"
    write_atomically(url, photo)
    with refuses(PhotoError, "not-enabled", "storage_options"):
        classifier.predict(url)
    expected = classifier.predict(photo).probabilities
    found = classifier.predict([url, photo], storage_options={})
    assert found.ids.tolist() == [url, "1"]
    np.testing.assert_array_equal(found.probabilities, np.repeat(expected, 2, axis=0))
    path = upath.UPath(url)
    np.testing.assert_array_equal(classifier.predict(path).probabilities, expected)
    np.testing.assert_array_equal(classifier.predict_proba([path]), expected)
    stream = classifier.predict_stream([url], storage_options={})
    assert [one.id for one in stream] == [url]


def test_a_photo_by_url_that_cannot_be_read_is_a_row(
    classifier: shv.Classifier, photo: bytes
) -> None:
    write_atomically("memory://shop/a.jpg", photo)
    urls = [
        *("memory://shop/gone.jpg", "file:///etc/passwd", "zip://a::memory://b", "s3:/shop/a.jpg"),
        "memory://shop/a.jpg",
    ]
    found = classifier.predict(urls, storage_options={}, on_error="skip")
    assert [error is None for error in found.errors] == [False] * 4 + [True]
    closed = classifier.predict(urls, on_error="skip")
    assert all(closed.errors)


def test_the_ids_of_photos_by_url_contain_no_credentials(classifier: shv.Classifier) -> None:
    url = "http://user:SEKRET@127.0.0.1:9/a.jpg?sig=SEKRET"
    for options in (None, {"headers": {"token": "SEKRET"}}):
        found = classifier.predict([url], storage_options=options, on_error="skip")
        assert found.ids.tolist() == ["http://127.0.0.1:9/a.jpg"]
        assert "SEKRET" not in f"{found.errors}"


def test_predictions_are_saved_by_url(classifier: shv.Classifier, photo: bytes) -> None:
    found = classifier.predict([photo, photo])
    for suffix in (".csv", ".jsonl"):
        found.save(f"memory://shop/a{suffix}", storage_options={})
        assert memory.MemoryFileSystem().cat_file(f"memory://shop/a{suffix}").count(b"\n") > 1
    pytest.importorskip("pyarrow.parquet")
    found.save("memory://shop/a.parquet")
    with refuses(InvalidParameterError, "not-an-option", "path"):
        found.save("memory://shop/a.txt")
