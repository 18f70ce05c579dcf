"""Two generations of state in one folder."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from shelfvision._storage import temporary_name
from shelfvision._storage.json_values import Json
from shelfvision.errors import ResumeError, StorageError, TrainingWarning
from shelfvision.training.run._checkpoints import BEST, HISTORY, RUN, SLOTS, Checkpoints
from shelfvision.training.run._resume import require_a_run
from shelfvision.training.run._state import RunState, decode
from support import gives_warning, refuses
from support.run_states import epoch_in, run_state


def state(epoch: int) -> RunState:
    return run_state(
        epoch=epoch, step=0, history={"loss": [0.5] * epoch}, model=(np.full(4, epoch),)
    )


def saved(directory: Path, epochs: int) -> None:
    with Checkpoints(directory) as checkpoints:
        for epoch in range(1, epochs + 1):
            checkpoints.save(state(epoch))


def test_an_empty_or_missing_folder_holds_no_state(tmp_path: Path) -> None:
    assert epoch_in(tmp_path) is None
    assert epoch_in(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_the_newest_state_wins(tmp_path: Path, epochs: int) -> None:
    saved(tmp_path, epochs)
    assert epoch_in(tmp_path) == epochs


@pytest.mark.parametrize("gone", SLOTS)
def test_a_state_whose_other_generation_is_gone_is_found(tmp_path: Path, gone: str) -> None:
    saved(tmp_path, 2)
    (tmp_path / gone).unlink()
    assert epoch_in(tmp_path) == 2 - SLOTS.index(gone)


def test_two_generations_are_kept_and_nothing_temporary(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    assert {path.name for path in tmp_path.iterdir()} == {*SLOTS, "history.csv", "history.json"}


@pytest.mark.parametrize("epochs", [2, 3])
def test_a_damaged_newest_state_gives_way_to_the_older_one(tmp_path: Path, epochs: int) -> None:
    saved(tmp_path, epochs)
    newest = tmp_path / SLOTS[(epochs - 1) % 2]
    newest.write_bytes(newest.read_bytes()[:-3])
    with gives_warning(TrainingWarning, "damaged", "checkpoint_dir"):
        assert epoch_in(tmp_path) == epochs - 1


def test_the_next_save_replaces_the_damaged_state(tmp_path: Path) -> None:
    saved(tmp_path, 3)
    (tmp_path / SLOTS[0]).write_bytes(b"rubbish")
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.warns(TrainingWarning):
            checkpoints.load()
        checkpoints.save(state(3))
    assert epoch_in(tmp_path) == 3


def test_where_no_state_can_be_read_the_file_is_named(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (tmp_path / SLOTS[0]).write_bytes(b"rubbish")
    with refuses(ResumeError, "damaged", "checkpoint_dir"):
        epoch_in(tmp_path)


def test_a_state_of_another_version_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 2)
    monkeypatch.setattr("shelfvision.training.run._state.FORMAT", 99)
    with refuses(ResumeError, "foreign-format", "checkpoint_dir"):
        epoch_in(tmp_path)


def test_a_save_in_mid_epoch_leaves_the_history_alone(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.load()
        checkpoints.save(dataclasses.replace(state(9), step=1))
    assert epoch_in(tmp_path) == 9
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n"


def test_a_new_run_leaves_other_files_alone(tmp_path: Path) -> None:
    saved(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("mine")
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.begin({})
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", RUN}


def test_history_is_written_with_every_digit(tmp_path: Path) -> None:
    saved(tmp_path, 2)
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n2,0.5\n"
    assert json.loads((tmp_path / "history.json").read_text()) == {"loss": [0.5, 0.5]}


def test_a_place_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        saved(tmp_path / "file", 1)


def test_each_save_is_of_a_newer_generation_also_after_going_on(tmp_path: Path) -> None:
    saved(tmp_path, 3)
    assert [decode((tmp_path / name).read_bytes())[1] for name in SLOTS] == [3, 2]
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.load()
        checkpoints.save(state(4))
    assert [decode((tmp_path / name).read_bytes())[1] for name in SLOTS] == [3, 4]


@pytest.mark.parametrize(("step", "told"), [(0, "after epoch 1"), (5, "after epoch 1 and 5 steps")])
def test_a_damaged_state_is_told_with_where_the_run_goes_on(
    tmp_path: Path, step: int, told: str
) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(dataclasses.replace(state(1), step=step))
    (tmp_path / SLOTS[1]).write_bytes(b"rubbish")
    with gives_warning(TrainingWarning, "damaged", "checkpoint_dir") as caught:
        assert epoch_in(tmp_path) == 1
    assert str(caught[0]).endswith(told)


def test_a_refusal_names_the_folder_every_damaged_file_and_the_reason(tmp_path: Path) -> None:
    for name in SLOTS:
        (tmp_path / name).write_bytes(b"rubbish")
    with refuses(ResumeError, "damaged", "checkpoint_dir") as caught:
        epoch_in(tmp_path)
    assert all(name in str(caught.value) for name in (str(tmp_path), *SLOTS))


def test_opening_clears_away_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    for name in (*SLOTS, RUN, *HISTORY, BEST):
        (tmp_path / temporary_name(name, "1a2b")).write_bytes(b"half")
    (tmp_path / temporary_name("mine", "1a2b")).write_text("mine")
    (tmp_path / "run" / "deep").mkdir(parents=True)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.open()
        left = {path.name for path in tmp_path.iterdir()} - {"run.lock"}
    assert left == {temporary_name("mine", "1a2b"), "run"}


def test_opening_makes_the_folder_and_those_above_it(tmp_path: Path) -> None:
    with Checkpoints(tmp_path / "runs" / "first") as checkpoints:
        checkpoints.open()
        assert (tmp_path / "runs" / "first").is_dir()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        refuses(StorageError, "not-writable", "checkpoint_dir"),
        Checkpoints(tmp_path / "file") as checkpoints,
    ):
        checkpoints.open()


def test_a_folder_that_cannot_be_written_to_is_told_with_the_systems_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*, dir: Path) -> NoReturn:  # noqa: A002  (tempfile's name)
        assert dir == tmp_path
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(StorageError) as caught, Checkpoints(tmp_path) as checkpoints:
        checkpoints.open()
    assert "cannot hold a run: Permission denied; give a folder" in str(caught.value)


def test_a_new_run_removes_every_file_of_an_earlier_one_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_to_last: list[Path] = []
    monkeypatch.setattr(
        "shelfvision.training.run._checkpoints.fsync_directory", made_to_last.append
    )
    saved(tmp_path, 2)
    (tmp_path / BEST).write_bytes(b"the best")
    made_to_last.clear()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.begin({})
        checkpoints.begin({})
    assert [path.name for path in tmp_path.iterdir()] == [RUN]
    assert made_to_last == [tmp_path, tmp_path]


def test_the_identity_of_a_run_comes_back(tmp_path: Path) -> None:
    names = ["Müsli", 'a"b', "\x9b"]
    identity: dict[str, Json] = {"class_names": names, "seed": 1, "rate": 0.1, "loss": None}
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.identity() == {}
        checkpoints.begin(identity)
        assert checkpoints.identity() == identity


def test_an_earlier_run_is_gone_before_another_one_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: bytes, *, follow: bool) -> NoReturn:
        assert (path.name, follow) == (RUN, False)
        raise StorageError("the disk is full")

    saved(tmp_path, 2)
    monkeypatch.setattr("shelfvision.training.run._checkpoints.write_atomically", refuse)
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(StorageError):
        checkpoints.begin({"seed": 1})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"[]", b'{"seed": NaN}', b"\xff", b'{"a": 1, "a": 2}'])
def test_a_damaged_identity_is_the_same_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / RUN).write_bytes(data)
    assert Checkpoints(tmp_path).identity() == {}


def test_an_identity_that_is_a_link_or_a_folder_is_the_same_as_none(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text('{"seed": 1}')
    (tmp_path / RUN).symlink_to("elsewhere")
    assert Checkpoints(tmp_path).identity() == {}
    (tmp_path / RUN).unlink()
    (tmp_path / RUN).mkdir()
    assert Checkpoints(tmp_path).identity() == {}


def test_a_file_that_cannot_be_removed_is_told_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / SLOTS[0]).mkdir()
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(StorageError) as caught:
        checkpoints.begin({})
    assert repr(str(tmp_path)) in str(caught.value)


def save_and_fail(directory: Path, meanwhile: Callable[[], object]) -> None:
    """Save a state and end in an error of another kind."""
    with Checkpoints(directory) as checkpoints:
        checkpoints.save(state(1))
        meanwhile()
        raise KeyError("mine")


def test_a_failed_save_does_not_hide_what_went_wrong_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyError, match="mine"):
        save_and_fail(tmp_path / "file", lambda: None)


def test_a_failed_save_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Checkpoints(tmp_path / "file") as checkpoints:
        checkpoints.save(state(1))
        with pytest.raises(StorageError):
            checkpoints.wait()
        checkpoints.wait()


def test_a_state_is_written_whole_when_the_block_ends_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, may_end = threading.Event(), threading.Event()
    write = Checkpoints._write

    def slow(self: Checkpoints, path: Path, what: RunState, generation: int) -> None:
        going.set()
        may_end.wait(10)
        write(self, path, what, generation)

    def meanwhile() -> None:
        going.wait(10)
        threading.Timer(0.05, may_end.set).start()

    monkeypatch.setattr(Checkpoints, "_write", slow)
    with pytest.raises(KeyError, match="mine"):
        save_and_fail(tmp_path, meanwhile)
    assert epoch_in(tmp_path) == 1


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "蔬" * 85, " .run", "run\n\x1b[2J"])
def test_a_folder_may_have_any_name_that_the_system_takes(tmp_path: Path, name: str) -> None:
    with Checkpoints(tmp_path / name) as checkpoints:
        checkpoints.open()
        checkpoints.save(state(1))
    assert epoch_in(tmp_path / name) == 1


@pytest.mark.parametrize("name", ["a" * 256, "蔬" * 86, "b/" * 2100])
def test_a_name_that_the_system_does_not_take_is_told(tmp_path: Path, name: str) -> None:
    with (
        refuses(StorageError, "not-writable", "checkpoint_dir"),
        Checkpoints(tmp_path / name) as checkpoints,
    ):
        checkpoints.open()
    with refuses(ResumeError, "not-found", "checkpoint_dir"):
        require_a_run(tmp_path / name, "must")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("kind", ["fifo", "device", "endless", "folder", "dangling"])
def test_what_is_no_file_in_the_place_of_a_state_is_never_waited_for(
    tmp_path: Path, kind: str
) -> None:
    saved(tmp_path, 2)
    place = tmp_path / SLOTS[1]
    place.unlink()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        targets = {"device": "/dev/null", "endless": "/dev/zero", "dangling": "none"}
        place.symlink_to(targets[kind])
    with gives_warning(TrainingWarning, "damaged", "checkpoint_dir"):
        assert epoch_in(tmp_path) == 1


def test_a_large_file_of_something_else_is_not_read_to_its_end(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    with (tmp_path / SLOTS[1]).open("wb") as file:
        file.truncate(1 << 28)
    tracemalloc.start()
    with gives_warning(TrainingWarning, "damaged", "checkpoint_dir"):
        assert epoch_in(tmp_path) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24
