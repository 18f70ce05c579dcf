r"""Writes to the terminal: answers to the standard output, all else to the standard error.

No name and no path moves the cursor or reverses a line (`shelfvision._text`), and no letter is too
much for the encoding of the terminal or the file.

- Text for people takes the encoding of the stream; what that lacks is written as ``\u0427``.
- JSON and CSV for programs go to files and pipes as UTF-8, unless ``PYTHONIOENCODING`` names
  another encoding. Then JSON escapes what that lacks, as JSON does, and CSV writes ``\u0427``.
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
"""After so long without a word, a command that runs off the terminal says that it still works."""

_LONG = ("audit", "train", "evaluate", "export")
"""Commands that may work for long before they answer."""


def settle_streams() -> None:
    """Write what a stream's encoding lacks, and bytes of file names, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def settle_for_programs() -> None:
    """Write to files and pipes as UTF-8, unless another encoding is asked for."""
    stream = sys.stdout
    asked = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    if isinstance(stream, io.TextIOWrapper) and not asked and not stream.isatty():
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def say(text: object = "") -> None:
    """Write the answer, or a line of it."""
    sys.stdout.write(f"{printable(str(text), lines=True)}\n")


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Write the answer as JSON, by default over several lines."""
    settle_for_programs()
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    sys.stdout.write(f"{json_text(value, indent=indent, ascii_only=not unicode)}\n")


class _LastOutput:
    """When the last line on the standard error was written."""

    at = 0.0


def complain(text: str) -> None:
    """Write a line of progress, or a warning or an error."""
    _LastOutput.at = time.monotonic()
    sys.stderr.write(f"shelfvision: {printable(text)}\n")


@contextmanager
def signs_of_life(command: str) -> Iterator[None]:
    """Say every minute that a command still works, where no terminal shows a bar.

    Parameters
    ----------
    command : str
        What works.
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
                complain(f"{command} still works, after {(now - began) / 60:.0f} min")

    watcher = threading.Thread(target=watch, name="shelfvision signs of life", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
