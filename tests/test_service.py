"""The service answers photos, refuses what is none, and says which classifier it is."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import shelfvision as sv

pytest.importorskip("fastapi", reason="the service needs fastapi: pip install fastapi")
pytest.importorskip("httpx", reason="its tests need httpx: pip install httpx")

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

SIDE = 88


@pytest.fixture(scope="module")
def digest_and_path(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("service") / "groceries.shelf"
    model = sv.build_model(2, image_size=(SIDE, SIDE), seed=1)
    classifier = sv.Classifier.from_model(model, class_names=["juice", "milk"])
    return classifier.save(path), path


@pytest.fixture(scope="module")
def client(digest_and_path: tuple[str, Path]) -> Iterator[TestClient]:
    from fastapi.testclient import TestClient

    digest, path = digest_and_path
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELF_BUNDLE", str(path))
        patch.setenv("SHELF_SHA256", digest)
        patch.setenv("SHELF_MAX_BYTES", "50000")
        patch.syspath_prepend(str(Path(__file__).parents[1] / "examples" / "service"))
        with TestClient(importlib.import_module("service").app) as made:
            yield made
        sys.modules.pop("service")


def photo(seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def test_a_photo_is_answered_as_the_classifier_says(
    client: TestClient, digest_and_path: tuple[str, Path]
) -> None:
    digest, path = digest_and_path
    answer = client.post("/predict", content=photo())
    wanted = sv.Classifier.load(path).predict(photo())[0]
    assert answer.status_code == 200
    assert answer.json() == {
        "label": wanted.label,
        "confidence": pytest.approx(wanted.confidence, abs=1e-6),
        "decision": "accept",
        "sha256": digest,
    }


@pytest.mark.parametrize("body", [b"", b"no photo", photo()[:500]])
def test_what_is_no_photo_is_refused_with_the_reason(client: TestClient, body: bytes) -> None:
    answer = client.post("/predict", content=body)
    assert answer.status_code == 422
    assert "photo 0" in answer.json()["detail"]


def test_a_photo_that_is_too_large_is_not_read_to_its_end(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield bytes(10_000)

    assert client.post("/predict", content=endless()).status_code == 413


def test_many_clients_are_answered_at_once(client: TestClient) -> None:
    def ask(seed: int) -> int:
        return int(client.post("/predict", content=photo(seed)).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {200}


def test_it_says_that_it_is_well_and_which_classifier_it_serves(
    client: TestClient, digest_and_path: tuple[str, Path]
) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    about = client.get("/version").json()
    assert about["sha256"] == digest_and_path[0]
    assert about["class_names"] == ["juice", "milk"]
    assert about["image_size"] == [SIDE, SIDE]
