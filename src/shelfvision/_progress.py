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
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, Protocol, TypeAlias

from shelfvision._text import printable

Verbose: TypeAlias = Literal["auto", 0, 1, 2] | bool
"""What is shown; 0, 1 and 2 are Keras's values."""
SECONDS_BETWEEN_LINES = 60.0


class Advance(Protocol):
    """Advances a progress display; thread-safe."""

    def __call__(self, count: int = 1) -> None:
        """Add `count` to the finished work."""


@contextmanager
def progress(what: str, total: int, *, verbose: Verbose = "auto") -> Iterator[Advance]:
    """Show progress towards `total`; yield a function that advances it."""
    display = display_for(verbose)
    if display != "bar":
        yield _line_per_minute(what, total) if display == "lines" else _show_nothing
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # A file keeps the last state of the bar; on a terminal the bar is removed at the end.
    with Progress(console=console, transient=console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(count: int = 1) -> None:
            bar.advance(task, count)

        yield advance


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


def _line_per_minute(what: str, total: int) -> Advance:
    is_due = every_minute()
    guard = threading.Lock()
    done = 0

    def advance(count: int = 1) -> None:
        nonlocal done
        with guard:
            done += count
            if is_due():
                write_line(f"{what}: {done:,} of {total:,}")

    return advance


def _show_nothing(count: int = 1) -> None:
    """Do nothing."""
