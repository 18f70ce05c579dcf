"""A dataset of a URL is that of the same folder on a disk, and reads no other URL."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._storage import RemoteFile, as_location, write_atomically
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoError,
    PhotoNotFoundError,
)
from support import refuses

memory = pytest.importorskip("fsspec.implementations.memory")

ROOT = "memory://shop/photos"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    shv.samples.write_products(folder, n_per_class=4, class_names=["juice", "milk", "tea"])
    copy = (folder / "milk" / "0000.jpg").read_bytes()
    for name in ("milk/older/9 ä.JPG", "milk/notes.txt", "top.jpg", "@eaDir/1.jpg", ".hid/1.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(copy)
    return folder


@pytest.fixture(autouse=True)
def uploaded(shop: Path) -> Iterator[None]:
    root = as_location(ROOT)
    assert isinstance(root, RemoteFile)
    for path in sorted(shop.rglob("*")):
        if path.is_file():
            write_atomically(root.child(path.relative_to(shop).as_posix()), path.read_bytes())
    # Consoles mark folders by such objects.
    memory.MemoryFileSystem.store["/shop/photos/milk/"] = memory.MemoryFile()
    yield
    memory.MemoryFileSystem.store.clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the objects that are requested."""
    paths: list[str] = []
    for name in ("cat_file", "info", "find", "ls", "open"):
        real = getattr(memory.MemoryFileSystem, name)

        def spy(self: Any, path: str, *rest: Any, real: Any = real, **options: Any) -> Any:
            paths.append(path)
            return real(self, path, *rest, **options)

        monkeypatch.setattr(memory.MemoryFileSystem, name, spy)
    return paths


def listing(folder: Path, *cells: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(["path,label", *(f'"{cell}",milk' for cell in cells)]))
    return path


def test_a_folder_by_url_has_the_ids_order_and_skipped_files_of_the_same_folder_on_disk(
    shop: Path,
) -> None:
    local, remote = shv.Dataset.from_directory(shop), shv.Dataset.from_directory(ROOT + "/")
    assert remote.ids.tolist() == local.ids.tolist()
    assert remote.labels.tolist() == local.labels.tolist()
    assert remote.class_names == local.class_names
    assert list(remote.skipped) == list(local.skipped)
    assert len(remote.skipped) == 4


def test_splits_groups_pixels_and_fingerprints_are_those_of_the_same_folder(shop: Path) -> None:
    local, remote = shv.Dataset.from_directory(shop), shv.Dataset.from_directory(ROOT)
    assert remote.groups.tolist() == local.groups.tolist()
    assert remote.fingerprint == local.fingerprint
    np.testing.assert_array_equal(remote.to_arrays()[0], local.to_arrays()[0])
    splitter = shv.SeededSplitter(seed=3)
    there, here = splitter.split(remote), splitter.split(local)
    assert there.train.ids.tolist() == here.train.ids.tolist()


def test_a_folder_is_listed_without_reading_a_photo(asked: list[str]) -> None:
    dataset = shv.Dataset.from_directory(ROOT)
    # Some versions of fsspec list each folder, others all at once.
    assert not [path for path in asked if path.lower().endswith(".jpg")]
    before = len(asked)
    _ = dataset[0]
    assert [path.rpartition("/")[2] for path in asked[before:]] == ["0000.jpg"]


def test_a_manifest_by_url_finds_photos_beside_it(shop: Path, tmp_path: Path) -> None:
    cells = ["milk/0000.jpg", "milk/older/9 ä.JPG", " milk/0001.jpg "]
    write_atomically(f"{ROOT}/list.csv", listing(tmp_path, *cells).read_bytes())
    remote = shv.Dataset.from_manifest(f"{ROOT}/list.csv")
    local = shv.Dataset.from_manifest(listing(tmp_path, *cells), root=shop)
    assert remote.ids.tolist() == local.ids.tolist() == [cell.strip() for cell in cells]
    np.testing.assert_array_equal(remote.to_arrays()[0], local.to_arrays()[0])


