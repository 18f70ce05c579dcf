"""Write the Parquet file of a shard, and check whether one is complete.

A file is *committed* in this order: encode in memory, decode and compare, write the record with the
SHA-256, write the file. Both files are written atomically. A file without a record, or with another
SHA-256 than its record, is not complete and is written again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, final

from shelfvision._storage import read_bounded, write_atomically
from shelfvision._storage.json_values import canonical_json, json_object
from shelfvision.errors import ShelfVisionError
from shelfvision.scale._arrow import arrow, parquet
from shelfvision.scale.jobs._folder import JobFolder, digest_of
from shelfvision.scale.jobs._plan import JobPlan

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_BYTES = 1 << 20
_COMPRESSION = "zstd"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """What is known of a complete file without opening it."""

    plan: str
    """The digest of the plan that it belongs to."""
    sha256: str
    """The SHA-256 of the file."""
    size: int
    """The number of bytes of the file."""
    n_photos: int
    """The number of rows."""
    errors: Mapping[str, int]
    """The number of photos that could not be read, by error code."""


def commit_part(folder: JobFolder, plan: JobPlan, shard: int, table: pa.Table) -> PartRecord:
    """Write the file of a shard and its record; return the record.

    Raises
    ------
    StorageError
        A file cannot be written.
    ShelfVisionError
        The encoded table is not what was to be written (``"damaged"``).
    """
    digest = plan.digest
    data = encoded_part(table, plan, digest)
    _require_same_rows(data, table, folder.part(shard).name)
    record = PartRecord(
        plan=digest,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        n_photos=len(table),
        errors=error_counts(table),
    )
    write_atomically(folder.record(shard), canonical_json(asdict(record)).encode(), follow=False)
    write_atomically(folder.part(shard), data, follow=False)
    return record


def encoded_part(table: pa.Table, plan: JobPlan, digest: str) -> bytes:
    """Return a table as a Parquet file whose metadata names the classifier and the job."""
    metadata = {
        "shelfvision.model_sha256": plan.model_sha256,
        "shelfvision.class_names": canonical_json(list(plan.class_names)),
        "shelfvision.plan": digest,
    }
    file = io.BytesIO()
    known = table.schema.metadata or {}
    parquet().write_table(
        table.replace_schema_metadata({**known, **metadata}), file, compression=_COMPRESSION
    )
    return file.getvalue()


def _require_same_rows(data: bytes, table: pa.Table, name: str) -> None:
    """Decode a file completely, and compare number of rows, schema and ids."""
    found = parquet().read_table(arrow().BufferReader(data))
    ids = table.column_names[0]
    is_same = found.schema.equals(table.schema) and found[ids].equals(table[ids])
    if not is_same or len(found) != len(table):
        raise ShelfVisionError(
            f"{name} must contain {len(table)} rows with the schema and the ids that were written, "
            "got others; check the memory of this computer, and update pyarrow",
            code="damaged",
        )


def error_counts(table: pa.Table) -> dict[str, int]:
    """Return the number of photos that could not be read, by error code."""
    counts = table["error_code"].drop_null().value_counts().to_pylist()
    return {str(one["values"]): int(one["counts"]) for one in counts}


def complete_part(
    folder: JobFolder, plan: JobPlan, plan_digest: str, shard: int
) -> PartRecord | None:
    """Return the record of a shard whose file is complete, or None."""
    record = read_record(folder, shard)
    if record is None or (record.plan, record.n_photos) != (plan_digest, plan.photos_of(shard)):
        return None
    try:
        found = digest_of(folder.part(shard))
    except OSError:
        return None
    return record if found == (record.size, record.sha256) else None


def read_record(folder: JobFolder, shard: int) -> PartRecord | None:
    """Return the record of a shard; None if it is missing or damaged."""
    try:
        data = read_bounded(folder.record(shard), _MOST_BYTES, follow=False)
        record = PartRecord(**json_object(data, "the record"))  # type: ignore[arg-type]  # below
    except (ShelfVisionError, TypeError):
        return None
    if not isinstance(record.errors, dict):
        return None
    numbers = (record.size, record.n_photos, *record.errors.values())
    is_plain = all(type(number) is int and number >= 0 for number in numbers) and all(
        isinstance(text, str) for text in (record.plan, record.sha256)
    )
    return record if is_plain else None
