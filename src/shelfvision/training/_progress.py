"""Telling how training goes: a live line on a terminal, one log entry an epoch everywhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rich.console import Console

    from shelfvision.training._settings import Verbose

_logger = logging.getLogger("shelfvision.training")


class Reporter(Protocol):
    """What a training run tells its progress to."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def begin(self, epoch: int) -> None:
        """Note that `epoch` begins."""

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Note that `done` steps of the epoch are done, at `speed` images a second."""


class Silence:
    """A reporter that says nothing."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def begin(self, epoch: int) -> None:
        """Do nothing."""

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Do nothing."""


class LiveLine:
    """One line that shows epoch, step, metrics, images per second and the time left.

    Parameters
    ----------
    console : rich.console.Console
        Where it is drawn.
    epochs, steps : int
        Epochs in the run and steps in an epoch.
    done : int
        Epochs that were done in an earlier stretch of the run.
    """

    def __init__(self, console: Console, *, epochs: int, steps: int, done: int) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._steps = steps
        self._epochs = epochs
        self._epoch = done
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(),
            console=console,
            transient=False,
        )
        self._task = self._progress.add_task(
            f"epoch {done}/{epochs}", total=epochs * steps, completed=done * steps, metrics=""
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()

    def begin(self, epoch: int) -> None:
        """Show the new epoch."""
        self._epoch = epoch

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Show how far the epoch is."""
        self._progress.update(
            self._task,
            completed=(self._epoch - 1) * self._steps + done,
            description=f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}",
            metrics=f"{told(metrics)} {speed:.0f} images/s",
        )


def reporter_for(verbose: Verbose, *, epochs: int, steps: int, done: int) -> Reporter:
    """Return a live line where one is wanted and can be seen, silence elsewhere."""
    if verbose is False:
        return Silence()
    from rich.console import Console

    console = Console(stderr=True)
    if verbose == "auto" and not console.is_terminal:
        return Silence()
    return LiveLine(console, epochs=epochs, steps=steps, done=done)


def told(metrics: Mapping[str, float]) -> str:
    """Return metrics in a few words."""
    return " ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def log_epoch(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> None:
    """Write the log's line for one epoch."""
    _logger.info("epoch %d/%d: %s in %.1f s", epoch, epochs, told(metrics), seconds)
