"""`score`, its results in other packages, and the command ``score``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as datasets
import pytest
from pyarrow import csv, parquet

import shelfvision as shv
from shelfvision._cli import main
from shelfvision._progress import Speed
from shelfvision.errors import (
    BundleError,
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
)
from support import refuses

GOLDEN = Path(__file__).parents[2]
EXPORT = GOLDEN / "export" / "golden" / "tiny.onnx"
BUNDLE = GOLDEN / "inference" / "golden" / "version-3.shelf"

COLUMNS = ["id", "label", "confidence", "decision", "error", "error_code"]

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(photos: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with 20 photos, a file that is no photo, and a manifest of both."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    monkeypatch.chdir(tmp_path)
    lines = ["path,store"]
    (tmp_path / "photos").mkdir()
    for number, content in enumerate([*photos[:20], b"not a photo"]):
        name = f"photos/{number:02}.jpg"
        (tmp_path / name).write_bytes(content)
        lines.append(f"{name},{'north' if number < 10 else 'south'}")
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``shelfvision score``; it returns status, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["score", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_scores_are_those_of_the_predictor(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "out", probabilities=True, shard_size=8)
    found = shv.scale.read_scores(home / "out")
    paths = [f"photos/{number:02}.jpg" for number in range(21)]
    wanted = shv.export.Predictor(EXPORT, threads=1).predict(paths, on_error="skip")
    assert list(found.ids) == list(wanted.ids) == paths
    assert found.class_names == wanted.class_names
    assert found.probabilities[:20].tobytes() == wanted.probabilities[:20].tobytes()
    assert list(found.labels) == list(wanted.labels)
    assert list(found.decisions) == list(wanted.decisions)
    assert found.errors == wanted.errors
    assert found.errors[20] is not None


def test_a_bundle_is_scored(home: Path) -> None:
    status = shv.scale.score(BUNDLE, home / "photos", home / "out", shard_size=8)
    assert (status.n_done, status.errors) == (21, {"not-an-image": 1})


def test_the_folder_is_one_data_set_for_other_packages(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "out", keep=["store"], shard_size=8)
    wanted = [f"photos/{number:02}.jpg" for number in range(21)]
    columns = [*COLUMNS, "store"]
    arrow = datasets.dataset(home / "out").to_table()
    assert (arrow.column_names, sorted(arrow["id"].to_pylist())) == (columns, wanted)
    pandas = pytest.importorskip("pandas").read_parquet(home / "out")
    assert (list(pandas.columns), sorted(pandas["id"])) == (columns, wanted)
    polars = pytest.importorskip("polars").read_parquet(home / "out" / "*.parquet")
    assert (polars.columns, sorted(polars["id"].to_list())) == (columns, wanted)


def test_duckdb_reads_the_files(home: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    shv.scale.score(EXPORT, home / "list.csv", home / "out", keep=["store"], shard_size=8)
    query = (
        f"SELECT store, count(*), count(error) FROM '{home}/out/*.parquet' GROUP BY 1 ORDER BY 1"
    )
    assert duckdb.sql(query).fetchall() == [("north", 10, 0), ("south", 11, 1)]


def test_the_metadata_of_each_file_names_the_classifier(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "out", shard_size=8)
    scorer = shv.scale.Scorer(EXPORT)
    for path in (home / "out").glob("*.parquet"):
        metadata = datasets.dataset(path).schema.metadata
        assert metadata[b"shelfvision.model_sha256"].decode() == scorer.sha256
        assert json.loads(metadata[b"shelfvision.class_names"]) == list(scorer.class_names)


@pytest.mark.remedy("no-probabilities")
def test_scores_without_probabilities_or_with_missing_files_are_not_read(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "plain")
    with refuses(DataError, "no-probabilities", "out"):
        shv.scale.read_scores(home / "plain")
    shv.scale.score(EXPORT, home / "list.csv", home / "out", probabilities=True, shard_size=8)
    (home / "out" / "part-000001.parquet").unlink()
    with refuses(DataError, "incomplete", "out"):
        shv.scale.read_scores(home / "out")
    status = shv.scale.score_status(home / "out")
    assert (status.missing, status.n_done, status.is_complete) == ((1,), 13, False)
    with refuses(DatasetNotFoundError, "not-found", "out"):
        shv.scale.score_status(home)


def test_read_scores_are_counted_as_inventory(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "out", probabilities=True)
    found = shv.scale.read_scores(home / "out")
    assert len(found[found.decisions == "review"]) >= 1
    assert sum(name is not None for name in found.labels) == 20


def test_another_classifier_or_setting_is_refused_by_name(home: Path) -> None:
    shv.scale.score(EXPORT, home / "list.csv", home / "out")
    with refuses(InvalidParameterError, "run-changed", "bundle"):
        shv.scale.score(BUNDLE, home / "list.csv", home / "out")
    with refuses(InvalidParameterError, "run-changed", "probabilities"):
        shv.scale.score(EXPORT, home / "list.csv", home / "out", probabilities=True)
    with refuses(InvalidParameterError, "run-changed", "keep"):
        shv.scale.score(EXPORT, home / "list.csv", home / "out", keep=["store"])
    with refuses(BundleError, "wrong-digest", "sha256"):
        shv.scale.score(EXPORT, home / "list.csv", home / "new", sha256="0" * 64)


@pytest.mark.parametrize(
    ("arguments", "code", "parameter"),
    [
        ({"processes": 0}, "not-in-range", "processes"),
        ({"verbose": "loudly"}, "not-an-option", "verbose"),
        ({"threads": 0}, "not-in-range", "threads"),
        ({"shard_size": 0}, "not-in-range", "shard_size"),
        ({"keep": [3]}, "wrong-type", "keep"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(
    home: Path, arguments: dict[str, object], code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        shv.scale.score(EXPORT, home / "list.csv", home / "out", **arguments)  # type: ignore[arg-type]
    assert not (home / "out").exists()


def test_urls_are_refused_before_anything_is_written(home: Path) -> None:
    with refuses(InvalidParameterError, "not-supported", "out") as caught:
        shv.scale.score(EXPORT, home / "list.csv", "s3://shop/scores")
    assert "write to a local path, and copy the finished files" in str(caught.value)
    with refuses(InvalidParameterError, "not-supported", "source"):
        shv.scale.score(EXPORT, "file:///shop/list.csv", home / "out")
    with refuses(InvalidParameterError, "not-enabled", "storage_options"):
        shv.scale.score(EXPORT, "https://shop.example.com/list.csv", home / "out")
    with refuses(InvalidParameterError, "not-enabled", "storage_options"):
        shv.scale.score(EXPORT, home / "list.csv", home / "out", root="https://shop.example.com")
    with refuses(InvalidParameterError, "conflict", "root"):
        shv.scale.score(EXPORT, "s3://shop/photos", home / "out", root=home)
    with refuses(InvalidParameterError, "not-supported", "root"):
        shv.scale.score(EXPORT, home / "photos", home / "out", root="s3://shop")
    assert sorted(path.name for path in home.iterdir()) == ["list.csv", "photos"]


def test_photos_of_a_store_are_scored_by_their_urls(home: Path, photos: list[bytes]) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    urls = [f"memory://jobs/{number}.jpg" for number in range(5)]
    for url, content in zip(urls, photos[:5], strict=True):
        memory.pipe_file(url, content)
    status = shv.scale.score(EXPORT, [*urls, "memory://jobs/none.jpg"], home / "out")
    assert (status.n_done, status.errors) == (6, {"not-found": 1})
    assert datasets.dataset(home / "out").to_table()["id"].to_pylist()[:5] == urls


@pytest.fixture
def shop(home: Path) -> Any:
    """A store with the photos and the manifest of `home` at ``memory://jobs/week 48``."""
    system = pytest.importorskip("fsspec").filesystem("memory")
    for path in home.rglob("*.*"):
        name = path.relative_to(home).as_posix()
        system.pipe_file(f"memory://jobs/week 48/{name}", path.read_bytes())
    yield system
    system.store.clear()


