"""What each argument with a path may be: a path of this computer, or also a URL.

The parser records this by `add_place`. Before a command runs, `shelfvision._cli.options.checks`
checks it, because the check needs packages that ``--help`` does not load.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["local", "folder", "read", "written"]
"""A path of this computer that is read (``"local"``) or a folder to write (``"folder"``), or a path
or URL that is read (``"read"``) or written (``"written"``)."""


@dataclass(frozen=True, slots=True)
class PathArgument:
    """An argument with a path."""

    shown: str
    """The name of the argument in messages, such as ``"FILE"`` or ``"--output"``."""
    kind: Kind
    """What the argument may be."""


def add_place(sub: argparse.ArgumentParser, *names: str, kind: Kind, **settings: Any) -> None:
    """Add an argument with one or several paths."""
    action = sub.add_argument(*names, **settings)
    shown = max(action.option_strings, key=len, default=str(action.metavar))
    sub.set_defaults(
        places={**(sub.get_default("places") or {}), action.dest: PathArgument(shown, kind)}
    )
