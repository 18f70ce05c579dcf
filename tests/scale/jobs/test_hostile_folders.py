"""A folder that somebody else has written to is refused, or its damaged files are scored again."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from shelfvision.errors import DataError, InvalidParameterError, StorageError
from shelfvision.scale import read_scores, score_status
from shelfvision.scale.jobs._status import ScoreStatus
from support import refuses

Score = Callable[..., ScoreStatus]
PROBABILITIES = {"probabilities": True}


def change(path: Path, **fields: object) -> None:
    """Change fields of a JSON file."""
    old = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(old | fields), encoding="utf-8")


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def as_parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def plant(out: Path, data: bytes) -> None:
    """Replace the first file and its record."""
    (out / "part-000000.parquet").write_bytes(data)
    record = out / "_shelfvision/parts/part-000000.json"
    change(record, sha256=sha256_of(data), size=len(data))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"n_photos": True}, "wrong-type"),
        ({"n_photos": 0}, "not-in-range"),
        ({"n_photos": 10**300}, "not-in-range"),
        ({"n_photos": 10**12, "shard_size": 1}, "not-in-range"),
        ({"shard_size": 0}, "not-in-range"),
        ({"shard_size": 10**12}, "not-in-range"),
        ({"class_names": [1]}, "wrong-type"),
    ],
)
def test_a_plan_with_impossible_numbers_is_refused(
    score: Score, out: Path, fields: dict[str, object], code: str
) -> None:
    score()
    change(out / "_shelfvision/plan.json", **fields)
    with refuses(DataError, code, "out"):
        score_status(out)


def test_settings_of_another_version_do_not_reach_a_message(score: Score, out: Path) -> None:
    score()
    change(out / "_shelfvision/plan.json", settings={"\x1b[2J": 1})
    with refuses(InvalidParameterError, "foreign-format", "out") as caught:
        score()
    assert "\x1b" not in str(caught.value)


def test_error_codes_of_a_record_are_printed_without_control_characters(
    score: Score, out: Path
) -> None:
    score()
    change(out / "_shelfvision/parts/part-000000.json", errors={"\x1b[2J": 1})
    assert "\x1b" not in str(score_status(out))


@pytest.mark.parametrize("fields", [{"n_photos": 11}, {"errors": {"truncated": -3}}])
def test_a_record_with_impossible_numbers_means_that_its_file_is_scored_again(
    score: Score, out: Path, fields: dict[str, object]
) -> None:
    score()
    change(out / "_shelfvision/parts/part-000000.json", **fields)
    assert score().n_scored == 10


@pytest.mark.parametrize("name", ["_shelfvision", "_shelfvision/parts"])
def test_a_planted_link_to_a_folder_is_not_read_through(
    score: Score, out: Path, tmp_path: Path, name: str
) -> None:
    score()
    os.rename(out / name, tmp_path / "elsewhere")
    (out / name).symlink_to(tmp_path / "elsewhere")
    with refuses(StorageError, "not-a-folder", "out"):
        score_status(out)


@pytest.mark.parametrize("sizes", [[10] * 5, [30, 20], []])
def test_a_list_of_other_photos_is_refused_even_with_its_digest_in_the_plan(
    score: Score, out: Path, sizes: list[int]
) -> None:
    score()
    listing = out / "_shelfvision/photos.arrow"
    names = pa.ipc.open_file(pa.py_buffer(listing.read_bytes())).read_all()["id"].to_pylist()
    if len(sizes) == 5:
        names[3] = "/etc/passwd"
    with (
        pa.OSFile(str(listing), "wb") as file,
        pa.ipc.new_file(file, pa.schema([("id", pa.string())])) as writer,
    ):
        for size in sizes:
            writer.write_table(pa.table({"id": names[:size]}))
            del names[:size]
    change(out / "_shelfvision/plan.json", listing_sha256=sha256_of(listing.read_bytes()))
    with refuses(DataError, "damaged", "out"):
        score()


def test_a_damaged_list_is_refused_where_the_photos_have_changed(
    score: Score, out: Path, manifest: Path
) -> None:
    score()
    (out / "_shelfvision/photos.arrow").write_bytes(b"no list")
    change(out / "_shelfvision/plan.json", listing_sha256=sha256_of(b"no list"))
    with manifest.open("a", encoding="utf-8") as file:
        file.write("\nphotos/new.jpg,north\n")
    with refuses(DataError, "damaged", "out"):
        score()


TEXTS = {"id": ["a"] * 10, "error": ["x"] * 10, "decision": ["review"] * 10}
SHARES = {f"p({name})": pa.array([0.5] * 10) for name in ("juice", "milk", "oats")}


@pytest.mark.parametrize(
    "data",
    [
        b"no Parquet file",
        as_parquet(pa.table(TEXTS)),
        as_parquet(pa.table(TEXTS | SHARES)[:9]),
        as_parquet(pa.table(TEXTS | SHARES | {"p(milk)": ["0.5 or so"] * 10})),
    ],
)
def test_a_planted_file_with_its_digest_in_the_record_is_not_read(
    score: Score, out: Path, data: bytes
) -> None:
    score(settings=PROBABILITIES)
    plant(out, data)
    with refuses(DataError, "damaged", "out"):
        read_scores(out)


def test_more_files_than_a_folder_can_have_are_refused(
    score: Score, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.scale.jobs._job.MOST_SHARDS", 4)
    with refuses(InvalidParameterError, "not-in-range", "shard_size"):
        score()
    assert not list(out.rglob("*.json"))
