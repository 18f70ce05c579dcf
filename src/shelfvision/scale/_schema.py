"""The fixed schema of results, as an Arrow schema and as a Spark DDL string.

The schema depends on the settings only. Without it, a shard without errors would have a column
``error`` of the type null, and could not be read together with the other shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from shelfvision.scale._arrow import arrow
from shelfvision.scale._settings import EMBEDDING, ERRORS, REGIONS, ScorerSettings

if TYPE_CHECKING:
    import pyarrow as pa

_SPARK: Final = {
    "string": "STRING",
    "bool": "BOOLEAN",
    "int32": "INT",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
    "binary": "BINARY",
}
"""Spark's names of Arrow types."""


def result_schema(settings: ScorerSettings, class_names: Sequence[str]) -> pa.Schema:
    """Return the schema of all results of a scorer; every field is nullable."""
    pa = arrow()
    fields = [] if settings.id_column is None else [(settings.id_column, pa.string())]
    fields += [(name, pa.type_for_alias(kind)) for name, kind in settings.keep]
    if settings.with_regions:
        fields += [(REGIONS, pa.list_(_region_type(settings)))]
    else:
        fields += _photo_fields(settings, class_names)
    fields += [(name, pa.string()) for name in ERRORS]
    return pa.schema(fields)


def _photo_fields(settings: ScorerSettings, class_names: Sequence[str]) -> list[tuple[str, Any]]:
    pa = arrow()
    fields = _answer_fields(settings)
    if settings.probabilities:
        fields += [(f"p({name})", pa.float32()) for name in class_names]
    if settings.embedding_width:
        # Spark does not accept lists of fixed size.
        fields += [(EMBEDDING, pa.list_(pa.float32()))]
    return fields


def _region_type(settings: ScorerSettings) -> pa.DataType:
    pa = arrow()
    fields = [(side, pa.float32()) for side in ("left", "top", "right", "bottom")]
    if settings.detector is not None:
        fields += [("score", pa.float32())]
    fields += _answer_fields(settings)
    if settings.probabilities:
        fields += [("probabilities", pa.list_(pa.float32()))]
    return pa.struct(fields)


def _answer_fields(settings: ScorerSettings) -> list[tuple[str, Any]]:
    pa = arrow()
    types = {"label": pa.string(), "confidence": pa.float32(), "decision": pa.string()}
    return [(name, types[name]) for name in settings.columns]


def spark_ddl(schema: pa.Schema) -> str:
    """Return a schema as Spark writes it, with quoted names."""
    return ", ".join(f"{_quoted(field.name)} {_spark_type(field.type)}" for field in schema)


def _spark_type(kind: pa.DataType) -> str:
    pa = arrow()
    if pa.types.is_list(kind):
        return f"ARRAY<{_spark_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = (f"{_quoted(one.name)}: {_spark_type(one.type)}" for one in kind)
        return f"STRUCT<{', '.join(fields)}>"
    return _SPARK[str(kind)]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