def columns_of(out: Path) -> dict[str, list[Any]]:
    """Return the columns of the results of a job."""
    found: dict[str, list[Any]] = datasets.dataset(out).to_table().to_pydict()
    return found


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_manifest_by_url_is_scored_as_its_copy(home: Path, shop: Any, suffix: str) -> None:
    local = home / "list.csv"
    if suffix == ".parquet":
        local = home / "list.parquet"
        parquet.write_table(csv.read_csv(home / "list.csv"), local)
        shop.pipe_file("memory://jobs/week 48/list.parquet", local.read_bytes())
    keep = ["store"]
    status = shv.scale.score(EXPORT, local, home / "local", keep=keep, shard_size=8)
    url = f"memory://jobs/week 48/list{suffix}"
    found = shv.scale.score(EXPORT, url, home / "out", keep=keep, shard_size=8)
    assert (found.n_done, found.errors) == (status.n_done, status.errors)
    one, other = columns_of(home / "local"), columns_of(home / "out")
    assert [f"memory://jobs/week 48/{name}" for name in one.pop("id")] == other.pop("id")
    one["error"][20] = one["error"][20].replace("photos/", "memory://jobs/week 48/photos/")
    assert one == other


def test_a_job_of_a_manifest_by_url_continues_and_refuses_another_manifest(
    home: Path, shop: Any
) -> None:
    url = "memory://jobs/week 48/list.csv"
    shv.scale.score(EXPORT, url, home / "out", shard_size=8)
    (home / "out" / "part-000001.parquet").unlink()
    status = shv.scale.score(EXPORT, url, home / "out", processes=1)
    assert (status.n_scored, status.n_done) == (8, 21)
    shop.pipe_file(url, b"path\nphotos/00.jpg\n")
    with refuses(InvalidParameterError, "run-changed", "source"):
        shv.scale.score(EXPORT, url, home / "out")


