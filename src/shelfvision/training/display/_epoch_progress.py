"""Display the progress of a run: a bar, one line per epoch, or nothing.

`shelfvision._progress` documents the values of ``verbose``. The log always has one line per epoch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from shelfvision._progress import Verbose, display_for, encodable, every_minute, write_line
from shelfvision._text import printable

if TYPE_CHECKING:
    from rich.console import Console

_logger = logging.getLogger("shelfvision.training")


class Reporter(Protocol):
    """Interface of progress displays. A run calls these methods."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def begin(self, epoch: int) -> None:
        """Handle the start of `epoch`."""

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Handle `done` completed steps of the epoch, at `speed` images per second."""

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Handle the end of `epoch`, which took `seconds` seconds."""


class Silence:
    """A reporter that shows nothing."""

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

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Do nothing."""


class Lines:
    """Write one line per epoch, and one per minute within a longer epoch.

    Parameters
    ----------
    epochs, steps : int
        Epochs in the run and steps in an epoch.
    """

    def __init__(self, *, epochs: int, steps: int) -> None:
        self._epochs = epochs
        self._steps = steps
        self._epoch = 0
        self._is_due = every_minute()

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
        """Store the epoch and restart the timer."""
        self._epoch = epoch
        self._is_due = every_minute()

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Write a line if a minute has passed since the last line."""
        if self._is_due():
            place = f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}"
            write_line(f"{place}: {metrics_text(metrics)} {speed:.0f} images/s")

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Write the line of the epoch."""
        write_line(_epoch_text(epoch, self._epochs, metrics, seconds))


class LiveLine:
    """A progress bar with epoch, step, metrics, images per second and remaining time.

    Parameters
    ----------
    console : rich.console.Console
        Console to draw on.
    epochs, steps : int
        Epochs in the run and steps in an epoch.
    done : int
        Epochs that were completed before the run was resumed.
    """

    def __init__(self, console: Console, *, epochs: int, steps: int, done: int) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column

        self._steps = steps
        self._epochs = epochs
        self._epoch = done
        self._encoding = console.encoding
        # Names of metrics may contain brackets, which rich would read as markup.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[metrics]}", markup=False),
            TimeRemainingColumn(compact=True, table_column=Column(min_width=5, no_wrap=True)),
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
        self._progress.update(self._task, description=self._position(0))

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Show the step and its metrics."""
        words = encodable(metrics_text(metrics, digits=3), self._encoding)
        self._progress.update(
            self._task,
            completed=(self._epoch - 1) * self._steps + done,
            description=self._position(done),
            metrics=f"{words} {speed:.0f} images/s",
        )

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Do nothing, because the next epoch updates the line."""

    def _position(self, done: int) -> str:
        return f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}"


def reporter_for(verbose: Verbose, *, epochs: int, steps: int, done: int) -> Reporter:
    """Return the progress display for a value of `verbose`."""
    kind = display_for(verbose)
    if kind == "nothing":
        return Silence()
    if kind == "lines":
        return Lines(epochs=epochs, steps=steps)
    from rich.console import Console

    return LiveLine(Console(stderr=True), epochs=epochs, steps=steps, done=done)


def metrics_text(metrics: Mapping[str, float], *, digits: int | None = None) -> str:
    """Return metrics as short text, the loss first.

    With `digits`, all values have the same number of decimals, so that a live line is steady.
    """
    kind = ".4g" if digits is None else f".{digits}f"
    # Keras sorts metrics by name.
    names = sorted(metrics, key=lambda name: (name.startswith("val_"), not name.endswith("loss")))
    return " ".join(f"{printable(name)} {metrics[name]:{kind}}" for name in names)


def log_epoch(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> None:
    """Log one line for an epoch."""
    _logger.info("%s", _epoch_text(epoch, epochs, metrics, seconds))


def _epoch_text(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> str:
    return f"epoch {epoch}/{epochs}: {metrics_text(metrics)} in {seconds:.1f} s"
