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
from shelfvision import export, regions
from shelfvision.data.decoding._decode import read_photo
from shelfvision.errors import ShelfVisionError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")

PHOTOS = shv.Dataset.from_arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 0, 1, 1])

READERS: dict[str, Callable[[str], object]] = {
    "classifier.shelf": shv.Classifier.load,
    "inspected.shelf": shv.inspect,
    "weights.safetensors": lambda path: shv.build_model(2, image_size=(88, 88), weights=path),
    "manifest.csv": shv.Dataset.from_manifest,
    "taxonomy.csv": shv.Taxonomy.from_manifest,
    "split.csv": lambda path: shv.Splits.load(path, PHOTOS),
    "boxes.json": regions.Boxes.from_coco,
    "boxes.xml": regions.Boxes.from_voc,
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
