"""Import of pyarrow, which only this room needs."""

from __future__ import annotations

from types import ModuleType

from shelfvision._validation import import_extra


def arrow() -> ModuleType:
    """Return the module ``pyarrow``."""
    return import_extra("pyarrow", extra="scale", purpose="scoring into Parquet files")


def parquet() -> ModuleType:
    """Return the module ``pyarrow.parquet``."""
    return import_extra("pyarrow.parquet", extra="scale", purpose="scoring into Parquet files")


def compute() -> ModuleType:
    """Return the module ``pyarrow.compute``."""
    return import_extra("pyarrow.compute", extra="scale", purpose="scoring into Parquet files")
