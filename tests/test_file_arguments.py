"""Every reader refuses at once what is no regular file: a FIFO, a folder, a device, a socket."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision import boxes, export
from shelfvision._photos.decode import read_photo
from shelfvision.errors import ShelfVisionError, StorageError
from support import refuses

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")

PHOTOS = shv.Dataset.from_arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 0, 1, 1])
FOUND = shv.Predictions(np.full((4, 2), 0.5), ["a", "b"], PHOTOS.ids)

READERS: dict[str, Callable[[str], object]] = {
    "classifier.shelf": shv.Classifier.load,
    "inspected.shelf": shv.inspect,
    "weights.safetensors": lambda path: shv.build_model(2, image_size=(88, 88), weights=path),
    "manifest.csv": shv.Dataset.from_manifest,
    "taxonomy.csv": shv.Taxonomy.from_manifest,
    "split.csv": lambda path: shv.Splits.load(path, PHOTOS),
    "boxes.json": boxes.Boxes.from_coco,
    "boxes.xml": boxes.Boxes.from_voc,
    "photo.jpg": lambda path: read_photo(path, image_size=(8, 8)),
    "model.onnx": export.Predictor,
    "model.tflite": export.Predictor,
    "model.xml": export.Predictor,
    "photos": shv.Dataset.from_directory,
}


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """Fail a reader that waits, where it waits."""

    def late(*_: object) -> None:
        raise TimeoutError("the reader waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(300)  # Keras is imported within it
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["FIFO", "link to a FIFO", "folder", "/dev/zero", "pipe"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, name: str, kind: str) -> None:
    path, pipe = tmp_path / name, os.pipe()
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "link to a FIFO":
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path(kind if kind[0] == "/" else f"/dev/fd/{pipe[0]}")
    try:
        with pytest.raises(ShelfVisionError) as caught:
            READERS[name](str(path))
    finally:
        for end in pipe:
            os.close(end)
    if name == "photos":
        assert caught.value.code in {"not-a-folder", "no-photos", "no-classes", "no-class-folders"}
    else:
        assert caught.value.code == "not-a-file"
    assert str(path) in str(caught.value)


OTHERS: dict[str, tuple[str, Callable[[object], object]]] = {
    "list of a split": ("train", lambda path: shv.Splits.from_files(PHOTOS, train=path)),  # type: ignore[arg-type]
    "former split": ("previous", lambda path: shv.SeededSplitter().split(PHOTOS, previous=path)),  # type: ignore[arg-type]
    "folders of products": ("directory", shv.Taxonomy.from_directory),  # type: ignore[dict-item]
    "saved audit": ("path", lambda path: shv.audit(PHOTOS).save(path)),  # type: ignore[arg-type]
    "saved review": ("path", lambda path: FOUND.save_review(path, PHOTOS)),  # type: ignore[arg-type]
    "saved split": ("path", lambda path: shv.Splits(train=PHOTOS).save(path)),  # type: ignore[arg-type]
    "cache": ("directory", PHOTOS.cached),  # type: ignore[dict-item]
    "samples": ("directory", lambda path: shv.samples.write_products(path, 1)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", [*READERS, *OTHERS])
@pytest.mark.parametrize("value", [0, 1.5, True, b"file", ["file"], object()], ids=type)
def test_what_is_no_path_is_refused(name: str, value: object) -> None:
    if name == "photo.jpg":
        pytest.skip("takes bytes and arrays, too")
    parameter, use = OTHERS.get(name) or (None, READERS.get(name))
    with pytest.raises(ShelfVisionError) as caught:
        use(value)  # type: ignore[misc,arg-type]  # on purpose
    assert caught.value.code == "wrong-type"
    assert caught.value.parameter in ({parameter} if parameter else PARAMETERS)


PARAMETERS = {"path", "source", "directory", "weights"}


def test_a_cache_folder_with_a_nul_is_refused() -> None:
    with refuses(StorageError, "not-writable"):
        PHOTOS.cached("a\0b")


def test_folders_with_links_in_a_circle_make_a_taxonomy(tmp_path: Path) -> None:
    (tmp_path / "drinks" / "tea").mkdir(parents=True)
    (tmp_path / "drinks" / "tea" / "1.jpg").touch()
    (tmp_path / "circle").symlink_to("circle")
    assert shv.Taxonomy.from_directory(tmp_path).paths == (("tea", "drinks"),)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of Linux's own")
@pytest.mark.parametrize("name", READERS)
def test_faults_of_reading_are_told_like_those_of_opening(name: str) -> None:
    if name == "photos":
        pytest.skip("reads no file")
    with pytest.raises(ShelfVisionError) as caught:
        READERS[name]("/proc/self/mem")
    assert caught.value.code == "unreadable"
    assert "/proc/self/mem" in str(caught.value)


def test_the_remedy_of_a_large_photo_is_that_of_photos(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ShelfVisionError) as caught:
        read_photo(path, image_size=(8, 8))
    assert caught.value.code == "too-large"
    assert "max_bytes" in str(caught.value)