def test_urls_in_a_manifest_by_url_are_below_its_folder_or_the_root(home: Path, shop: Any) -> None:
    lists, photos = "memory://jobs/lists/a.csv", "memory://jobs/week 48/photos"
    shop.pipe_file(lists, f"path\n{photos}/00.jpg\n{photos}/gone.jpg\n".encode())
    with refuses(DataError, "missing-photos", "root") as caught:
        shv.scale.score(EXPORT, lists, home / "out")
    assert f"pass root={photos!r} to read the photos from there" in str(caught.value)
    status = shv.scale.score(EXPORT, lists, home / "out", root=photos)
    assert (status.n_done, status.errors) == (2, {"not-found": 1})
    assert columns_of(home / "out")["id"] == [f"{photos}/00.jpg", f"{photos}/gone.jpg"]
    for cell in ("../week 48/photos/00.jpg", "s3://elsewhere/a.jpg", "file:///etc/passwd"):
        shop.pipe_file(lists, f"path\n{cell}\n".encode())
        with refuses(DataError, "missing-photos", "root"):
            shv.scale.score(EXPORT, lists, home / "new")
    assert not (home / "new").exists()


def test_a_list_of_this_computer_names_photos_of_a_store(home: Path, shop: Any) -> None:
    status = shv.scale.score(EXPORT, "list.csv", "out", root="memory://jobs/week 48")
    assert (status.n_done, status.errors) == (21, {"not-an-image": 1})
    assert columns_of(home / "out")["id"][0] == "memory://jobs/week 48/photos/00.jpg"


@pytest.mark.parametrize("source", ["list.csv", "photos"])
def test_the_output_has_no_credentials(home: Path, shop: Any, source: str) -> None:
    for path in list(shop.find("memory://jobs/week 48")):
        shop.pipe_file(f"memory://me:SECRET@shop{path}", shop.cat_file(path))
    url = f"memory://me:SECRET@shop/jobs/week 48/{source}"
    status = shv.scale.score(EXPORT, url, home / "out", shard_size=8, processes=1)
    assert (status.n_done, status.errors) == (21, {"not-an-image": 1})
    ids = columns_of(home / "out")["id"]
    assert ids[0] == "memory://shop/jobs/week 48/photos/00.jpg"
    files = [path for path in (home / "out").rglob("*") if path.is_file()]
    assert not any(b"SECRET" in path.read_bytes() for path in files)


