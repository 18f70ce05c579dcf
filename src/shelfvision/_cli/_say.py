"""Writes to the terminal: answers to the standard output, all else to the standard error."""

from __future__ import annotations

import json
import sys


def say(text: object = "") -> None:
    """Write a line of the answer."""
    sys.stdout.write(f"{text}\n")


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Write the answer as JSON, by default over several lines."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A path whose bytes are no text; escaped, it is JSON that leads back to the path.
        text = json.dumps(value, indent=indent)
    say(text)


def complain(text: str) -> None:
    """Write a line about what goes on or wrong."""
    sys.stderr.write(f"shelfvision: {text}\n")
