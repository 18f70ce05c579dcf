"""What a run shows on a terminal, in a log, and nowhere else."""

from __future__ import annotations

import io
import re

import pytest

from shelfvision.training import _progress
from shelfvision.training._progress import LiveLine, Silence, reporter_for, told

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
    assert told(METRICS) == "loss 1.25 accuracy 0.5 val_loss 1.5 val_accuracy 0.25"


def test_nothing_is_shown_where_nobody_looks_or_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(reporter_for(False, epochs=1, steps=1, done=0), Silence)
    monkeypatch.delenv("FORCE_COLOR")
    assert isinstance(reporter_for("auto", epochs=1, steps=1, done=0), Silence)


def test_a_notebook_counts_as_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import rich.console

    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    assert _progress._is_shown("auto")