def test_a_universal_path_is_a_manifest_or_a_folder(home: Path, shop: Any) -> None:
    upath = pytest.importorskip("upath")
    place = upath.UPath("memory://jobs/week 48")
    for number, source in enumerate((place / "list.csv", place / "photos")):
        status = shv.scale.score(EXPORT, source, home / f"out-{number}")
        assert (status.n_done, status.errors) == (21, {"not-an-image": 1})


def test_the_ids_of_a_folder_are_relative_to_the_root(home: Path) -> None:
    status = shv.scale.score(EXPORT, home / "photos", home / "out", root=home)
    assert (status.n_done, status.errors) == (21, {"not-an-image": 1})
    assert columns_of(home / "out")["id"][0] == "photos/00.jpg"


def test_the_command_scores_a_manifest_by_url(home: Path, shop: Any, command: Command) -> None:
    url = "memory://jobs/week 48/list.csv"
    status, out, _ = command(EXPORT, url, "out", "--where", "store=north")
    assert status == 0
    assert "10 of 10 photos" in out
    shop.pipe_file("memory://jobs/lists/a.csv", b"path\nmemory://jobs/week 48/photos/00.jpg\n")
    status, _, err = command(EXPORT, "memory://jobs/lists/a.csv", "new")
    root = "memory://jobs/week 48/photos"
    assert status == 1
    assert f"pass --root {root!r} to read the photos from there" in err
    assert command(EXPORT, "memory://jobs/lists/a.csv", "new", "--root", root)[0] == 0


def test_a_kept_column_with_the_name_of_a_score_is_refused(home: Path) -> None:
    (home / "list.csv").write_text("path,label\nphotos/00.jpg,milk\n", encoding="utf-8")
    with refuses(InvalidParameterError, "duplicate", "keep"):
        shv.scale.score(EXPORT, home / "list.csv", home / "out", keep=["label"])


def test_the_command_scores_and_continues(home: Path, command: Command) -> None:
    arguments = (EXPORT, "list.csv", "out", "--shard-size", 8, "--keep", "store")
    status, out, err = command(*arguments, "--dry-run")
    assert (status, err) == (0, "")
    assert "0 of 21 photos in 0 of 3 files" in out
    assert not (home / "out").exists()
    status, out, err = command(*arguments)
    assert status == 0
    assert "21 of 21 photos in 3 of 3 files; 1 could not be read (not-an-image 1)" in out
    assert "photos/s" in err
    (home / "out" / "part-000001.parquet").unlink()
    assert "13 of 21 photos in 2 of 3 files" in command(*arguments, "--dry-run")[1]
    status, out, _ = command(*arguments, "--json")
    fields = json.loads(out)
    assert (status, fields["n_scored"], fields["n_done"], fields["missing"]) == (0, 8, 21, [])
    assert "scored before" in command(*arguments)[2]


def test_the_command_chooses_rows(home: Path, command: Command) -> None:
    status, out, _ = command(EXPORT, "list.csv", "out", "--where", "store=north")
    assert status == 0
    assert "10 of 10 photos" in out


def test_the_command_refuses_a_changed_setting_by_its_option(home: Path, command: Command) -> None:
    command(EXPORT, "list.csv", "out")
    status, _, err = command(EXPORT, "list.csv", "out", "--probabilities")
    assert status == 2
    assert "--probabilities must be" in err
    assert "[run-changed]" in err


def test_the_command_fails_where_no_photo_can_be_read(home: Path, command: Command) -> None:
    status, _, err = command(EXPORT, "list.csv", "out", "--root", home.parent)
    assert status == 1
    assert "none of the photos could be read" in err


def test_lines_of_progress_have_speed_and_time_left(
    home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision._progress.SECONDS_BETWEEN_LINES", 0.0)
    err = command(EXPORT, "list.csv", "out")[2]
    assert "Scoring: 21 of 21 photos, " in err
    assert "photos/s, less than 1 min left" in err


def test_the_speed_counts_only_new_photos() -> None:
    speed = Speed(1_000_000, 400_000)
    assert speed.time_left() == "time left unknown"
    speed.add(100_000)
    assert speed.time_left(3600) == "5.0 h left"