def test_urls_in_a_list_are_read_below_the_root_that_the_caller_passes(
    tmp_path: Path, asked: list[str]
) -> None:
    path = listing(tmp_path, f"{ROOT}/milk/0000.jpg", f"{ROOT}/tea/0001.jpg")
    with refuses(PhotoNotFoundError, "not-found") as caught:
        shv.Dataset.from_manifest(path)
    assert asked == []
    assert f"pass root={ROOT!r}" in str(caught.value)
    dataset = shv.Dataset.from_manifest(path, root=ROOT)
    assert dataset.ids.tolist() == ["milk/0000.jpg", "tea/0001.jpg"]
    assert dataset.to_arrays()[0].shape == (2, 100, 100, 3)


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "http://169.254.169.254/latest/meta-data",
            "memory://shop/secret.jpg",
            "s3://other/a.jpg",
        ),
        *(f"{ROOT}/../secret.jpg", "../secret.jpg", "/etc/passwd", "file:///etc/passwd"),
        *("milk/../../secret.jpg", f"{ROOT}-old/1.jpg", "zip://a.jpg::memory://shop/a.zip"),
    ],
)
def test_no_other_url_in_a_list_is_requested(
    cell: str, tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically("memory://shop/secret.jpg", b"")
    asked.clear()
    path = listing(tmp_path, cell, "milk/0000.jpg")
    for options in ({}, {"root": ROOT}, {"root": ROOT, "storage_options": {}}):
        with pytest.raises(PhotoNotFoundError):
            shv.Dataset.from_manifest(path, **options)
    assert asked == []
    dataset = shv.Dataset.from_manifest(path, root=ROOT, on_error="skip")
    assert dataset.ids.tolist() == ["milk/0000.jpg"]
    assert {path.rpartition("/")[2] for path in asked} == {"0000.jpg"}


def test_a_wrong_root_is_noticed_at_once_and_a_missing_photo_when_it_is_read(
    tmp_path: Path,
) -> None:
    path = listing(tmp_path, "milk/0000.jpg", "milk/gone.jpg")
    with refuses(PhotoNotFoundError, "not-found", "root"):
        shv.Dataset.from_manifest(path, root="memory://shop/elsewhere")
    dataset = shv.Dataset.from_manifest(path, root=ROOT)
    with pytest.raises(PhotoNotFoundError):
        dataset[1]
    kept = shv.Dataset.from_manifest(path, root=ROOT, on_error="skip")
    assert (len(kept), [one.path for one in kept.skipped]) == (1, ["milk/gone.jpg"])


def test_at_most_one_byte_above_the_limit_of_a_photo_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = shv.Dataset.from_directory(ROOT, limits=shv.data.DecodeLimits(max_bytes=100))
    ends: list[int] = []
    real = memory.MemoryFileSystem.cat_file

    def spy(self: Any, path: str, start: int, end: int) -> Any:
        ends.append(end)
        return real(self, path, start=start, end=end)

    monkeypatch.setattr(memory.MemoryFileSystem, "cat_file", spy)
    with refuses(PhotoError, "too-large"):
        dataset[0]
    assert ends == [101]


def test_a_photo_that_changes_after_its_digest_is_refused(shop: Path) -> None:
    dataset = shv.Dataset.from_directory(ROOT)
    _ = dataset.groups
    first = str(dataset.ids[0])
    write_atomically(f"{ROOT}/{first}", (shop / "tea" / "0003.jpg").read_bytes())
    with refuses(PhotoError, "changed"):
        dataset[0]


def test_a_cached_dataset_asks_the_store_once(tmp_path: Path, asked: list[str]) -> None:
    cached = shv.Dataset.from_directory(ROOT).cached(tmp_path / "cache")
    asked.clear()
    assert cached.to_arrays()[0].shape[0] == len(cached)
    assert asked == []


def test_a_pickled_dataset_reads_the_same_photos() -> None:
    dataset = shv.Dataset.from_directory(ROOT, storage_options={})
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again[3][0], dataset[3][0])


def test_an_audit_of_a_url_is_that_of_the_folder(shop: Path) -> None:
    found = [shv.audit(shv.Dataset.from_directory(place)) for place in (shop, ROOT)]
    assert str(found[0]) == str(found[1])


def test_other_folders_by_url_are_refused() -> None:
    with refuses(DatasetNotFoundError, "not-found", "directory"):
        shv.Dataset.from_directory("memory://shop/none")
    with refuses(DataError, "no-classes", "directory"):
        shv.Dataset.from_directory(f"{ROOT}/milk/older")
    with refuses(InvalidParameterError, "not-enabled", "storage_options"):
        shv.Dataset.from_directory("https://cdn.example.com/photos")
    with refuses(DataError, "not-supported", "directory"):
        shv.Dataset.from_directory("https://cdn.example.com/photos", storage_options={})
    with refuses(InvalidParameterError, "wrong-type", "storage_options"):
        shv.Dataset.from_directory(ROOT, storage_options="anon")  # type: ignore[arg-type]


def test_urls_in_files_of_other_tools_are_never_fetched(tmp_path: Path, asked: list[str]) -> None:
    url = f"{ROOT}/milk/0000.jpg"
    image = {"id": 1, "file_name": url, "coco_url": url, "width": 8, "height": 8}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}
    coco = {"images": [image], "annotations": [box], "categories": [{"id": 1, "name": "milk"}]}
    (tmp_path / "a.json").write_text(json.dumps(coco))
    with pytest.raises(shv.errors.ShelfVisionError):
        shv.Dataset.from_boxes(tmp_path / "a.json")
    assert asked == []
