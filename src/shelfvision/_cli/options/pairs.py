"""Arguments that are a column and its value."""

from __future__ import annotations

import argparse


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of ``COLUMN=VALUE``."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"must have the form COLUMN=VALUE, got {text!r}")
    return name, value
