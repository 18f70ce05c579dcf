"""The fixed schema of results, as an Arrow schema, a Spark DDL string and an empty pandas frame.

The schema depends on the settings only. Without it, a shard without errors would have a column
``error`` of the type null, and could not be read together with the other shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shelfvision._validation import import_extra
from shelfvision.scale._settings import ANSWERS, EMBEDDING, ERRORS, ScorerSettings

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa


def arrow() -> ModuleType:
    """Return the package pyarrow, or raise an error with the pip command."""
    return import_extra("pyarrow", extra="scale", purpose="a Scorer")


def result_schema(settings: ScorerSettings, class_names: Sequence[str]) -> pa.Schema:
    """Return the schema of all results of a scorer; every field is nullable."""
    pa = arrow()
    fields = [] if settings.id_column is None else [(settings.id_column, pa.string())]
    types = {"label": pa.string(), "confidence": pa.float32(), "decision": pa.string()}
    fields += [(name, types[name]) for name in ANSWERS if name in settings.columns]
    if settings.probabilities:
        fields += [(f"p({name})", pa.float32()) for name in class_names]
    if settings.embedding_width:
        # Spark does not accept lists of fixed size.
        fields += [(EMBEDDING, pa.list_(pa.float32()))]
    fields += [(name, pa.string()) for name in ERRORS]
    return pa.schema(fields)


def spark_ddl(schema: pa.Schema) -> str:
    """Return a schema as Spark writes it, with quoted names."""
    return ", ".join(f"{_quoted(field.name)} {_spark_type(field.type)}" for field in schema)


def _spark_type(kind: pa.DataType) -> str:
    pa = arrow()
    if pa.types.is_list(kind):
        return f"ARRAY<{_spark_type(kind.value_type)}>"
    return {pa.string(): "STRING", pa.float32(): "FLOAT"}[kind]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
