"""Import of pyarrow, and reading of Parquet files."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from shelfvision._validation import import_extra

if TYPE_CHECKING:
    import pyarrow as pa


def arrow() -> ModuleType:
    """Return the module ``pyarrow``."""
    return import_extra("pyarrow", extra="scale", purpose="scoring into Parquet files")


def parquet() -> ModuleType:
    """Return the module ``pyarrow.parquet``."""
    return import_extra("pyarrow.parquet", extra="scale", purpose="scoring into Parquet files")


def read_columns(file: BinaryIO, schema: pa.Schema) -> pa.Table:
    """Return columns of a Parquet file that anybody may have written, in these types.

    Raises
    ------
    ArrowException, OSError, KeyError
        The file is damaged, lacks a column or has it twice, has values of another type, or text
        that is not UTF-8.
    """
    names = schema.names
    found = parquet().ParquetFile(file).read(columns=list(dict.fromkeys(names)))
    table = found.select(names).cast(schema)
    # Arrow reads text of other encodings unchanged.
    table.validate(full=True)
    return table


def compute() -> ModuleType:
    """Return the module ``pyarrow.compute``."""
    return import_extra("pyarrow.compute", extra="scale", purpose="scoring into Parquet files")
