"""Turn photos of groceries into inventory knowledge.

Importing this package loads nothing else: every public name is fetched when first used.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shelfvision import errors
    from shelfvision.data import Dataset

__version__ = "0.1.0.dev0"

_HOMES = {
    "Dataset": "shelfvision.data",
}
_SUBMODULES = ("errors",)

__all__ = ["Dataset", "__version__", "errors"]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value: object = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
