"""Shows how training goes: a bar, lines or nothing; one entry in the log per epoch everywhere.

============ =====================================================================
`verbose`    what is shown on standard error
============ =====================================================================
``"auto"``   a bar on a terminal and in a notebook, nothing elsewhere
1, True      a bar
2            one line per epoch; in long epochs and preparations, one per minute
0, False     nothing
============ =====================================================================

A bar in a notebook needs ipywidgets; without it, lines are written.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from shelfvision._text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from shelfvision.training.settings._settings import Verbose

_logger = logging.getLogger("shelfvision.training")
SECONDS = 60.0
"""The time between two lines within an epoch or a preparation."""


class Reporter(Protocol):
    """What a training run reports its progress to."""

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
        """Note that `done` steps of the epoch are done, at `speed` images per second."""

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Note that `epoch` has ended."""


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
    """Writes one line per epoch, and one per minute within a longer one.

    Parameters
    ----------
    epochs, steps : int
        Epochs in the run and steps in an epoch.
    """

    def __init__(self, *, epochs: int, steps: int) -> None:
        self._epochs = epochs
        self._steps = steps
        self._epoch = 0
        self._clock = _Minutes()

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
        """Note the epoch and when it began."""
        self._epoch = epoch
        self._clock = _Minutes()

    def step(self, done: int, speed: float, metrics: Mapping[str, float]) -> None:
        """Write a line if a minute has passed since the last."""
        if self._clock.passed():
            place = f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}"
            write_line(f"{place}: {told(metrics)} {speed:.0f} images/s")

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Write the line of the epoch."""
        write_line(_of_epoch(epoch, self._epochs, metrics, seconds))


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
        self._encoding = console.encoding
        # Names of metrics are text, not rich's markup.
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
        """Show how far the epoch is."""
        words = _encodable(told(metrics, digits=3), self._encoding)
        self._progress.update(
            self._task,
            completed=(self._epoch - 1) * self._steps + done,
            description=self._position(done),
            metrics=f"{words} {speed:.0f} images/s",
        )

    def end(self, epoch: int, metrics: Mapping[str, float], seconds: float) -> None:
        """Do nothing: the line shows the next epoch in a moment."""

    def _position(self, done: int) -> str:
        return f"epoch {self._epoch}/{self._epochs} step {done}/{self._steps}"


def reporter_for(verbose: Verbose, *, epochs: int, steps: int, done: int) -> Reporter:
    """Return what shows the progress of a run."""
    kind = shown_as(verbose)
    if kind == "nothing":
        return Silence()
    if kind == "lines":
        return Lines(epochs=epochs, steps=steps)
    from rich.console import Console

    return LiveLine(Console(stderr=True), epochs=epochs, steps=steps, done=done)


def told(metrics: Mapping[str, float], *, digits: int | None = None) -> str:
    """Return metrics in a few words, the loss first; fixed digits keep a live line from jumping."""
    kind = ".4g" if digits is None else f".{digits}f"
    # Keras gives them in the order of their names.
    names = sorted(metrics, key=lambda name: (name.startswith("val_"), not name.endswith("loss")))
    return " ".join(f"{printable(name)} {metrics[name]:{kind}}" for name in names)


def log_epoch(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> None:
    """Write the log's line for one epoch."""
    _logger.info("%s", _of_epoch(epoch, epochs, metrics, seconds))


@contextmanager
def counting(verbose: Verbose, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many of a `total` are done, and shows it as `verbose` asks for."""
    kind = shown_as(verbose)
    if kind != "bar":
        yield _line_per_minute(what, total) if kind == "lines" else _ignore
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def shown_as(verbose: Verbose) -> Literal["nothing", "bar", "lines"]:
    """Return how progress is shown here."""
    if verbose is False:
        return "nothing"
    if verbose not in ("auto", True):
        return "lines"
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        # Without it, rich gives a warning and shows no bar.
        return "bar" if importlib.util.find_spec("ipywidgets") is not None else "lines"
    return "bar" if verbose is True or console.is_terminal else "nothing"


def write_line(text: str) -> None:
    r"""Write a line to standard error, whatever its encoding.

    Control characters, and letters that the encoding lacks, are written as Python writes them:
    ``\x1b``, ``\u8336``. A stream that is closed or full loses the line, never the run.
    """
    stream = sys.stderr
    if stream is None:
        return
    line = _encodable(printable(text), getattr(stream, "encoding", None))
    with suppress(OSError, ValueError):
        stream.write(f"{line}\n")
        stream.flush()


def _encodable(text: str, encoding: str | None) -> str:
    return text.encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")


class _Minutes:
    """Tells when a minute has passed."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def passed(self) -> bool:
        """Return whether a minute has passed since it last did."""
        now = time.monotonic()
        if now - self._last < SECONDS:
            return False
        self._last = now
        return True


def _line_per_minute(what: str, total: int) -> Callable[[int], None]:
    clock = _Minutes()

    def show(done: int) -> None:
        if clock.passed():
            write_line(f"{what}: {done:,} of {total:,} images")

    return show


def _of_epoch(epoch: int, epochs: int, metrics: Mapping[str, float], seconds: float) -> str:
    return f"epoch {epoch}/{epochs}: {told(metrics)} in {seconds:.1f} s"


def _ignore(done: int) -> None:
    """Do nothing."""
