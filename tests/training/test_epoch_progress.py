"""What a run shows on a terminal, in a log, and nowhere else."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.training.display._epoch_progress import (
    LiveLine,
    Silence,
    metrics_text,
    reporter_for,
)
from shelfvision.training.run._history_files import as_csv, as_json

if TYPE_CHECKING:
    import keras

    from shelfvision._progress import Verbose

MakeModel = Callable[..., "keras.Model"]

METRICS = {"accuracy": 0.5, "loss": 1.25, "val_accuracy": 0.25, "val_loss": 1.5}


def drawn(width: int) -> str:
    """Return all that a live line of two epochs wrote."""
    from rich.console import Console

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    with LiveLine(console, epochs=2, steps=10, done=0) as line:
        for epoch in (1, 2):
            line.begin(epoch)
            for step in range(1, 11):
                line.step(step, 320.4, {"accuracy": 0.5, "loss": 1.25})
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


@pytest.mark.parametrize("width", [80, 140])
def test_the_line_has_epoch_step_metrics_speed_and_time_left(width: int) -> None:
    last = drawn(width).strip().splitlines()[-1]
    for part in (
        "epoch 2/2 step 10/10",
        "loss 1.250 accuracy 0.500",
        "320 images/s",
        " 00:00",
    ):
        assert part in last
    assert len(last) <= width


def test_the_loss_comes_first_and_training_before_validation() -> None:
    assert metrics_text(METRICS) == "loss 1.25 accuracy 0.5 val_loss 1.5 val_accuracy 0.25"


def test_nothing_is_shown_where_nobody_looks_or_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(reporter_for(False, epochs=1, steps=1, done=0), Silence)
    monkeypatch.delenv("FORCE_COLOR")
    assert isinstance(reporter_for("auto", epochs=1, steps=1, done=0), Silence)


@pytest.mark.parametrize("verbose", ["auto", True])
def test_a_notebook_without_widgets_shows_lines_and_no_warning(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verbose: Verbose,
) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with reporter_for(verbose, epochs=2, steps=3, done=0) as reporter:
            reporter.begin(1)
            reporter.step(1, 10.0, METRICS)
            reporter.end(1, METRICS, 2.0)
    assert capsys.readouterr().err == f"epoch 1/2: {metrics_text(METRICS)} in 2.0 s\n"


def test_lines_are_written_once_per_epoch_and_per_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with reporter_for(2, epochs=2, steps=10, done=0) as reporter:
        for epoch in (1, 2):
            reporter.begin(epoch)
            for step in range(1, 11):
                now[0] += 13.0
                reporter.step(step, 320.4, {"loss": 1.25})
            reporter.end(epoch, METRICS, 130.0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *("epoch 1/2 step 5/10", "epoch 1/2 step 10/10", "epoch 1/2"),
        *("epoch 2/2 step 5/10", "epoch 2/2 step 10/10", "epoch 2/2"),
    ]
    assert lines[0].endswith("loss 1.25 320 images/s")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "utf-16", "shift_jis"])
def test_a_line_is_written_in_any_encoding_and_without_effect(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    reporter = reporter_for(2, epochs=1, steps=1, done=0)
    reporter.end(1, {"茶\x1b[2J\r\n\u202e🥛\ud800": 0.5}, 1.0)
    line = raw.getvalue().decode(encoding)
    assert line.count("\n") == 1
    assert not {"\x1b", "\r", "\u202e"} & set(line)
    assert "\\x1b[2J\\r\\n\\u202e" in line


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_of_metrics_have_no_effect_on_a_terminal(encoding: str) -> None:
    from rich.console import Console

    raw = io.BytesIO()
    screen = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    console = Console(file=screen, force_terminal=True, width=200, color_system=None)
    with LiveLine(console, epochs=1, steps=1, done=0) as line:
        line.begin(1)
        line.step(1, 1.0, {"[/]茶": 0.5, "a\x1b]0;title\x07": 0.25, ":tea:": 1.0})
    shown = raw.getvalue().decode(encoding)
    assert "[/]" in shown
    assert "\\x1b]0;title\\x07" in shown
    assert ":tea:" in shown
    assert "\x07" not in shown


def test_a_run_writes_its_lines_and_logs_them(
    make_model: MakeModel,
    train: shv.Dataset,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = make_model()
    odd = load_keras().metrics.MeanSquaredError(name="odd\x1b[31m=1+1")
    model.compile("sgd", "categorical_crossentropy", metrics=[odd])
    trainer = shv.Trainer(epochs=2, batch_size=16, monitor="loss", verbose=2)
    with caplog.at_level(logging.INFO, logger="shelfvision"):
        result = trainer.fit(model, train)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all("odd\\x1b[31m=1+1" in line for line in lines)
    assert lines == [text for text in caplog.messages if text.startswith("epoch")]
    assert "\x1b" not in repr(result)
    assert "\x1b" not in result._repr_html_()


def test_a_history_has_no_formulas_and_no_control_characters() -> None:
    history = {"=cmd|'/C calc'!A0": [0.5], "a\x1b,\n\ud800": [1.0], "@x": [math.nan]}
    table = as_csv(history)
    assert next(csv.reader(io.StringIO(table)))[1].startswith("'=")
    for text in (table, as_json(history)):
        text.encode()
        assert "\x1b" not in text
    assert json.loads(as_json(history)) == {**history, "@x": [None]}
