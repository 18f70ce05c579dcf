"""Telling how training goes: a live line on a terminal, one log entry an epoch everywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
        from rich.table import Column

        self._steps = steps
        self._epochs = epochs
        self._epoch = done
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[metrics]}"),
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
        """Show how far the epoch is."""
        self._progress.update(
            self._task,
            completed=(self._epoch - 1) * self._steps + done,
            description=self._position(done),
            metrics=f"{told(metrics, digits=3)} {speed:.0f} images/s",
        )

    def _position(self, done: int) -> str:
        return f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}"


def reporter_for(verbose: Verbose, *, epochs: int, steps: int, done: int) -> Reporter:
    """Return a live line where one is wanted and can be seen, silence elsewhere."""
    if not _is_shown(verbose):
        return Silence()
    from rich.console import Console

    return LiveLine(Console(stderr=True), epochs=epochs, steps=steps, done=done)


def told(metrics: Mapping[str, float], *, digits: int | None = None) -> str:
    """Return metrics in a few words, the loss first; fixed digits keep a live line from jumping."""
    kind = ".4g" if digits is None else f".{digits}f"
    # Keras gives them in the order of their names.
    names = sorted(metrics, key=lambda name: (name.startswith("val_"), not name.endswith("loss")))
    return " ".join(f"{name} {metrics[name]:{kind}}" for name in names)


def log_epoch(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> None:
    """Write the log's line for one epoch."""
    _logger.info("epoch %d/%d: %s in %.1f s", epoch, epochs, told(metrics), seconds)


@contextmanager
def counting(verbose: Verbose, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many of a `total` are done; a bar shows it where one is wanted."""
    if not _is_shown(verbose):
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _is_shown(verbose: Verbose) -> bool:
    """Tell whether progress is to be shown and there is a terminal to show it on."""
    if verbose != "auto":
        return verbose
    from rich.console import Console

    console = Console(stderr=True)
    return console.is_terminal or console.is_jupyter


def _ignore(done: int) -> None:
    """Do nothing."""
