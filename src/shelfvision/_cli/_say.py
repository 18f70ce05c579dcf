"""Writes to the terminal: answers to the standard output, all else to the standard error."""

from __future__ import annotations

import json
import sys


def say(text: object = "") -> None:
    """Write a line of the answer."""
    sys.stdout.write(f"{text}\n")


def say_json(value: object) -> None:
    """Write the answer as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def complain(text: str) -> None:
    """Write a line about what goes on or wrong."""
    sys.stderr.write(f"shelfvision: {text}\n")
