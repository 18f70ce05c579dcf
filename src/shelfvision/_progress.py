"""Progress of long work on standard error: a bar, lines or nothing.

============ =====================================================================
`verbose`    what is shown
============ =====================================================================
``"auto"``   a bar on a terminal and in a notebook, nothing elsewhere
1, True      a bar
2            one line per minute
0, False     nothing
============ =====================================================================

A bar in a notebook needs ipywidgets; without it, lines are written.

>>> with progress("Reading photos", 3) as advance:
...     for _ in range(3):
...         advance()
"""

from __future__ import annotations

import importlib.util
import operator
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, Protocol, TypeAlias

from shelfvision._text import printable
from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError

Verbose: TypeAlias = Literal["auto", 0, 1, 2] | bool
"""What is shown; 0, 1 and 2 are Keras's values."""
SECONDS_BETWEEN_LINES = 60.0


def as_verbose(name: str, value: object) -> Verbose:
    """Return 0 and 1 as False and True, and ``"auto"`` and 2 unchanged."""
    if isinstance(value, str) and value == "auto":
        return "auto"
    with suppress(TypeError):
        number = operator.index(value)  # type: ignore[arg-type]  # what is no integer raises
        if number in (0, 1):
            return bool(number)
        if number == 2:
            return 2
    raise InvalidParameterError(
        f"{name} must be 'auto', 0 or False (nothing), 1 or True (a bar), or 2 (lines), got "
        f"{received(value)}",
        code="not-an-option",
        parameter=name,
    )


class Advance(Protocol):
    """Advances a progress display; thread-safe."""

    def __call__(self, count: int = 1) -> None:
        """Add `count` to the finished work."""


@contextmanager
def progress(
    what: str, total: int, *, verbose: Verbose = "auto", done: int = 0, unit: str | None = None
) -> Iterator[Advance]:
    """Show progress towards `total`; yield a function that advances it.

    Parameters
    ----------
    what : str
        The work: ``"Reading photos"``.
    total : int
        The amount of work.
    verbose : {"auto", 0, 1, 2} or bool, default="auto"
        What is shown.
    done : int, default=0
        The work that was finished before, which does not count for the speed.
    unit : str, optional
        The plural of the counted things: ``"photos"``. Speed and time left are shown, too.
    """
    display = display_for(verbose)
    if display != "bar":
        lines = display == "lines"
        yield _line_per_minute(what, total, done, unit) if lines else _show_nothing
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    console = Console(stderr=True)
    speed = Speed(total, done)
    columns = [*Progress.get_default_columns()]
    if unit is not None:
        columns.append(TextColumn("{task.fields[speed]}"))
    # A file keeps the last state of the bar; on a terminal the bar is removed at the end.
    with Progress(*columns, console=console, transient=console.is_terminal) as bar:
        task = bar.add_task(what, total=total, completed=done, speed="")

        def advance(count: int = 1) -> None:
            speed.add(count)
            bar.update(task, advance=count, speed="" if unit is None else speed.rate(unit))

        yield advance


class Speed:
    """The speed of work, and the time that is left.

    >>> speed = Speed(100, 40)
    >>> speed.add(30)
    >>> speed.done, speed.time_left(60.0)
    (70, '1 min left')
    """

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        self._before = done
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        """Count finished work."""
        self.done += count

    def rate(self, unit: str) -> str:
        """Return the speed as text: ``"120 photos/s"``."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        per_second = (self.done - self._before) / seconds
        return f"{per_second:,.{0 if per_second >= 10 else 1}f} {unit}/s"

    def time_left(self, seconds: float | None = None) -> str:
        """Return the time that is left as text, after so many seconds of work."""
        worked = self.done - self._before
        if worked <= 0:
            return "time left unknown"
        passed = time.monotonic() - self._began if seconds is None else seconds
        left = passed / worked * (self.total - self.done)
        minutes = round(left / 60)
        if minutes < 1:
            return "less than 1 min left"
        return f"{minutes} min left" if minutes < 120 else f"{left / 3600:.1f} h left"


def display_for(verbose: Verbose) -> Literal["nothing", "bar", "lines"]:
    """Return how progress is shown in this process."""
    if verbose is False or verbose == 0:
        return "nothing"
    if verbose not in ("auto", True):
        return "lines"
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        # Without it, rich gives a warning and shows no bar.
        return "bar" if importlib.util.find_spec("ipywidgets") is not None else "lines"
    return "bar" if verbose != "auto" or console.is_terminal else "nothing"


def write_line(text: str) -> None:
    r"""Write a line to standard error, whatever its encoding.

    Control characters, and letters that the encoding lacks, are written as Python writes them:
    ``\x1b``, ``\u8336``. If the stream is closed or full, the line is lost and the work continues.
    """
    stream = sys.stderr
    if stream is None:
        return
    line = encodable(printable(text), getattr(stream, "encoding", None))
    with suppress(OSError, ValueError):
        stream.write(f"{line}\n")
        stream.flush()


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with escapes for letters that an encoding lacks."""
    return text.encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")


def every_minute() -> Callable[[], bool]:
    """Return a function that returns True once a minute has passed since it last did."""
    last = time.monotonic()

    def is_due() -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES:
            return False
        last = now
        return True

    return is_due


def _line_per_minute(what: str, total: int, done: int, unit: str | None) -> Advance:
    is_due = every_minute()
    guard = threading.Lock()
    speed = Speed(total, done)

    def advance(count: int = 1) -> None:
        with guard:
            speed.add(count)
            if is_due():
                line = f"{what}: {speed.done:,} of {total:,}"
                detail = "" if unit is None else f" {unit}, {speed.rate(unit)}, {speed.time_left()}"
                write_line(line + detail)

    return advance


def _show_nothing(count: int = 1) -> None:
    """Do nothing."""
