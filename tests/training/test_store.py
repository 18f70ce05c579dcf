"""Two generations of state in one folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from shelfvision.errors import ResumeError, StorageError, TrainingWarning
from shelfvision.training._state import RunState
from shelfvision.training._store import SLOTS, Checkpoints


def state(epoch: int) -> RunState:
    return RunState(
        epoch=epoch,
        step=0,
        seconds=0.0,
        planned_epochs=9,
        stopped=False,
        identity={},
        environment={},
        best={"epoch": 1, "value": 0.0, "reference": 0.0, "waited": 0},
        history={"loss": [0.5] * epoch},
        timings={},
        callbacks=[],
        model=(np.full(4, epoch),),
        optimizer=(),
        metrics=(),
        best_model=(),
    )


def saved(directory: Path, epochs: int) -> None:
    with Checkpoints(directory) as checkpoints:
        for epoch in range(1, epochs + 1):
            checkpoints.save(state(epoch))


def epoch_in(directory: Path) -> int | None:
    with Checkpoints(directory) as checkpoints:
        found = checkpoints.load()
        return None if found is None else found.epoch


def test_an_empty_or_missing_folder_holds_no_state(tmp_path: Path) -> None:
    assert epoch_in(tmp_path) is None
    assert epoch_in(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_the_newest_state_wins(tmp_path: Path, epochs: int) -> None:
    saved(tmp_path, epochs)
    assert epoch_in(tmp_path) == epochs


def test_two_generations_are_kept_and_nothing_temporary(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    assert {path.name for path in tmp_path.iterdir()} == {*SLOTS, "history.csv", "history.json"}


@pytest.mark.parametrize("epochs", [2, 3])
def test_a_damaged_newest_state_gives_way_to_the_older_one(tmp_path: Path, epochs: int) -> None:
    saved(tmp_path, epochs)
    newest = tmp_path / SLOTS[(epochs - 1) % 2]
    newest.write_bytes(newest.read_bytes()[:-3])
    with pytest.warns(TrainingWarning, match=newest.name):
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
    with pytest.raises(ResumeError, match=r"state-a\.safetensors"):
        epoch_in(tmp_path)


def test_a_state_of_another_version_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 2)
    monkeypatch.setattr("shelfvision.training._state.FORMAT", 99)
    with pytest.raises(ResumeError, match=r"another version of shelfvision \(it has format 2"):
        epoch_in(tmp_path)


def test_a_save_in_mid_epoch_leaves_the_history_alone(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.load()
        checkpoints.save(dataclasses.replace(state(9), step=1))
    assert epoch_in(tmp_path) == 9
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n"


def test_clearing_leaves_other_files_alone(tmp_path: Path) -> None:
    saved(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("mine")
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_history_is_written_with_every_digit(tmp_path: Path) -> None:
    saved(tmp_path, 2)
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n2,0.5\n"


def test_a_place_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        saved(tmp_path / "file", 1)
