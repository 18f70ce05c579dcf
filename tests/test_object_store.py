"""A local server of S3: what holds for memory holds for an object store, with its own errors.

It needs ``moto[server]`` and ``s3fs``: ``nox -s storage``.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

import shelfvision as shv
from shelfvision import export
from shelfvision._storage import RemoteFile, as_location, read_bounded, write_atomically
from shelfvision._storage.remote import list_files, remote_size, remove
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    DataError,
    DatasetNotFoundError,
    StorageError,
)
from support import refuses

server = pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")

GOLDEN = Path(__file__).parent / "export" / "golden"
SECRET = "SEKRET1234"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(scope="module")
def options(endpoint: str) -> dict[str, Any]:
    found = {
        "key": "reader",
        "secret": SECRET,
        "client_kwargs": {"endpoint_url": endpoint, "region_name": "us-east-1"},
    }
    # moto refuses the region as a place, as S3 itself does for us-east-1.
    s3fs.S3FileSystem(**found).call_s3("create_bucket", Bucket="shop")
    return found


@pytest.fixture(scope="module")
def shop(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos on the disk, and the same ones below ``s3://shop/photos``."""
    folder = tmp_path_factory.mktemp("shop")
    shv.samples.write_products(folder, n_per_class=3, class_names=["juice", "milk"])
    (folder / "milk" / "50% + #1 ä?.jpg").write_bytes((folder / "milk/0000.jpg").read_bytes())
    for path in folder.rglob("*.jpg"):
        name = path.relative_to(folder).as_posix()
        write_atomically(remote(f"s3://shop/photos/{name}", options), path.read_bytes())
    s3fs.S3FileSystem(**options).pipe_file("shop/photos/milk/", b"")
    return folder


def remote(url: str, options: dict[str, Any]) -> RemoteFile:
    found = as_location(url, storage_options=options)
    assert isinstance(found, RemoteFile)
    return found


def test_an_object_is_written_read_listed_and_removed(options: dict[str, Any]) -> None:
    file = remote("s3://shop/lists/a b+%41.csv", options)
    for data in (b"", b"id,label", b"x" * 3_000_000):
        write_atomically(file, data)
        assert read_bounded(file, len(data)) == data
        assert remote_size(file) == len(data)
    assert list_files(remote("s3://shop/lists", options)) == [("a b+%41.csv", 3_000_000)]
    with refuses(DataError, "too-large"):
        read_bounded(file, 2_999_999)
    remove(file)
    with refuses(DatasetNotFoundError, "not-found"):
        read_bounded(file, 10)


