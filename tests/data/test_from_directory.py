"""`Dataset.from_directory`: every file seen is a row or is reported."""

from __future__ import annotations

import json
import os
import pickle
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._photos.file_pixels import FilePixels
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    PhotoError,
    PhotoNotFoundError,
    ShelfVisionWarning,
)
from support import gives_warning, refuses
from support.datasets import skipped_codes

MakePhoto = Callable[..., Path]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux file system")


def test_classes_are_the_sorted_folders_and_ids_the_paths(shop: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    assert ds.class_names == ("Juice", "Milk")
    assert ds.class_counts == {"Juice": 3, "Milk": 2}
    assert ds.ids.tolist() == [
        "Juice/1.JPG",
        "Juice/10.jpeg",
        "Juice/2.webp",
        "Milk/a.PNG",
        "Milk/b.jpg",
    ]
    assert ds.labels.tolist() == [0, 0, 0, 1, 1]
    assert ds.image_size == (100, 100)
    assert not ds.skipped


def test_pixels_are_read_at_the_asked_size(shop: Path) -> None:
    ds = shv.Dataset.from_directory(shop, image_size=(20, 30), resize="pad")
    image, label = ds[0]
    assert (image.shape, str(image.dtype), label) == ((20, 30, 3), "uint8", 0)
    assert ds.resize == ds[:2].cached().resize == "pad"
    images, labels = ds.to_arrays()
    np.testing.assert_array_equal(images, [image for image, _ in ds])
    np.testing.assert_array_equal(labels, ds.labels)


def test_class_names_choose_folders_and_their_order(shop: Path, make_photo: MakePhoto) -> None:
    (shop / "Eggs").mkdir()
    with gives_warning(ShelfVisionWarning, "empty-class", "directory"):
        ds = shv.Dataset.from_directory(shop, class_names=["Milk", "Eggs"])
    assert ds.class_counts == {"Milk": 2, "Eggs": 0}
    assert ds.ids.tolist() == ["Milk/a.PNG", "Milk/b.jpg"]
    assert ds.labels.tolist() == [0, 0]


def test_photos_of_nested_folders_belong_to_the_class_above(shop: Path) -> None:
    (shop / "Milk/2024/June").mkdir(parents=True)
    (shop / "Milk/b.jpg").rename(shop / "Milk/2024/June/b.jpg")
    ds = shv.Dataset.from_directory(shop)
    assert "Milk/2024/June/b.jpg" in ds.ids
    assert ds.class_counts["Milk"] == 2


def test_the_order_does_not_depend_on_the_file_system(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "notes.txt").write_text("x")
    first = shv.Dataset.from_directory(shop)
    scandir = os.scandir

    class Backwards:
        def __init__(self, path: str) -> None:
            self._entries = list(scandir(path))[::-1]

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self._entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    again = shv.Dataset.from_directory(shop)
    assert again.ids.tolist() == first.ids.tolist()
    assert again.skipped == first.skipped
    assert again.fingerprint == first.fingerprint


def test_other_files_are_reported_and_do_not_fail(shop: Path) -> None:
    (shop / "README.md").write_text("x")
    (shop / "Milk/notes.txt").write_text("x")
    (shop / "Milk/.DS_Store").write_text("x")
    (shop / "Milk/.hidden.jpg").write_text("x")
    (shop / ".DS_Store").write_text("x")
    (shop / ".git").mkdir()
    (shop / ".git/config").write_text("x")
    (shop / "loose.jpg").write_text("x")
    ds = shv.Dataset.from_directory(shop)
    assert len(ds) == 5
    assert skipped_codes(ds) == {
        "README.md": "not-a-photo",
        "Milk/notes.txt": "not-a-photo",
        "Milk/.DS_Store": "hidden",
        "Milk/.hidden.jpg": "hidden",
        ".DS_Store": "hidden",
        ".git/config": "hidden",
        "loose.jpg": "no-class",
    }
    assert repr(ds.skipped) == "<SkippedFiles: 7 skipped: hidden 4, not-a-photo 2, no-class 1>"
    assert "README.md" in str(ds.skipped)
    assert "7 skipped: hidden 4" in str(ds.skipped)
    lines = [json.loads(line) for line in ds.skipped.to_json_lines().splitlines()]
    assert [line["path"] for line in lines] == [file.path for file in ds.skipped]


def test_what_was_skipped_is_told_by_every_view(shop: Path) -> None:
    (shop / "README.md").write_text("x")
    ds = shv.Dataset.from_directory(shop)
    for view in (ds[:1], ds.select(["Milk"]), ds.relabel({"Milk": "Dairy"}), ds.cached()):
        assert view.skipped == ds.skipped


def test_no_file_is_opened_at_construction(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "Milk/b.jpg").write_bytes(b"")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        patch.setattr(os, "open", refuse)
        ds = shv.Dataset.from_directory(shop)
    assert len(ds) == 5
    with refuses(PhotoError, "empty"):
        ds.to_arrays()


def test_skip_leaves_out_what_cannot_be_read_and_says_why(shop: Path) -> None:
    (shop / "Milk/b.jpg").write_bytes(b"")
    (shop / "Juice/note.jpg").write_text("a text file")
    whole = (shop / "Juice/1.JPG").read_bytes()
    (shop / "Juice/1.JPG").write_bytes(whole[: len(whole) // 2])
    ds = shv.Dataset.from_directory(shop, on_error="skip")
    assert ds.ids.tolist() == ["Juice/10.jpeg", "Juice/2.webp", "Milk/a.PNG"]
    assert skipped_codes(ds) == {
        "Juice/1.JPG": "truncated",
        "Juice/note.jpg": "not-an-image",
        "Milk/b.jpg": "empty",
    }
    assert len(ds.to_arrays()[0]) == 3


def test_skip_refuses_a_folder_without_a_readable_photo(tmp_path: Path) -> None:
    (tmp_path / "Milk").mkdir()
    (tmp_path / "Milk/a.jpg").write_bytes(b"")
    with refuses(DataError, "unreadable"):
        shv.Dataset.from_directory(tmp_path, on_error="skip")


def test_folders_that_cannot_be_used_are_named_with_the_remedy(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    with refuses(DatasetNotFoundError, "not-found", "directory"):
        shv.Dataset.from_directory(tmp_path / "nowhere")
    with refuses(DataError, "no-classes", "directory"):
        shv.Dataset.from_directory(tmp_path)
    photo = make_photo(tmp_path / "a.jpg")
    with refuses(DataError, "not-a-folder", "directory"):
        shv.Dataset.from_directory(photo)
    with refuses(DataError, "no-classes", "directory"):
        shv.Dataset.from_directory(tmp_path)
    (tmp_path / "Milk").mkdir()
    (tmp_path / "Milk/readme.txt").write_text("x")
    with refuses(DataError, "empty", "directory"):
        shv.Dataset.from_directory(tmp_path)


def test_class_names_without_a_folder_are_named(shop: Path) -> None:
    with gives_warning(ShelfVisionWarning, "missing-class", "class_names") as said:
        ds = shv.Dataset.from_directory(shop, class_names=["Juice", "Mlik"])
    assert len(said) == 1
    assert "'Mlik' (did you mean 'Milk'?)" in str(said[0])
    assert ds.class_counts == {"Juice": 3, "Mlik": 0}
    with refuses(DataError, "missing-class", "class_names") as caught:
        shv.Dataset.from_directory(shop, class_names=["Mlik", "Tea"])
    assert "'Juice', 'Milk'" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        ("image_size", 0, "not-in-range"),
        ("image_size", (0, 5), "not-in-range"),
        ("resize", "squash", "not-an-option"),
        ("on_error", "no", "not-an-option"),
    ],
)
def test_wrong_settings_are_named(shop: Path, name: str, wrong: object, code: str) -> None:
    with refuses(InvalidParameterError, code, name):
        shv.Dataset.from_directory(shop, **{name: wrong})  # type: ignore[arg-type]  # on purpose


def test_a_folder_that_may_not_be_read_is_named_or_reported(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: str) -> object:
        if "Milk" in path:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with refuses(PhotoError, "permission") as caught:
        shv.Dataset.from_directory(shop)
    assert caught.value.code == "permission"
    with gives_warning(ShelfVisionWarning, "empty-class", "directory") as said:
        ds = shv.Dataset.from_directory(shop, on_error="skip")
    assert "Permission denied" in str(said[0])
    assert ds.class_counts == {"Juice": 3, "Milk": 0}
    assert skipped_codes(ds) == {"Milk/": "unreadable-folder"}


def test_a_relative_folder_still_works_elsewhere(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    ds = shv.Dataset.from_directory("shop")
    monkeypatch.chdir("/")
    assert ds[0][0].shape == (100, 100, 3)
    assert pickle.loads(pickle.dumps(ds)).fingerprint == ds.fingerprint


@on_linux
def test_a_hostile_tree_is_read_to_the_last_file(tmp_path: Path, make_photo: MakePhoto) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    good = make_photo(root / "Milk/good.jpg").read_bytes()
    make_photo(outside / "away.jpg", 1)
    nfc, nfd = (unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD"))
    names = [nfc, nfd, "a.JPG", "A.jpg", "new\nline.jpg", "tab\t.jpg", " .jpg", "x" * 250 + ".jpg"]
    for name in names + [f"{number}.jpg" for number in range(150)]:
        (root / "Milk" / name).write_bytes(good)
    with open(os.fsencode(root / "Milk") + b"/bad\xff\xfe.jpg", "wb") as file:
        file.write(good)
    (root / "milk").mkdir()
    (root / "milk/other.png").write_bytes(good)
    for name in ("Thumbs.db", ".DS_Store", "no-extension", "film.mp4", "jpg", ".jpg"):
        (root / "Milk" / name).write_bytes(b"x")
    os.mkfifo(root / "Milk/pipe.jpg")
    (root / "Milk/loop").symlink_to(root)
    (root / "Milk/piped.jpg").symlink_to("pipe.jpg")
    (root / "Milk/device.jpg").symlink_to("/dev/null")
    (root / "Milk/self.jpg").symlink_to("self.jpg")
    (root / "Milk/gone.jpg").symlink_to("nowhere.jpg")
    (root / "Milk/linked.jpg").symlink_to(outside / "away.jpg")
    (root / "Milk/folder.jpg").mkdir()
    (root / "Milk/folder.jpg/inside.jpg").write_bytes(good)
    (root / "Away").symlink_to(outside)
    (root / "Again").symlink_to(root / "Milk")
    (outside / "back").symlink_to(root)

    seen = {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, folders, files in os.walk(root)
        for name in [*files, *(name for name in folders if os.path.islink(f"{folder}/{name}"))]
    }
    seen = seen - {"Away"} | {"Away/away.jpg", "Away/back"}
    ds = shv.Dataset.from_directory(root)
    used, reported = set(ds.ids.tolist()), set(skipped_codes(ds))
    assert used | reported == seen
    assert len(ds) + len(ds.skipped) == len(seen)
    assert ds.class_names == ("Away", "Milk", "milk")
    assert {nfc, nfd} <= {name.removeprefix("Milk/") for name in used}
    assert {skipped_codes(ds)[f"Milk/{name}.jpg"] for name in ("pipe", "piped", "device")} == {
        "not-a-file"
    }
    assert skipped_codes(ds)["Milk/gone.jpg"] == skipped_codes(ds)["Milk/self.jpg"] == "broken-link"
    assert skipped_codes(ds)["Milk/loop"] == skipped_codes(ds)["Away/back"] == "linked-folder"
    assert len(shv.Dataset.from_directory(root, on_error="skip")) == len(ds)
    assert str(ds.skipped).count("\n") == len(ds.skipped)


@on_linux
def test_a_link_that_is_seen_but_not_readable_is_reported(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "Away").symlink_to(tmp_path)

    resolve = os.path.realpath

    def resolved(path: str) -> str:
        if os.path.basename(path) == "Away":
            raise FileNotFoundError(2, "No such file or directory", path)
        return resolve(path)

    with monkeypatch.context() as patch:
        patch.setattr(os.path, "realpath", resolved)
        ds = shv.Dataset.from_directory(shop)
    assert skipped_codes(ds)["Away"] == "broken-link"
    assert ds.class_names == ("Juice", "Milk")


def test_a_photo_that_vanished_is_named(shop: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    (shop / "Juice/1.JPG").unlink()
    with refuses(PhotoNotFoundError, "not-found"):
        ds[0]
    with refuses(PhotoNotFoundError, "not-found"):
        _ = ds.groups


def test_a_photo_that_changed_after_its_content_was_recorded_is_named(
    shop: Path, make_photo: MakePhoto
) -> None:
    ds = shv.Dataset.from_directory(shop)
    _ = ds.fingerprint
    make_photo(shop / "Juice/1.JPG", 99)
    os.utime(shop / "Juice/1.JPG", (5, 5))
    for read in (lambda: ds[0], lambda: ds.fingerprint):
        with refuses(PhotoError, "changed") as caught:
            read()
        assert caught.value.code == "changed"
    touched = shop / "Juice/2.webp"
    os.utime(touched, (5, 5))
    assert ds[2][0].shape == (100, 100, 3)


def test_pixels_do_not_depend_on_the_number_of_workers(shop: Path) -> None:
    names = shv.Dataset.from_directory(shop).ids
    rows = np.arange(5).repeat(4)
    batches = [
        FilePixels(str(shop), names, image_size=(9, 9), workers=workers).read_many(rows)
        for workers in (1, 2, 4)
    ]
    for batch in batches[1:]:
        np.testing.assert_array_equal(batch, batches[0])


def test_no_photo_file_is_changed(shop: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in shop.rglob("*.*")}
    ds = shv.Dataset.from_directory(shop, on_error="skip")
    _ = ds.group_near_duplicates().fingerprint
    ds.to_arrays()
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in shop.rglob("*.*")}
