"""A folder is watched, killed and watched again: nothing is counted twice, nothing is lost."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv

WATCH = Path(__file__).parents[1] / "examples" / "watch"
NAMES = ("juice", "milk")
SIDE = 88


class Quick:
    """A classifier that goes by the first letter, so that no test waits for a network."""

    def predict(self, photos: bytes, /, *, on_error: str) -> shv.Predictions:
        label = {b"j": 0, b"m": 1}.get(photos[:1])
        rows = np.eye(2, dtype=np.float32)[[label or 0]]
        return shv.Predictions(rows, NAMES, ["0"], ["no photo" if label is None else None])


CHILD = f"""
import sys, time
sys.path[:0] = [{str(WATCH)!r}, {str(Path(__file__).parent)!r}]
import watch
from pathlib import Path
from test_watch import Quick
stock = watch.Stock(sys.argv[2], "quick")
watching = watch.Watch(Path(sys.argv[1]), Quick(), stock, settle=0.02)
print("ready", flush=True)
while True:
    counted, waiting = watching.look()
    if "--once" in sys.argv and not waiting:
        break
    time.sleep(0.005)
"""


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(WATCH))
    yield importlib.import_module("watch")
    sys.modules.pop("watch")


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    (folder / "north").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"juice 1")
    (folder / "b.JPG").write_bytes(b"milk 1")
    (folder / "north" / "c.png").write_bytes(b"milk 2")
    (folder / "torn.jpg").write_bytes(b"torn")
    return folder


def counted(
    watch: ModuleType, database: Path, incoming: Path
) -> dict[str, tuple[str | None, str | None]]:
    """Watch until nothing is left to do; return the labels by name."""
    stock = watch.Stock(database, "quick")
    try:
        watching = watch.Watch(incoming, Quick(), stock, settle=0.0)
        while sum(watching.look()):
            pass
        found = stock.predictions(NAMES)
        return dict(zip(found.ids, zip(found.labels, found.errors, strict=True), strict=True))
    finally:
        stock.close()


def test_every_photo_is_counted_once_and_one_that_is_none_has_its_error(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert counted(watch, tmp_path / "stock.sqlite", incoming) == {
            "a.jpg": ("juice", None),
            "b.JPG": ("milk", None),
            "north/c.png": ("milk", None),
            "torn.jpg": (None, "no photo"),
        }


def test_a_copy_counts_once_and_a_photo_that_was_moved_away_stays_counted(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    (incoming / "copy.jpg").write_bytes(b"juice 1")
    first = counted(watch, tmp_path / "stock.sqlite", incoming)
    (incoming / "a.jpg").unlink()
    (incoming / "b.JPG").rename(incoming / "renamed.jpg")
    assert counted(watch, tmp_path / "stock.sqlite", incoming) == first
    assert "copy.jpg" not in first


def test_what_was_read_half_written_is_replaced_by_the_whole(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    (incoming / "a.jpg").write_bytes(b"")
    assert counted(watch, tmp_path / "stock.sqlite", incoming)["a.jpg"] == (None, "no photo")
    (incoming / "a.jpg").write_bytes(b"milk 3")
    found = counted(watch, tmp_path / "stock.sqlite", incoming)
    assert found["a.jpg"] == ("milk", None)
    assert len(found) == 4


def test_a_file_that_still_changes_is_waited_for(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    stock = watch.Stock(tmp_path / "stock.sqlite", "quick")
    watching = watch.Watch(incoming, Quick(), stock, settle=1000.0)
    assert watching.look() == watching.look() == (0, 4)
    assert len(stock.predictions(NAMES)) == 0
    stock.close()


def test_hidden_files_unfinished_ones_links_and_pipes_are_left_alone(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    before = counted(watch, tmp_path / "one.sqlite", incoming)
    (incoming / ".d.jpg").write_bytes(b"milk 4")
    (incoming / "d.jpg.part").write_bytes(b"milk 4")
    (incoming / "link.jpg").symlink_to(incoming / "away.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(incoming / "pipe.jpg")
    assert counted(watch, tmp_path / "two.sqlite", incoming) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a name")
def test_a_name_that_is_no_text_is_a_name(
    watch: ModuleType, incoming: Path, tmp_path: Path
) -> None:
    with open(os.fsencode(incoming) + b"/m\xff.jpg", "wb") as file:
        file.write(b"milk 5")
    assert r"m\udcff.jpg" in counted(watch, tmp_path / "stock.sqlite", incoming)


def test_a_database_of_another_classifier_is_refused(watch: ModuleType, tmp_path: Path) -> None:
    watch.Stock(tmp_path / "stock.sqlite", "a" * 64).close()
    with pytest.raises(SystemExit, match="aaaaaaaaaaaa, not of bbbbbbbbbbbb"):
        watch.Stock(tmp_path / "stock.sqlite", "b" * 64)


class Broken:
    """A database whose program ends before, or right after, its n-th statement."""

    def __init__(self, database: sqlite3.Connection, left: int, *, after: bool) -> None:
        self.database, self.left, self.after = database, left, after

    def execute(self, *statement: object) -> sqlite3.Cursor:
        self.left -= 1
        if self.left < 0 and not (self.after and self.left == -1):
            raise KeyboardInterrupt
        found = self.database.execute(*statement)  # type: ignore[arg-type]  # handed on as it came
        if self.left < 0:
            raise KeyboardInterrupt
        return found

    def close(self) -> None:
        self.database.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_it_may_end_at_every_statement(
    watch: ModuleType, incoming: Path, tmp_path: Path, after: bool
) -> None:
    wanted = counted(watch, tmp_path / "unbroken.sqlite", incoming)
    for left in range(1000):
        database = tmp_path / f"{left}.sqlite"
        stock = watch.Stock(database, "quick")
        stock._db.execute("PRAGMA synchronous = OFF")
        stock._db = Broken(stock._db, left, after=after)
        try:
            while sum(watch.Watch(incoming, Quick(), stock, settle=0.0).look()):
                pass
        except KeyboardInterrupt:
            stock.close()
        else:
            stock.close()
            break
        assert counted(watch, database, incoming) == wanted
    assert left > 4 * 6


def bring(folder: Path, n: int, rng: random.Random) -> None:
    """Bring photos as programs do: slowly, in pieces, renamed, twice, and broken."""
    for number in range(n):
        name, data = f"{number}.jpg", f"{rng.choice(['juice', 'milk', 'torn'])} {number}".encode()
        way = rng.randrange(4)
        if way == 0:
            with (folder / name).open("wb", buffering=0) as file:
                file.write(data[:3])
                time.sleep(rng.choice([0.001, 0.06]))
                file.write(data[3:])
        elif way == 1:
            (folder / f"{name}.part").write_bytes(data)
            os.replace(folder / f"{name}.part", folder / name)
        else:
            (folder / name).write_bytes(data)
        if way == 2:
            (folder / f"again-{name}").write_bytes(data)
        time.sleep(0.01)


@pytest.mark.kills
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_at_any_instant_it_counts_every_photo_once(
    watch: ModuleType, tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    kills, rng = fuzz_count(6, 100), random.Random(7)
    folder, database = tmp_path / "incoming", tmp_path / "stock.sqlite"
    folder.mkdir()
    command = [sys.executable, "-c", CHILD, str(folder), str(database)]
    brings = threading.Thread(target=bring, args=(folder, 25 * kills, random.Random(8)))
    brings.start()
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.random() * 0.2)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    brings.join()
    subprocess.run([*command, "--once"], check=True, stdout=subprocess.PIPE)
    wanted = {path.read_bytes() for path in folder.iterdir()}
    labels = {b"j": "juice", b"m": "milk", b"t": None}
    with sqlite3.connect(database) as db:
        found = db.execute("SELECT digest, label FROM photos").fetchall()
    assert sorted(found) == sorted(
        (hashlib.sha256(data).hexdigest(), labels[data[:1]]) for data in wanted
    )


def test_the_program_counts_stores_and_keeps_a_page(
    watch: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = shv.samples.render_products(3, class_names=["Can", "Jar"], image_size=(SIDE, SIDE))
    model = shv.build_model(2, image_size=(SIDE, SIDE), seed=1)
    bare = shv.Classifier.from_model(model, class_names=photos.class_names)
    bare.with_validation(photos).save(tmp_path / "groceries.shelf")
    for number, (pixels, _) in enumerate(photos):
        place = tmp_path / "incoming" / ("north" if number % 2 else "south")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    (tmp_path / "incoming" / "torn.jpg").write_bytes(b"no photo")
    arguments = [str(tmp_path / name) for name in ("incoming", "groceries.shelf", "stock.sqlite")]
    page = tmp_path / "stock.html"
    watch.main([*arguments, "--page", str(page), "--settle", "0", "--once"])
    assert "6 photos counted" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "<h2>north</h2>" in text
    assert "<h2>south</h2>" in text
    assert "1 photo could not be read" in text
