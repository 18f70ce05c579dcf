r"""Write results to standard output, and progress, warnings and errors to standard error.

Control characters in names and paths are escaped (`shelfvision._text`), and every character can be
written in every encoding:

- Text uses the encoding of the stream, and escapes such as ``\u0427`` for characters it lacks.
- JSON and CSV go to files and pipes as UTF-8, unless ``PYTHONIOENCODING`` names another encoding.
  Characters that it lacks are then written as JSON escapes, in CSV as ``\u0427``.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shelfvision._text import json_text, printable

QUIET_SECONDS = 60.0
"""After this time without output, a command without a terminal reports that it is still running."""

_LONG = ("audit", "train", "evaluate", "review", "export", "calibrate", "count", "compare")
"""Commands that may run for minutes without output."""


def settle_streams() -> None:
    """Escape characters that the encoding of a standard stream lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def settle_for_programs() -> None:
    """Write UTF-8 to files and pipes, unless ``PYTHONIOENCODING`` names an encoding."""
    stream = sys.stdout
    asked = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    if isinstance(stream, io.TextIOWrapper) and not asked and not stream.isatty():
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def say(text: object = "") -> None:
    """Write text to standard output."""
    sys.stdout.write(f"{printable(str(text), lines=True)}\n")


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Write a value as JSON to standard output, indented by default."""
    settle_for_programs()
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    sys.stdout.write(f"{json_text(value, indent=indent, ascii_only=not unicode)}\n")


class _LastOutput:
    """The time of the last line on standard error."""

    at = 0.0


def complain(text: str) -> None:
    """Write a line of progress, a warning or an error to standard error."""
    _LastOutput.at = time.monotonic()
    sys.stderr.write(f"shelfvision: {printable(text)}\n")


@contextmanager
def signs_of_life(command: str) -> Iterator[None]:
    """Report every minute that a command is still running, unless it runs on a terminal.

    Parameters
    ----------
    command : str
        The name of the command.
    """
    if command not in _LONG or sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    began = _LastOutput.at = time.monotonic()

    def watch() -> None:
        while not ended.wait(max(0.01, _LastOutput.at + QUIET_SECONDS - time.monotonic())):
            now = time.monotonic()
            if now - _LastOutput.at >= QUIET_SECONDS:
                complain(f"{command} is still running after {(now - began) / 60:.0f} min")

    watcher = threading.Thread(target=watch, name="shelfvision signs of life", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
