"""``python -m shelfvision``: the command line."""

from __future__ import annotations

from shelfvision._cli import entry

if __name__ == "__main__":
    entry()
