"""Import of pyarrow, which only this room needs, and reading of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from shelfvision._validation import import_extra

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

_PURPOSE = "scoring at scale"


def arrow() -> ModuleType:
    """Return the module ``pyarrow``, or raise an error with the pip command."""
    return import_extra("pyarrow", extra="scale", purpose=_PURPOSE)


def parquet() -> ModuleType:
    """Return the module ``pyarrow.parquet``."""
    return import_extra("pyarrow.parquet", extra="scale", purpose=_PURPOSE)


def compute() -> ModuleType:
    """Return the module ``pyarrow.compute``."""
    return import_extra("pyarrow.compute", extra="scale", purpose=_PURPOSE)


def typed_columns(file: BinaryIO, schema: pa.Schema) -> pa.Table:
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
