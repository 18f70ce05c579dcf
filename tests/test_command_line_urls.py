"""The command line takes a URL or refuses it at once; it never makes a local folder ``s3:``."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import shelfvision as shv
from shelfvision._cli import main
from shelfvision._cli._parser import parser
from shelfvision._cli.options.places import PathArgument

memory = pytest.importorskip("fsspec.implementations.memory")

FILE = "memory://shop/model.shelf"
ANSWERS = {
    "audit": ["photos"],
    "train": ["photos", "-o", "m.shelf"],
    "inspect": [FILE],
    "evaluate": [FILE, "photos"],
    "predict": [FILE, "a.jpg"],
    "score": [FILE, "list.csv", "out"],
    "review": [FILE, "a.jpg", "-o", "page.html"],
    "calibrate": [FILE, "photos", "-o", "m.shelf"],
    "count": [FILE, "a.jpg"],
    "drift": [FILE, "a.jpg"],
    "compare": [FILE, FILE, "photos"],
    "regions": [FILE, "a.jpg", "--boxes", "a.xml"],
    "export": [FILE, "m.onnx"],
}
"""Complete arguments of each command with paths."""
NO_FILES = {
    *(
        "sha256",
        "old_sha256",
        "new_sha256",
        "encoding",
        "architecture",
        "tier",
        "unknown",
        "layout",
        "shape",
        "format",
    ),
    "resize",
    *("path_column", "label_column", "group_column", "split_column", "product_column", "by"),
    *("count_column", "key_column", "store_column", "store", "keep", "check"),
}
"""Arguments with text that is not a path."""


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    return next(one.choices for one in parser()._actions if isinstance(one.choices, dict))


def places_of(command: str) -> dict[str, PathArgument]:
    """Return the arguments of a command that name paths."""
    places: dict[str, PathArgument] = parser().parse_args([command, *ANSWERS[command]]).places
    return places


def with_url(command: str, place: PathArgument, url: str) -> list[str]:
    """Return arguments of a command with a URL for one of its arguments."""
    arguments = [command, *ANSWERS[command]]
    if place.shown.startswith("-"):
        short = place.shown[1:3]
        if short in arguments:
            arguments[arguments.index(short) + 1] = url
            return arguments
        return [*arguments, place.shown, url]
    usage = parser().parse_args([command, *ANSWERS[command]])
    names = [name for name, one in usage.places.items() if not one.shown.startswith("-")]
    position = next(
        row for row, name in enumerate(names) if usage.places[name].shown == place.shown
    )
    arguments[1 + position] = url
    return arguments


CASES = [(command, place) for command in ANSWERS for place in places_of(command).values()]
NAMED = [f"{command} {place.shown}" for command, place in CASES]


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    memory.MemoryFileSystem.store.clear()
    assert not [path for path in tmp_path.iterdir() if ":" in path.name]


def refused(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], status: int, code: str
) -> str:
    """Run a command that fails, and return its only sentence."""
    assert main(arguments) == status
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(f"[{code}]")
    assert ";" in lines[0]
    assert "storage_options" not in lines[0]
    return lines[0]


def test_every_argument_is_a_place_or_known_to_name_no_file() -> None:
    found: dict[str, list[str]] = {}
    for command, sub in commands().items():
        places = places_of(command) if command in ANSWERS else {}
        for action in sub._actions:
            takes_text = action.nargs != 0 and action.type is None and not action.choices
            if takes_text and action.dest not in places:
                found.setdefault(action.dest, []).append(command)
    assert set(found) <= NO_FILES, "add the argument with add_place, or to NO_FILES"
    assert set(commands()) - set(ANSWERS) == {"doctor"}


@pytest.mark.parametrize(("command", "place"), CASES, ids=NAMED)
@pytest.mark.parametrize(
    "url", ["https://user:SECRET@cdn.example.com/a.csv?sig=SECRET", "s3:/shop/a.csv"]
)
def test_a_url_that_is_not_supported_is_refused_at_once(
    command: str, place: PathArgument, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, with_url(command, place, url), 2, "not-supported")
    assert line.startswith(f"shelfvision: error: {place.shown} must ")
    assert "SECRET" not in line


@pytest.mark.parametrize(("command", "place"), CASES, ids=NAMED)
def test_object_storage_is_opened_or_refused_at_once(
    command: str, place: PathArgument, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "memory://shop/none/a.csv"
    arguments = with_url(command, place, url)
    if place.kind in ("local", "folder"):
        line = refused(capsys, arguments, 2, "not-supported")
        assert line.startswith(f"shelfvision: error: {place.shown} must be a path of this computer")
        assert url in line
    else:
        # Nothing is there yet, so that the command fails at the first file it reads.
        assert main(arguments) in (1, 2)
        assert "Error:" not in capsys.readouterr().err


def test_a_training_that_saves_to_a_url_needs_a_folder_for_its_checkpoints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["train", "photos", "-o", "memory://shop/m.shelf"]
    line = refused(capsys, arguments, 2, "conflict")
    assert "add --run FOLDER" in line


def test_a_file_is_not_replaced_by_a_command_that_reads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["evaluate", "memory://shop/a.onnx", "photos", "--html", "memory://shop/a.onnx"]
    refused(capsys, arguments, 2, "conflict")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a store: photos, a classifier with a profile, and lists."""
    folder = Path(
        shv.samples.write_products(tmp_path_factory.mktemp("s") / "p", {"Can": 2, "Jar": 2})
    )
    photos = shv.Dataset.from_directory(folder)
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=["Can", "Jar"])
    bundle = folder.parent / "m.shelf"
    classifier.with_validation(photos).save(bundle)
    found = {f"photos/{name}": (folder / name).read_bytes() for name in photos.ids}
    found["model.shelf"] = bundle.read_bytes()
    rows = [f"{name},{name.split('/')[0]},7" for name in photos.ids]
    found["photos/list.csv"] = "\n".join(["path,label,store", *rows]).encode()
    found["stock.csv"] = b"product,count\nCan,2\nJar,2\n"
    found["outside.csv"] = b"path\ns3://elsewhere/a.jpg\n"
    return found


