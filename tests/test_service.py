"""The service answers photos, refuses what is none, and says which classifier it is."""

from __future__ import annotations

import base64
import importlib
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv

pytest.importorskip("fastapi", reason="the service needs fastapi: pip install fastapi")
pytest.importorskip("httpx", reason="its tests need httpx: pip install httpx")

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

SIDE = 88


@pytest.fixture(scope="module")
def digest_and_path(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp("service") / "groceries.shelf"
    model = shv.build_model(2, image_size=(SIDE, SIDE), seed=1)
    bare = shv.Classifier.from_model(model, class_names=["juice", "milk"])
    scores = shv.ValidationScores.of([[0.9, 0.1], [0.2, 0.8]], [0, 1])
    return bare.with_validation(scores).save(path), path


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
    wanted = shv.Classifier.load(path).predict(photo())[0]
    assert answer.status_code == 200
    assert answer.json() == {
        "label": wanted.label,
        "confidence": pytest.approx(wanted.confidence, abs=1e-6),
        "decision": None,
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


def shelf(boxes: object, **more: object) -> dict[str, object]:
    return {"photo": base64.b64encode(photo()).decode(), "boxes": boxes, **more}


def test_a_form_is_refused_with_what_to_send_instead(client: TestClient) -> None:
    answer = client.post("/predict", files={"photo": photo()})

    assert answer.status_code == 415
    assert "curl --data-binary" in answer.json()["detail"]


def test_a_shelf_is_counted_and_held_against_what_is_expected(
    client: TestClient, digest_and_path: tuple[str, Path]
) -> None:
    boxes: list[list[float]] = [[0, 0, 40, 80], [30.5, 5, 80, 60], [5, 40, 88, 88]]
    expected = {"milk": 900, "tea": 2}
    answer = client.post("/inventory", json=shelf(boxes, expected=expected))
    assert answer.status_code == 200
    said = answer.json()
    regions = shv.Classifier.load(digest_and_path[1]).predict_regions(photo(), boxes)
    assert said["labels"] == list(regions.labels)
    assert sum(one["count"] for one in said["products"].values()) == pytest.approx(3, abs=0.02)
    assert {n: one["taken_for"] for n, one in said["products"].items()} == regions.counts
    status = {one["product"]: one["status"] for one in said["differences"]}
    assert status["tea"] == "unknown"
    assert status["milk"] in ("missing", "short")
    assert said["review"] == []
    assert said["sha256"] == digest_and_path[0]


def test_the_crop_rule_of_a_request_replaces_that_of_the_bundle(
    client: TestClient, digest_and_path: tuple[str, Path]
) -> None:
    boxes: list[list[float]] = [[0, 0, 40, 80], [30.5, 5, 80, 60], [5, 40, 88, 88]]
    classifier = shv.Classifier.load(digest_and_path[1])
    for rule in ({}, {"context": 0.4}, {"context": 0.2, "shape": "image"}):
        said = client.post("/inventory", json=shelf(boxes, **rule)).json()
        assert said["labels"] == list(classifier.predict_regions(photo(), boxes, **rule).labels)
    assert client.post("/inventory", json=shelf(boxes, shape="round")).status_code == 422


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (shelf([]), "boxes"),
        (shelf([[0, 0, 10]]), "boxes"),
        (shelf([[40, 0, 10, 10]]), "box"),
        (shelf([[500, 500, 600, 600]]), "box"),
        ({"photo": "AAAA", "boxes": [[0, 0, 9, 9]]}, "photo"),
        ({"boxes": [[0, 0, 9, 9]]}, "photo"),
        (shelf([[0, 0, 9, 9]], expected={"milk": -1}), "milk"),
    ],
)
def test_a_shelf_that_is_none_is_refused_with_the_reason(
    client: TestClient, body: dict[str, object], told: str
) -> None:
    answer = client.post("/inventory", json=body)
    assert answer.status_code == 422
    assert told in answer.text


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


_WORST = """
import io, os, re, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fastapi.testclient import TestClient
from PIL import Image
import service

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

def encoded(side):
    file = io.BytesIO()
    Image.new("RGBA", (side, side), (9, 8, 7, 100)).save(file, "WEBP", lossless=True, method=0)
    return file.getvalue()

small, worst = encoded(64), Path(sys.argv[1]).read_bytes()
with TestClient(service.app) as client:
    def ask(photo):
        return client.post("/predict", content=photo).status_code
    assert ask(small) == 200
    before = peak()
    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(ask, [worst] * 8))
    print(codes, round(peak() - before))
"""


def peak_of_eight_worst_photos(
    path: Path, folder: Path, patch: pytest.MonkeyPatch, memory_mib: int
) -> tuple[str, int]:
    """Return the status codes and by how many MiB the service grew."""
    side = 3600
    file = io.BytesIO()
    Image.new("RGBA", (side, side), (9, 8, 7, 100)).save(file, "WEBP", lossless=True, method=0)
    (folder / "worst.webp").write_bytes(file.getvalue())
    patch.setenv("SHELF_BUNDLE", str(path))
    patch.setenv("SHELF_MEMORY", str(memory_mib * 2**20))
    found = subprocess.run(
        [sys.executable, "-c", _WORST, str(folder / "worst.webp")],
        cwd=Path(__file__).parents[1] / "examples" / "service",
        capture_output=True,
        text=True,
        check=True,
    )
    codes, grown = found.stdout.split("}")
    return codes + "}", int(grown)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_eight_worst_photos_at_once_stay_under_the_stated_limit(
    digest_and_path: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them takes 200 MiB, and the service decodes four at a time."""
    codes, grown = peak_of_eight_worst_photos(digest_and_path[1], tmp_path, monkeypatch, 320)
    print(f"eight photos at once: {grown} MiB of 320")
    assert (codes, grown < 320) == ("{200}", True)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_photo_that_needs_more_than_there_is_is_refused(
    digest_and_path: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, grown = peak_of_eight_worst_photos(digest_and_path[1], tmp_path, monkeypatch, 200)
    assert (codes, grown < 100) == ("{413}", True)


def test_requests_wait_for_memory_in_the_order_in_which_they_came(client: TestClient) -> None:
    import anyio

    budget = sys.modules["service"].Budget(10)
    told: list[str] = []

    async def take(name: str, amount: int, after: float) -> None:
        await anyio.sleep(after)
        async with budget.hold(amount):
            told.append(f"{name} in")
            await anyio.sleep(0.3)
        told.append(f"{name} out")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(take, "a", 6, 0.0)
            group.start_soon(take, "b", 8, 0.1)
            group.start_soon(take, "c", 2, 0.2)

    anyio.run(main)
    assert told.index("a out") < told.index("b in") <= told.index("c in")


def test_a_body_that_does_not_arrive_is_given_up(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anyio

    service = sys.modules["service"]

    class Slow:
        async def stream(self) -> AsyncIterator[bytes]:
            yield b"a"
            await anyio.sleep(60)

    monkeypatch.setattr(service, "SECONDS_TO_SEND", 0.1)
    with pytest.raises(service.HTTPException) as caught:
        anyio.run(service.body_of, Slow(), 100)
    assert caught.value.status_code == 408


def test_without_a_bundle_it_does_not_start_and_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fastapi.testclient import TestClient

    monkeypatch.delenv("SHELF_BUNDLE", raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples" / "service"))
    app = importlib.import_module("service").app

    with pytest.raises(RuntimeError, match=r"start with SHELF_BUNDLE=groceries\.shelf"):
        TestClient(app).__enter__()
