"""Every path argument takes a URL or refuses it at once, and none makes a local folder ``s3:``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision import boxes, export
from shelfvision._storage import read_bounded
from shelfvision.errors import ShelfVisionError
from support import refuses

memory = pytest.importorskip("fsspec.implementations.memory")

PHOTOS = shv.Dataset.from_arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 0, 1, 1])
FOUND = shv.Predictions(np.full((4, 2), 0.5), ["a", "b"], PHOTOS.ids)
PROFILE = shv.Profile.from_predictions(FOUND)
Use = Callable[[Any], object]


class Same:
    """A classifier with the same answer for all photos."""

    class_names = tuple(PHOTOS.class_names)

    def predict(self, photos: shv.Dataset) -> shv.Predictions:
        return shv.Predictions(np.full((len(photos), 2), 0.5), self.class_names, photos.ids)


LOCAL: dict[str, tuple[str, Use]] = {
    "checkpoints": ("checkpoint_dir", lambda url: shv.Trainer(checkpoint_dir=url)),
    "cached crops": ("cache_dir", lambda url: shv.Trainer(cache_dir=url)),
    "cached pixels": ("directory", PHOTOS.cached),
    "samples": ("directory", lambda url: shv.samples.write_products(url, 1)),
    "folders of products": ("directory", shv.Taxonomy.from_directory),
    "detector": ("path", export.Detector),
    "weights": ("weights", lambda url: shv.build_model(2, image_size=(88, 88), weights=url)),
    "boxes of COCO": ("source", boxes.Boxes.from_coco),
    "boxes of VOC": ("path", boxes.Boxes.from_voc),
    "boxes of YOLO": ("path", boxes.Boxes.from_yolo),
    "annotations": ("source", boxes.read_boxes),
    "crops": ("source", shv.Dataset.from_boxes),
    "photos of annotations": (
        "images",
        lambda url: boxes.read_boxes({"a.jpg": [[0, 0, 4, 4]]}, images=url),
    ),
    "root of tasks": ("root", lambda url: FOUND.save_label_studio("a.json", PHOTOS, root=url)),
}
"""Arguments that take local paths only, with the parameter at fault."""

OUTPUTS = {"cached pixels", "samples"}
"""Those of them that are written."""

REMOTE: dict[str, Use] = {
    "classifier": shv.Classifier.load,
    "inspected classifier": shv.inspect,
    "exported file": export.Predictor,
    "manifest": shv.Dataset.from_manifest,
    "folder": shv.Dataset.from_directory,
    "taxonomy": shv.Taxonomy.from_manifest,
    "split": lambda url: shv.Splits.load(url, PHOTOS),
    "list of a split": lambda url: shv.Splits.from_files(PHOTOS, train=url),
    "former split": lambda url: shv.SeededSplitter().split(PHOTOS, previous=url),
    "corrections": shv.Corrections.read,
}
"""Arguments that read a URL; there is nothing at this one."""

WRITERS: dict[str, tuple[str, Use]] = {
    "predictions": (".csv", FOUND.save),
    "lines of JSON": (".jsonl", FOUND.save),
    "review": (".html", lambda url: FOUND.save_review(url, PHOTOS)),
    "tasks": (".json", lambda url: FOUND.save_label_studio(url, PHOTOS)),
    "split": (".csv", lambda url: shv.Splits(train=PHOTOS).save(url)),
    "audit": (".html", lambda url: shv.audit(PHOTOS).save(url)),
    "drift": (".json", lambda url: shv.drift(FOUND, profile=PROFILE).save(url)),
    "promotion": (".csv", lambda url: shv.promotion(Same(), Same(), PHOTOS).save(url)),
}


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    memory.MemoryFileSystem.store.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize(
    "url",
    [
        *("s3://shop/a", "gs://shop/a", "memory://a", "https://cdn.example.com/a", "file:///tmp/a"),
        *("simplecache::s3://shop/a", Path("s3://shop/a")),
    ],
    ids=str,
)
def test_an_argument_of_local_paths_refuses_a_url(name: str, url: object) -> None:
    parameter, use = LOCAL[name]
    with pytest.raises(ShelfVisionError) as caught:
        use(url)
    assert caught.value.code in {"not-supported", "not-a-folder"}
    assert caught.value.parameter == parameter
    assert ";" in str(caught.value)
    assert name not in OUTPUTS or "download" not in str(caught.value)


@pytest.mark.parametrize("name", LOCAL)
def test_an_argument_of_local_paths_refuses_a_universal_path(name: str) -> None:
    upath = pytest.importorskip("upath")
    parameter, use = LOCAL[name]
    with pytest.raises(ShelfVisionError) as caught:
        use(upath.UPath("memory://shop/a"))
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("name", REMOTE)
def test_a_reader_says_what_is_missing_by_its_url(name: str) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        REMOTE[name]("memory://shop/none.csv")
    assert isinstance(caught.value, FileNotFoundError)
    assert "memory://shop/none.csv" in str(caught.value)


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize(
    "url", ["file:///etc/hosts", "zip://a::memory://b", "simplecache::memory://a", "s3:/shop/a"]
)
def test_a_reader_refuses_other_urls(name: str, url: str) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        REMOTE[name](url)
    assert caught.value.code == "not-supported"


@pytest.mark.parametrize("name", REMOTE)
def test_a_reader_needs_permission_for_http(name: str) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        REMOTE[name]("http://127.0.0.1:9/a.csv")
    assert caught.value.code == "not-enabled"


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_writes_the_same_bytes_to_a_url(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    upath = pytest.importorskip("upath")
    suffix, use = WRITERS[name]
    url, path = f"memory://shop/a{suffix}", tmp_path_factory.mktemp("local") / f"a{suffix}"
    use(path)
    use(url)
    written = memory.MemoryFileSystem().cat_file(url)
    assert written == read_bounded(path, 10**7)
    use(upath.UPath(f"memory://shop/b{suffix}"))
    assert memory.MemoryFileSystem().cat_file(f"memory://shop/b{suffix}") == written


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("url", ["https://cdn.example.com/a", "sftp://host/a", "file:///tmp/a"])
def test_a_writer_refuses_a_store_without_atomic_uploads(name: str, url: str) -> None:
    suffix, use = WRITERS[name]
    with refuses(shv.errors.InvalidParameterError, "not-supported", "path"):
        use(url + suffix)
