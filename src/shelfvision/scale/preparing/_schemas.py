"""The fixed Arrow schemas of the batch functions that prepare photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision.scale._arrow import arrow

if TYPE_CHECKING:
    import pyarrow as pa


def feature_schema(id_column: str | None, label_column: str | None) -> pa.Schema:
    """Return the schema of `PhotoFeatures`; columns of photos that cannot be read are null or 0."""
    pa = arrow()
    given = [name for name in (id_column, label_column) if name is not None]
    return pa.schema(
        [
            *((name, pa.string()) for name in given),
            ("digest", pa.string()),
            ("pixel_digest", pa.string()),
            ("height", pa.int32()),
            ("width", pa.int32()),
            *((name, pa.float64()) for name in ("blur", "mean", "dark", "bright", "spread")),
            ("thumbnail", pa.binary()),
            ("error", pa.string()),
            ("error_code", pa.string()),
        ]
    )


def bucket_schema() -> pa.Schema:
    """Return the schema of `NearBuckets`."""
    pa = arrow()
    return pa.schema(
        [
            ("bucket", pa.int64()),
            ("home", pa.int64()),
            ("id", pa.string()),
            ("digest", pa.string()),
            ("coarse", pa.list_(pa.float32())),
            ("fine", pa.binary()),
        ]
    )


def pair_schema() -> pa.Schema:
    """Return the schema of `NearPairs`."""
    pa = arrow()
    text = [(name, pa.string()) for name in ("id", "other_id", "digest", "other_digest")]
    return pa.schema([*text, ("similarity", pa.float64())])


def group_schema() -> pa.Schema:
    """Return the schema of `near_groups`."""
    pa = arrow()
    return pa.schema([("digest", pa.string()), ("group", pa.string())])
