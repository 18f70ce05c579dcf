"""`Scorer` with classifiers and photos of stores, by URL."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from shelfvision.errors import BundleError, BundleNotFoundError, InvalidParameterError
from shelfvision.export import Predictor
from shelfvision.scale import Scorer, _opening
from support import refuses

from .conftest import BUNDLE, EXPORT

pa = pytest.importorskip("pyarrow")
pytest.importorskip("onnxruntime")
pytest.importorskip("fsspec")
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402

Objects = dict[str, bytes]


@pytest.fixture(autouse=True)
def shop(photos: list[bytes]) -> Iterator[MemoryFileSystem]:
    """Store photos as memory://shop/0.jpg to 69.jpg, and files of classifiers."""
    store = MemoryFileSystem()
    for row, photo in enumerate(photos):
        store.pipe_file(f"/shop/{row}.jpg", photo)
    store.pipe_file("/shop/empty.jpg", b"")
    store.pipe_file("/shop/a.onnx", EXPORT.read_bytes())
    store.pipe_file("/shop/a.shelf", BUNDLE.read_bytes())
    yield store
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def urls(*names: object) -> dict[str, Any]:
    column = np.empty(len(names), dtype=object)
    column[:] = [f"memory://shop/{one}.jpg" if isinstance(one, int) else one for one in names]
    return {"url": column}


def by_url(**settings: Any) -> Scorer:
    return Scorer(EXPORT, photo_column="url", photo_kind="url", id_column=None, **settings)


def test_photos_are_fetched_in_the_worker(photos: list[bytes]) -> None:
    found: Any = by_url()(urls(*range(70)))
    expected = Predictor(EXPORT).predict(photos)
    assert np.array_equal(found["confidence"], expected.confidences)


def test_a_url_that_cannot_be_read_is_a_row_with_its_error(photos: list[bytes]) -> None:
    found: Any = by_url()(
        urls(
            *(0, "memory://shop/none.jpg", "memory://shop/empty.jpg", None, "", 5.5, "/data/a.jpg"),
            *("http://127.0.0.1:9/a.jpg", "file:///etc/passwd", "zip://a.jpg::memory://shop/a.zip"),
        )
    )
    assert found["error_code"].tolist() == [
        *("", "not-found", "empty", "missing", "missing", "wrong-type", "not-supported"),
        *("not-enabled", "not-supported", "not-supported"),
    ]
    assert found["confidence"][0] == Predictor(EXPORT).predict(photos[:1]).confidences[0]


@pytest.mark.remedy("not-enabled")
def test_a_server_that_does_not_answer_is_a_row_with_its_error() -> None:
    pytest.importorskip("aiohttp")
    batch = urls("http://127.0.0.1:9/a.jpg?Signature=SEKRET", 1)
    assert "storage_options={}" in by_url()(batch)["error"][0]
    found: Any = by_url(storage_options={})(batch)
    assert found["error_code"].tolist() == ["unreadable", ""]
    assert "SEKRET" not in found["error"][0]


def test_a_url_in_a_column_of_paths_has_a_remedy() -> None:
    scorer = Scorer(EXPORT, photo_column="url", photo_kind="path", id_column=None)
    found: Any = scorer(urls(1))
    assert found["error_code"].tolist() == ["not-supported"]
    assert 'pass photo_kind="url"' in found["error"][0]


def test_the_next_photos_are_fetched_while_photos_are_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests run at the same time, and at most two batches of photos are in memory."""
    running, most, asked = 0, 0, 0
    lock = threading.Lock()
    fetch = MemoryFileSystem.cat_file

    def slow(self: MemoryFileSystem, *arguments: Any, **settings: Any) -> bytes:
        nonlocal running, most, asked
        with lock:
            running, asked = running + 1, asked + 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return bytes(fetch(self, *arguments, **settings))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", slow)
    before = []
    scorer = by_url()
    scorer(urls(0))
    model = next(reversed(_opening._models.values()))
    monkeypatch.setattr(
        "shelfvision.scale._scorer.serving_model",
        lambda _settings: _with_watch(model, lambda: before.append(asked)),
    )
    asked = 0
    scorer(urls(*range(70), *range(70)))
    assert most > 4
    assert before[0] <= 2 * model.batch_size


def _with_watch(model: Any, watch: Any) -> Any:
    from dataclasses import replace

    def probabilities(images: Any) -> Any:
        watch()
        return model.probabilities(images)

    return replace(model, probabilities=probabilities)


@pytest.mark.parametrize("name", ["a.onnx", "a.shelf"])
def test_a_classifier_is_opened_by_url(name: str, photos: list[bytes]) -> None:
    scorer = Scorer(f"memory://shop/{name}", id_column=None)
    local = Scorer(EXPORT if name == "a.onnx" else BUNDLE, id_column=None)
    assert scorer.sha256 == local.sha256
    assert name in repr(scorer)
    if name == "a.onnx":
        batch = pa.table({"bytes": photos[:3]})
        assert pickle.loads(pickle.dumps(scorer))(batch).equals(local(batch))


def test_an_object_that_was_replaced_is_refused(
    shop: MemoryFileSystem, photos: list[bytes]
) -> None:
    shop.pipe_file("/shop/b.onnx", EXPORT.read_bytes())
    scorer = pickle.loads(pickle.dumps(Scorer("memory://shop/b.onnx", id_column=None)))
    shop.pipe_file("/shop/b.onnx", (EXPORT.parent / "version-3" / "tiny.onnx").read_bytes())
    with refuses(BundleError, "wrong-digest", "bundle"):
        scorer(pa.table({"bytes": photos[:1]}))


def test_a_classifier_that_is_missing_or_not_supported_is_refused() -> None:
    with refuses(BundleNotFoundError, "not-found", "bundle"):
        Scorer("memory://shop/none.onnx")
    with refuses(InvalidParameterError, "not-supported", "bundle"):
        Scorer("nothing://shop/a.onnx")
    with refuses(InvalidParameterError, "not-enabled", "storage_options"):
        Scorer("https://example.com/a.onnx")
    with refuses(InvalidParameterError, "wrong-type", "storage_options"):
        Scorer(EXPORT, storage_options="profile")  # type: ignore[arg-type]  # the point of the test


def test_options_are_pickled_but_not_shown() -> None:
    scorer = by_url(storage_options={"key": "SEKRET"})
    assert b"SEKRET" in pickle.dumps(scorer)
    assert "SEKRET" not in repr(scorer) + repr(scorer.__getstate__())