def test_an_object_of_several_parts_is_whole_or_absent(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, data = remote("s3://shop/large.bin", options), bytes(range(256)) * 430_000
    assert len(data) > 100 * 2**20
    write_atomically(file, data)
    real = s3fs.S3FileSystem._call_s3

    async def fail(self: Any, method: str, *rest: Any, **kwargs: Any) -> Any:
        if method == "complete_multipart_upload":
            raise OSError(f"the connection of {SECRET} was reset")
        return await real(self, method, *rest, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_call_s3", fail)
        with refuses(StorageError, "not-writable") as caught:
            write_atomically(file, data[::-1])
    assert SECRET not in str(caught.value)
    assert read_bounded(file, len(data)) == data


def test_a_folder_of_photos_is_that_of_the_disk(options: dict[str, Any], shop: Path) -> None:
    local = shv.Dataset.from_directory(shop)
    there = shv.Dataset.from_directory("s3://shop/photos", storage_options=options)
    assert there.ids.tolist() == local.ids.tolist()
    assert "milk/50% + #1 ä?.jpg" in there.ids.tolist()
    assert there.fingerprint == local.fingerprint
    np.testing.assert_array_equal(there.to_arrays()[0], local.to_arrays()[0])
    splitter = shv.SeededSplitter(seed=1)
    one, other = splitter.split(there), splitter.split(local)
    assert one.train.ids.tolist() == other.train.ids.tolist()
    again = pickle.loads(pickle.dumps(there))
    np.testing.assert_array_equal(again[0][0], local[0][0])
    assert SECRET not in f"{there!r} {there}"


def test_a_manifest_is_read_beside_its_photos(options: dict[str, Any], shop: Path) -> None:
    ids = shv.Dataset.from_directory(shop).ids.tolist()
    lines = ["path,label", *(f'"s3://shop/photos/{name}",{name.split("/")[0]}' for name in ids)]
    write_atomically(remote("s3://shop/photos/list.csv", options), "\n".join(lines).encode())
    dataset = shv.Dataset.from_manifest("s3://shop/photos/list.csv", storage_options=options)
    assert dataset.ids.tolist() == ids
    assert dataset[0][0].shape == (100, 100, 3)


def test_a_classifier_and_an_export_are_used_by_url(options: dict[str, Any], shop: Path) -> None:
    photo = (shop / "milk" / "0000.jpg").read_bytes()
    pytest.importorskip("onnxruntime")
    url = "s3://shop/models/tiny.onnx"
    write_atomically(remote(url, options), (GOLDEN / "tiny.onnx").read_bytes())
    predictor = export.Predictor(url, storage_options=options)
    expected = export.Predictor(GOLDEN / "tiny.onnx").predict_proba(photo)
    urls = ["s3://shop/photos/milk/0000.jpg", "s3://shop/photos/milk/gone.jpg"]
    found = pickle.loads(pickle.dumps(predictor)).predict(
        urls, storage_options=options, on_error="skip"
    )
    np.testing.assert_array_equal(found.probabilities[:1], expected)
    assert [error is None for error in found.errors] == [True, False]
    found.save("s3://shop/out/found.csv", storage_options=options)
    saved = read_bounded(remote("s3://shop/out/found.csv", options), 10_000)
    assert saved.startswith(b"id,label")
    with pytest.raises(BundleError):
        shv.inspect(url, storage_options=options)


def test_a_universal_path_brings_its_credentials(options: dict[str, Any], shop: Path) -> None:
    upath = pytest.importorskip("upath")
    path = upath.UPath("s3://shop/photos", **options)
    assert shv.Dataset.from_directory(path).ids.tolist()
    assert (shop / "milk").is_dir()
    target = upath.UPath("s3://shop/out/split.csv", **options)
    dataset = shv.Dataset.from_directory(shop)
    splits = shv.SeededSplitter(seed=1).split(dataset)
    splits.save(target)
    assert shv.Splits.load(target, dataset).train.ids.tolist() == splits.train.ids.tolist()


def test_errors_of_the_store_name_the_url_and_no_secret(options: dict[str, Any]) -> None:
    with refuses(BundleNotFoundError, "not-found", "path"):
        shv.inspect("s3://shop/none.shelf", storage_options=options)
    with refuses(StorageError, "not-writable") as caught:
        write_atomically(remote("s3://no-such-bucket-1/a.csv", options), b"")
    assert "s3://no-such-bucket-1/a.csv" in str(caught.value)
    assert SECRET not in str(caught.value)
    with refuses(DatasetNotFoundError, "not-found", "directory"):
        shv.Dataset.from_directory("s3://shop/nothing", storage_options=options)


def test_missing_credentials_and_a_dead_server_are_told(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = options["client_kwargs"]
    with refuses(DataError, "permission") as caught:
        read_bounded(remote("s3://shop/a.csv", {"client_kwargs": client, "key": None}), 10)
    assert "storage_options" in str(caught.value)
    dead = {**options, "client_kwargs": {**client, "endpoint_url": "http://127.0.0.1:9"}}
    dead["config_kwargs"] = {"connect_timeout": 1, "retries": {"max_attempts": 0}}
    with refuses(DataError, "unreadable") as caught:
        read_bounded(remote("s3://shop/a.csv", dead), 10)
    assert urlsplit(str(client["endpoint_url"])).hostname
    assert SECRET not in str(caught.value)


def environment(endpoint: str) -> dict[str, str]:
    """Return the environment of programs that use the server."""
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "FSSPEC_S3_ENDPOINT_URL": endpoint,
    }


@pytest.fixture(scope="module")
def listed(options: dict[str, Any], shop: Path) -> dict[str, Path]:
    """Manifests at ``s3://shop/lists`` of the photos below ``s3://shop/photos``, and the paths."""
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("onnxruntime")
    arrow = pytest.importorskip("pyarrow")
    found = {
        f"s3://shop/photos/{path.relative_to(shop).as_posix()}": path
        for path in sorted(shop.rglob("*.jpg"))
    }
    lines = ["path", *(f'"{url}"' for url in found)]
    write_atomically(remote("s3://shop/lists/a.csv", options), "\n".join(lines).encode())
    file = io.BytesIO()
    parquet.write_table(arrow.table({"path": list(found)}), file)
    write_atomically(remote("s3://shop/lists/a.parquet", options), file.getvalue())
    return found


def scores_in(out: Path) -> dict[str, float]:
    """Return the confidence of each photo; each is there once."""
    table = pytest.importorskip("pyarrow.parquet").read_table(sorted(out.glob("*.parquet")))
    assert table["error"].null_count == len(table)
    ids = table["id"].to_pylist()
    assert len(set(ids)) == len(ids)
    return dict(zip(ids, table["confidence"].to_pylist(), strict=True))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_manifest_by_url_is_scored(
    options: dict[str, Any], listed: dict[str, Path], suffix: str, tmp_path: Path
) -> None:
    upath = pytest.importorskip("upath")
    url, root = f"s3://shop/lists/a.{suffix}", "s3://shop/photos"
    export_file = GOLDEN / "tiny.onnx"
    shv.scale.score(export_file, url, tmp_path / "a", root=root, storage_options=options)
    shv.scale.score(export_file, list(listed.values()), tmp_path / "local")
    assert list(scores_in(tmp_path / "a")) == list(listed)
    local = list(scores_in(tmp_path / "local").values())
    assert list(scores_in(tmp_path / "a").values()) == local
    place, start = (upath.UPath(one, **options) for one in (url, root))
    shv.scale.score(export_file, place, tmp_path / "b", root=start)
    assert scores_in(tmp_path / "b") == scores_in(tmp_path / "a")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_a_killed_job_of_a_manifest_by_url_scores_each_photo_once(
    endpoint: str, listed: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "shelfvision", "score", str(GOLDEN / "tiny.onnx")]
    command += ["s3://shop/lists/a.csv", str(out), "--root", "s3://shop/photos"]
    command += ["--shard-size", "1"]
    kept: dict[Path, int] = {}
    for kill in range(1, 4):
        process = subprocess.Popen(command, env=environment(endpoint))
        while process.poll() is None and len(list(out.glob("*.parquet"))) < 2 * kill:
            time.sleep(0.002)
        process.kill()
        process.wait()
        there = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
        assert kept.items() <= there.items(), "a finished file is not written again"
        kept = there
    assert kept
    subprocess.run(command, env=environment(endpoint), check=True)
    assert list(scores_in(out)) == list(listed)


def test_the_command_line_takes_credentials_from_the_environment(
    endpoint: str, options: dict[str, Any], shop: Path
) -> None:
    pytest.importorskip("onnxruntime")
    data = (GOLDEN / "tiny.onnx").read_bytes()
    write_atomically(remote("s3://shop/cli/m.onnx", options), data)
    command = [sys.executable, "-m", "shelfvision", "predict", "s3://shop/cli/m.onnx"]
    done = subprocess.run(
        [*command, "s3://shop/photos", "--format", "jsonl"],
        env=environment(endpoint),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    names = sorted(path.relative_to(shop).as_posix() for path in shop.rglob("*.jpg"))
    # URLs are shown without their queries.
    assert ids == [f"s3://shop/photos/{name.partition('?')[0]}" for name in names]
