"""A job scores every photo once, whatever happens to it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as datasets
import pyarrow.parquet as parquet
import pytest

from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    ShelfVisionError,
    ShelfVisionWarning,
    StorageError,
)
from shelfvision.scale.jobs._folder import JobFolder
from shelfvision.scale.jobs._status import ScoreStatus
from shelfvision.scale.jobs._work import claimed
from support import gives_warning, refuses

Score = Callable[..., ScoreStatus]
IDS = [f"photos/{number}.jpg" for number in range(50)]


def ids_in(out: Path) -> list[str]:
    """Return the ids that a reader of the folder gets, in order."""
    table = datasets.dataset(out).to_table(columns=["id"])
    return sorted(table["id"].to_pylist(), key=lambda name: int(name[7:-4]))


def rows_in(out: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in datasets.dataset(out).to_table().to_pylist()}


def logged(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").split() if log.exists() else []


def forget(log: Path) -> None:
    log.unlink(missing_ok=True)


def test_every_photo_is_a_row_and_unreadable_ones_have_their_error(score: Score, out: Path) -> None:
    status = score()
    assert status.is_complete
    assert (status.n_photos, status.n_done, status.n_shards) == (50, 50, 5)
    assert status.errors == {"not-found": 1}
    rows = rows_in(out)
    assert ids_in(out) == IDS
    assert rows["photos/7.jpg"]["label"] is None
    assert rows["photos/7.jpg"]["error_code"] == "not-found"
    assert rows["photos/8.jpg"]["label"] == "oats"


def test_files_without_errors_have_the_same_schema_as_those_with_errors(
    score: Score, out: Path
) -> None:
    score()
    schemas = {str(parquet.read_schema(path)) for path in out.glob("*.parquet")}
    assert len(schemas) == 1


def test_a_second_call_scores_nothing(score: Score, tmp_path: Path) -> None:
    log = tmp_path / "log"
    score(log=str(log))
    assert Counter(logged(log)) == Counter(IDS)
    forget(log)
    again = score(log=str(log))
    assert (again.n_scored, again.n_done) == (0, 50)
    assert logged(log) == []


def without(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def with_another_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def exchanged(path: Path) -> None:
    path.write_bytes(path.with_name("part-000001.parquet").read_bytes())


def linked(path: Path) -> None:
    target = path.parent.parent / "elsewhere.parquet"
    os.replace(path, target)
    path.symlink_to(target)


def hard_linked(path: Path) -> None:
    os.link(path, path.parent.parent / "elsewhere.parquet")


@pytest.mark.parametrize(
    "damage",
    [without, truncated, with_another_bit, emptied, exchanged, linked, hard_linked],
)
def test_a_missing_or_damaged_file_is_scored_again_and_no_other(
    score: Score, out: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    log = tmp_path / "log"
    score()
    before = {path.name: path.read_bytes() for path in out.glob("*.parquet")}
    damage(out / "part-000003.parquet")
    status = score(log=str(log))
    assert logged(log) == IDS[30:40]
    assert status.n_scored == 10
    assert {path.name: path.read_bytes() for path in out.glob("*.parquet")} == before
    assert not (out / "part-000003.parquet").is_symlink()


def test_a_link_in_place_of_a_file_is_replaced_and_its_target_is_not_touched(
    score: Score, out: Path, tmp_path: Path
) -> None:
    score()
    victim = tmp_path / "victim"
    victim.write_text("do not touch", encoding="utf-8")
    for place in (out / "part-000003.parquet", out / "_shelfvision/parts/part-000004.json"):
        place.unlink()
        place.symlink_to(victim)
    claim = out / "_shelfvision/claims/part-000003.lock"
    claim.symlink_to(victim)
    assert score().n_scored == 20
    assert victim.read_text(encoding="utf-8") == "do not touch"
    assert ids_in(out) == IDS


@pytest.mark.parametrize("name", ["_shelfvision", "_shelfvision/parts", "_shelfvision/claims"])
def test_a_planted_link_to_a_folder_is_refused(
    score: Score, out: Path, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    place = out / name
    place.parent.mkdir(parents=True)
    place.symlink_to(victim)
    with refuses(StorageError, "not-a-folder", "out"):
        score()
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"plan": 1}', "\0", None])
def test_a_damaged_record_means_that_its_file_is_scored_again(
    score: Score, out: Path, record: str | None
) -> None:
    score()
    place = out / "_shelfvision/parts/part-000002.json"
    fields = json.loads(place.read_text(encoding="utf-8"))
    text = json.dumps(fields | {"errors": [1]}) if record is None else record
    place.write_text(text, encoding="utf-8")
    assert score().n_scored == 10


def test_the_file_of_another_job_is_scored_again(score: Score, out: Path, tmp_path: Path) -> None:
    score(sha256="b" * 64)
    os.rename(out, tmp_path / "other")
    score()
    for name in ("part-000001.parquet", "_shelfvision/parts/part-000001.json"):
        (out / name).write_bytes((tmp_path / "other" / name).read_bytes())
    assert score().n_scored == 10


def test_foreign_files_are_left_alone(score: Score, out: Path) -> None:
    out.mkdir()
    names = [".part-000001.parquet.tmp", "_SUCCESS", ".hidden"]
    for name in names:
        (out / name).write_text("mine", encoding="utf-8")
    score()
    assert {(out / name).read_text(encoding="utf-8") for name in names} == {"mine"}
    assert ids_in(out) == IDS


@pytest.mark.parametrize("name", ["part-000005.parquet", "more.parquet", "notes.txt"])
def test_a_foreign_file_that_readers_would_read_is_told(score: Score, out: Path, name: str) -> None:
    score()
    (out / name).write_text("mine", encoding="utf-8")
    with gives_warning(ShelfVisionWarning, "foreign-files", "out"):
        score()
    assert (out / name).read_text(encoding="utf-8") == "mine"


def test_a_folder_with_parquet_files_of_another_program_is_refused(score: Score, out: Path) -> None:
    out.mkdir()
    (out / "part-000000.parquet").write_text("mine", encoding="utf-8")
    with refuses(StorageError, "not-empty", "out"):
        score()
    assert sorted(path.name for path in out.iterdir()) == ["part-000000.parquet"]


def test_leftovers_of_killed_processes_are_removed(score: Score, out: Path) -> None:
    score()
    token = "0123456789ab"
    names = [
        f".part-000001.parquet.{token}.tmp",
        f"_shelfvision/.plan.json.{token}.tmp",
        f"_shelfvision/.photos.arrow.{token}.tmp",
        f"_shelfvision/parts/.part-000001.json.{token}.tmp",
        "_shelfvision/claims/part-000002.lock",
    ]
    for name in names:
        (out / name).write_text("half", encoding="utf-8")
    score()
    assert [name for name in names if (out / name).exists()] == []


def test_a_leftover_of_a_shard_that_is_being_scored_stays(score: Score, out: Path) -> None:
    score()
    left = out / ".part-000001.parquet.0123456789ab.tmp"
    left.write_text("half", encoding="utf-8")
    with claimed(JobFolder(out), 1) as lock:
        assert lock is not None
        score()
        assert left.exists()


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"sha256": "b" * 64}, "bundle"),
        ({"settings": {"probabilities": True}}, "probabilities"),
        ({"shard_size": 20}, "shard_size"),
        ({"keep": ("store",)}, "source"),
        ({"where": {"store": "north"}}, "source"),
    ],
)
def test_a_changed_job_is_refused_by_name(
    score: Score, out: Path, change: dict[str, object], parameter: str
) -> None:
    score()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with refuses(InvalidParameterError, "run-changed", parameter):
        score(**change)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}.items() <= (
        before.items()
    )


def test_a_changed_manifest_is_refused_with_the_photos_that_changed(
    score: Score, manifest: Path
) -> None:
    score()
    text = manifest.read_text(encoding="utf-8").replace("photos/49.jpg", "photos/new.jpg")
    manifest.write_text(text, encoding="utf-8")
    with refuses(InvalidParameterError, "run-changed", "source") as caught:
        score()
    assert "1 photo added, such as 'photos/new.jpg'" in str(caught.value)
    assert "1 photo removed, such as 'photos/49.jpg'" in str(caught.value)


def test_the_number_of_processes_may_change_and_the_size_of_files_stays(score: Score) -> None:
    assert score(shard_size=None).n_shards == 1
    assert score(shard_size=None, processes=2).n_scored == 0


def test_a_manifest_that_moved_with_its_photos_continues_its_job(
    score: Score, manifest: Path, tmp_path: Path
) -> None:
    score()
    moved = tmp_path / "moved"
    moved.mkdir()
    os.rename(manifest, moved / "other.csv")
    os.rename(tmp_path / "photos", moved / "photos")
    assert score(moved / "other.csv").n_scored == 0


def test_a_folder_is_scored_in_the_order_of_its_names(
    score: Score, out: Path, tmp_path: Path
) -> None:
    status = score(tmp_path / "photos")
    assert status.n_photos == 49
    table = parquet.read_table(out / "part-000000.parquet")
    assert table["id"].to_pylist()[:3] == ["0.jpg", "1.jpg", "10.jpg"]


def test_a_list_of_paths_is_scored(
    score: Score, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # paths below the working directory become relative
    paths = [str(tmp_path / "photos" / f"{number}.jpg") for number in (3, 4, 3)]
    assert score(paths).n_photos == 2
    assert set(rows_in(out)) == set(paths)


def test_kept_columns_are_in_the_output(score: Score, out: Path) -> None:
    score(keep=("store",))
    rows = rows_in(out)
    assert (rows["photos/0.jpg"]["store"], rows["photos/49.jpg"]["store"]) == ("north", "south")


def test_only_the_chosen_rows_are_scored(score: Score, out: Path) -> None:
    assert score(where={"store": "south"}).n_photos == 20
    assert ids_in(out) == IDS[30:]


def test_a_photo_that_is_listed_twice_is_one_row(score: Score, out: Path, manifest: Path) -> None:
    with manifest.open("a", encoding="utf-8") as file:
        file.write("\nphotos/3.jpg,north\nphotos/../photos/4.jpg,north\n")
    assert score(keep=("store",)).n_photos == 50
    assert ids_in(out) == IDS


def test_a_photo_with_two_kept_values_is_refused(score: Score, manifest: Path) -> None:
    with manifest.open("a", encoding="utf-8") as file:
        file.write("\nphotos/3.jpg,south\n")
    with refuses(DataError, "conflict", "keep"):
        score(keep=("store",))


def test_a_parquet_manifest_gives_what_the_same_csv_file_gives(
    score: Score, out: Path, tmp_path: Path
) -> None:
    stores = ["north" if number < 30 else "south" for number in range(50)]
    table = pa.table({"path": IDS, "store": stores, "n": list(range(50))})
    parquet.write_table(table, tmp_path / "list.parquet", row_group_size=7)
    score(keep=("store",))
    assert score(tmp_path / "list.parquet", keep=("store",)).n_scored == 0
    with refuses(DataError, "missing-column", "keep"):
        score(tmp_path / "list.parquet", keep=("shop",))


def test_a_truncated_parquet_manifest_is_refused(score: Score, tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.table({"path": IDS}), path)
    os.truncate(path, 300)
    with refuses(DataError, "damaged", "source"):
        score(path)


@pytest.mark.parametrize("name", ["id", "store"])
def test_a_kept_column_that_would_replace_another_is_refused(
    score: Score, manifest: Path, tmp_path: Path, name: str
) -> None:
    manifest.write_text("path,id,store\nphotos/3.jpg,photos/4.jpg,north\n", encoding="utf-8")
    table = pa.table({"path": IDS[:1], "id": IDS[1:2], "store": ["north"]})
    parquet.write_table(table, tmp_path / "list.parquet")
    for source in (manifest, tmp_path / "list.parquet"):
        with refuses(InvalidParameterError, "duplicate", "keep"):
            score(source, keep=("store", name))


def test_kept_columns_of_any_other_name_are_in_the_output(
    score: Score, out: Path, manifest: Path
) -> None:
    manifest.write_text("path,row\nphotos/3.jpg,2\nphotos/3.jpg,2\n", encoding="utf-8")
    score(keep=("row", "path"))
    assert [(row["row"], row["path"]) for row in rows_in(out).values()] == [("2", "photos/3.jpg")]


@pytest.mark.parametrize("values", ["south", "South ", ["south", "west"]])
def test_rows_of_a_parquet_manifest_are_chosen_as_those_of_a_csv_file(
    score: Score, tmp_path: Path, manifest: Path, values: str | list[str]
) -> None:
    text = manifest.read_text(encoding="utf-8").replace("49.jpg,south", "49.jpg, south ")
    manifest.write_text(text, encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()[1:]]
    table = pa.table({"path": [row[0] for row in rows], "store": [row[1] for row in rows]})
    parquet.write_table(table, tmp_path / "list.parquet")
    if values == "south":
        assert score(where={"store": values}).n_photos == 20
        assert score(tmp_path / "list.parquet", where={"store": values}).n_scored == 0
        return
    for source in (manifest, tmp_path / "list.parquet"):
        with refuses(InvalidParameterError, "unknown-name", "where"):
            score(source, where={"store": values})


def latin_text() -> pa.Array:
    """Return a text column with bytes that are not UTF-8."""
    offsets = pa.py_buffer(b"\0\0\0\0\2\0\0\0")
    return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])


@pytest.mark.parametrize(
    ("columns", "names", "code"),
    [
        ([pa.array(["a.jpg"]), latin_text()], ["path", "store"], "damaged"),
        ([latin_text(), pa.array(["a"])], ["path", "store"], "damaged"),
        ([pa.array([{"x": "a.jpg"}]), pa.array(["a"])], ["path", "store"], "damaged"),
        ([pa.array(["a.jpg"]), pa.array(["b.jpg"])], ["path", "path"], "duplicate"),
        ([pa.array(["a\0.jpg"]), pa.array(["a"])], ["path", "store"], "empty"),
        ([pa.array([None], pa.string()), pa.array(["a"])], ["path", "store"], "empty"),
    ],
)
def test_a_hostile_parquet_manifest_is_refused(
    score: Score, out: Path, tmp_path: Path, columns: list[pa.Array], names: list[str], code: str
) -> None:
    parquet.write_table(pa.Table.from_arrays(columns, names), tmp_path / "list.parquet")
    with refuses(DataError, code, "source" if code == "damaged" else "path_column"):
        score(tmp_path / "list.parquet", keep=() if names[1] == "path" else ("store",))
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_a_name_that_is_not_unicode_is_a_row_with_an_error(
    score: Score, out: Path, tmp_path: Path
) -> None:
    Path(os.fsdecode(bytes(tmp_path / "photos") + b"/\xff.jpg")).write_text("milk")
    with gives_warning(ShelfVisionWarning, "wrong-encoding", "source"):
        status = score(tmp_path / "photos")
    assert (status.n_photos, status.errors) == (50, {"not-found": 1})
    assert "\\udcff.jpg" in rows_in(out)


@pytest.mark.parametrize("cell", ["photos\\3.jpg", " photos/3.jpg ", "photos/%33.jpg"])
def test_a_path_in_the_format_of_another_tool_is_found(
    score: Score, out: Path, manifest: Path, cell: str
) -> None:
    manifest.write_text(f"path\n{cell}\n", encoding="utf-8")
    assert score().errors == {}


def test_an_empty_source_is_refused(score: Score, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with refuses(DataError, "empty", "source"):
        score(tmp_path / "empty")
    with refuses(DataError, "empty", "source"):
        score([])


def test_a_file_in_place_of_the_folder_is_refused(score: Score, out: Path) -> None:
    out.write_text("mine", encoding="utf-8")
    with refuses(InvalidParameterError, "not-a-folder", "out"):
        score()


@pytest.mark.processes
def test_several_processes_write_the_same_files_as_one(
    score: Score, out: Path, tmp_path: Path
) -> None:
    score()
    os.rename(out, tmp_path / "one")
    log = tmp_path / "log"
    status = score(processes=2, log=str(log))
    assert (status.n_scored, status.is_complete) == (50, True)
    assert Counter(logged(log)) == Counter(IDS)
    for path in out.glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes()


@pytest.mark.processes
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_worker_is_replaced(score: Score, out: Path, tmp_path: Path) -> None:
    status = score(processes=2, kills="photos/23.jpg", once=str(tmp_path / "killed"))
    assert (tmp_path / "killed").exists()
    assert (status.n_scored, ids_in(out)) == (50, IDS)


@pytest.mark.processes
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_photo_that_kills_every_worker_ends_the_job_and_the_rest_is_kept(
    score: Score, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.scale.jobs._processes._MOST_DEATHS", 2)
    with refuses(ShelfVisionError, "worker-failed", "processes") as caught:
        score(processes=2, kills="photos/23.jpg")
    assert "part-000002.parquet" in str(caught.value)
    assert score().is_complete
    assert ids_in(out) == IDS