@pytest.fixture
def store(shop: dict[str, bytes]) -> Any:
    """The store, filled; what commands write to it is removed after the test."""
    system = memory.MemoryFileSystem()
    for name, data in shop.items():
        system.pipe_file(f"memory://shop/{name}", data)
    return system


PHOTOS = "memory://shop/photos"
LIST = f"{PHOTOS}/list.csv"
PHOTO = f"{PHOTOS}/Can/0000.jpg"


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["inspect", FILE], None),
        (["audit", PHOTOS, "--html", "memory://shop/audit.html"], "audit.html"),
        (["evaluate", FILE, LIST, "--html", "memory://shop/report.html"], "report.html"),
        (["predict", FILE, PHOTO, PHOTOS], None),
        (["calibrate", FILE, PHOTOS, "-o", "memory://shop/b.shelf", "--method", "none"], "b.shelf"),
        (["drift", FILE, LIST, "--by", "store", "-o", "memory://shop/drift.csv"], "drift.csv"),
        (["drift", FILE, PHOTOS], None),
        (["compare", FILE, FILE, LIST, "-o", "memory://shop/c.json"], "c.json"),
        (
            [
                *("count", FILE, PHOTOS, "--stock-list", "memory://shop/stock.csv"),
                *("-o", "memory://shop/counts.json", "--checks", "memory://shop/checks.csv"),
            ],
            "checks.csv",
        ),
    ],
    ids=lambda one: " ".join(one[:3]) if isinstance(one, list) else "",
)
def test_a_command_reads_and_writes_object_storage(
    arguments: list[str], written: str | None, store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(arguments)
    assert "error:" not in capsys.readouterr().err
    # An audit may find problems, drift may be there, and four photos decide nothing.
    assert status in (0, 1, 3, 5)
    assert written is None or store.size(f"memory://shop/{written}") > 20


def test_photos_by_url_are_predicted_as_their_files(
    store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", FILE, PHOTOS, "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    urls = [f"{PHOTOS}/{kind}/000{row}.jpg" for kind in ("Can", "Jar") for row in (0, 1)]
    assert [line.partition(",")[0] for line in lines] == urls


def test_a_folder_by_url_is_scored_into_a_local_folder(
    store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    read_table = pytest.importorskip("pyarrow.parquet").read_table
    store.pipe_file(f"{PHOTOS}/Jar/broken.jpg", b"no photo")
    arguments = ["score", FILE, PHOTOS, "out"]
    assert main([*arguments, "--shard-size", "2"]) == 0
    found = read_table(sorted(map(str, Path("out").glob("*.parquet"))))
    ids = [f"{PHOTOS}/{one}.jpg" for one in ("Can/0000", "Can/0001", "Jar/0000", "Jar/0001")]
    assert found["id"].to_pylist() == [*ids, f"{PHOTOS}/Jar/broken.jpg"]
    assert [code is None for code in found["error_code"].to_pylist()] == [True] * 4 + [False]
    capsys.readouterr()
    assert main(arguments) == 0
    assert "every photo was scored before" in capsys.readouterr().err


def test_urls_on_standard_input_are_not_requested(
    store: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PHOTO}\n"))
    line = refused(capsys, ["predict", FILE, "-"], 1, "not-enabled")
    assert line.endswith("download the photos, and pass the paths of the copies [not-enabled]")
    refused(capsys, ["predict", FILE, "-", PHOTO], 2, "conflict")


def test_a_manifest_by_url_cannot_name_photos_elsewhere(
    store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, ["drift", FILE, "memory://shop/outside.csv"], 1, "missing-photos")
    assert "s3://elsewhere/a.jpg" in line


def test_boxes_are_drawn_on_local_photos_only(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["count", FILE, PHOTO, "--boxes", "a.json"], 2, "not-supported")


def test_a_list_of_urls_asks_for_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.csv").write_text("path,label\ns3://shop/a.jpg,Can\n")
    line = refused(capsys, ["audit", "list.csv"], 1, "not-found")
    assert line.endswith("download the photos, and list the paths of their files [not-found]")
