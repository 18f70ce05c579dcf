"""The kinds of batches that engines pass, and the conversion of results to the same kind.

=========================== ==================================================================
batch                       result
=========================== ==================================================================
dict of arrays (Ray)        dict of NumPy arrays; a missing text is ``""``, a missing number NaN
pandas DataFrame            pandas DataFrame with the same index
pyarrow Table, RecordBatch  the same, with nulls
other DataFrame             the same, through narwhals: polars, Modin, cuDF
=========================== ==================================================================

The text columns of a dict are arrays of ``str`` and not of ``object``: Ray infers the type of an
``object`` array from its values, and gives a block without errors the type null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from shelfvision._identifiers import closest, is_missing, text_of
from shelfvision._validation import import_extra, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.scale._arrow import arrow
from shelfvision.scale._scoring import GivenRows
from shelfvision.scale._settings import ScorerSettings

if TYPE_CHECKING:
    import pyarrow as pa

# Objects of packages without type annotations, and of any engine.
Foreign: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenBatch:
    """A batch as rows, with the function that converts the result to its kind."""

    rows: GivenRows
    returned: Callable[[pa.Table], object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """How to use one kind of batch."""

    names: Callable[[Foreign], list[str]]
    column: Callable[[Foreign, str], Foreign]
    values: Callable[[Foreign, int, int], Sequence[object]]
    """Returns the values of a column from a first to a last row."""
    returned: Callable[[Foreign, pa.Table, int], object]
    """Returns a table as the kind of the given batch; takes the width of embeddings."""
    part: Callable[[Foreign, int, int], Foreign]
    """Returns the rows of a batch from a first to a last one."""
    length: Callable[[Foreign], int] = len


def given_batch(batch: Foreign, settings: ScorerSettings) -> GivenBatch:
    """Return the rows of a batch; refuse batches of other kinds, and batches without a column."""
    kind = kind_of(batch)
    names = kind.names(batch)
    photos = batch_column(kind, batch, names, settings.photo_column, "photo_column")
    ids = None
    if settings.id_column is not None:
        column = batch_column(kind, batch, names, settings.id_column, "id_column")
        ids = _texts(kind.values(column, 0, len(column)), settings.id_column, "id_column")
    boxes = None
    if settings.boxes_column is not None:
        boxes = batch_column(kind, batch, names, settings.boxes_column, "boxes_column")
    rows = GivenRows(
        length=len(photos),
        photos=lambda start, stop: kind.values(photos, start, stop),
        boxes=lambda start, stop: (
            _no_boxes(start, stop) if boxes is None else kind.values(boxes, start, stop)
        ),
        ids=ids,
        kept={
            name: _kept(kind, batch_column(kind, batch, names, name, "keep"), name, wanted)
            for name, wanted in settings.keep
        },
    )
    width = settings.embedding_width
    return GivenBatch(rows=rows, returned=lambda table: kind.returned(batch, table, width))


def batch_parts(batch: Foreign, size: int) -> list[Foreign]:
    """Return a batch in parts of at most `size` rows, without copying photos."""
    kind = kind_of(batch)
    length = kind.length(batch)
    if length <= size:
        return [batch]
    return [kind.part(batch, start, min(start + size, length)) for start in range(0, length, size)]


def as_pandas(table: pa.Table, index: Foreign = None) -> Foreign:
    """Return a table as a pandas frame, whose dtypes do not depend on the values."""
    pandas = import_extra("pandas", extra="scale", purpose="a pandas frame")
    text = pandas.Series([""]).dtype
    if text.kind == "O" and not isinstance(text, pandas.StringDtype):
        # pandas before version 3 has no text dtype by default.
        text = pandas.StringDtype("pyarrow")
    frame = table.to_pandas(types_mapper={arrow().string(): text}.get)
    if index is not None:
        frame.index = index
    return frame


def _as_arrays(table: pa.Table, width: int) -> dict[str, Foreign]:
    return {name: _as_array(table.column(name), width) for name in table.column_names}


def _as_array(column: pa.ChunkedArray, width: int) -> Foreign:
    pa = arrow()
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), dtype=np.str_)
    if pa.types.is_binary(column.type):
        # Not an array of NumPy's own bytes, which end at the last byte that is not 0.
        return _objects(column.fill_null(b"").to_pylist())
    if not pa.types.is_list(column.type):
        return column.to_numpy()
    if pa.types.is_struct(column.type.value_type):
        return _objects(column.to_pylist())
    return _as_matrix(column, width)


def _as_matrix(column: pa.ChunkedArray, width: int) -> Foreign:
    """Return lists of one length as an array of two dimensions, NaN where a list is missing."""
    known = column.is_valid().to_numpy()
    matrix = np.full((len(column), width), np.nan, dtype=np.float32)
    matrix[known] = column.combine_chunks().flatten().to_numpy().reshape(-1, width)
    return matrix


def _objects(values: Sequence[object]) -> Foreign:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def as_kind_of(batch: Foreign, table: pa.Table, width: int = 0) -> object:
    """Return a table of any length as the kind of a batch; a pandas frame gets a new index."""
    kind = kind_of(batch)
    return as_pandas(table) if kind is _PANDAS else kind.returned(batch, table, width)


def kind_of(batch: Foreign) -> Kind:
    """Return the kind of a batch, or refuse objects that are none."""
    if isinstance(batch, Mapping):
        return _DICT
    root = type(batch).__module__.partition(".")[0]
    # The attributes of the class, because those of a lazy frame would compute.
    kind = type(batch)
    if root == "pandas" and hasattr(kind, "columns"):
        return _PANDAS
    if root == "pyarrow" and hasattr(kind, "schema") and hasattr(kind, "slice"):
        return _ARROW
    if hasattr(kind, "columns") and hasattr(kind, "shape"):
        return _OTHER
    raise _wrong_kind(batch)


def _wrong_kind(batch: object) -> InvalidParameterError:
    root = type(batch).__module__.partition(".")[0]
    remedy = _REMEDIES.get(root, "pass one of these")
    return InvalidParameterError(
        "batch must be a dict of arrays, a DataFrame, or a pyarrow Table or RecordBatch, got "
        f"{type(batch).__module__}.{type(batch).__qualname__}; {remedy}",
        code="wrong-type",
        parameter="batch",
    )


_REMEDIES = {
    "ray": "pass the scorer to dataset.map_batches(scorer, batch_format='pyarrow')",
    "dask": "pass the scorer to frame.map_partitions(scorer, meta=scorer.meta)",
    "dask_expr": "pass the scorer to frame.map_partitions(scorer, meta=scorer.meta)",
    "pyspark": "pass scorer.over to frame.mapInArrow(scorer.over, scorer.ddl)",
    "polars": "collect the lazy frame first",
}


def batch_column(
    kind: Kind, batch: Foreign, names: Sequence[str], name: str, what: str, *, made_by: str = ""
) -> Foreign:
    """Return a column, or refuse a batch without it; `what` is the argument that named it.

    A column of a fixed name has no such argument; `made_by` is the step that writes it.
    """
    if names.count(name) > 1:
        raise InvalidParameterError(
            f"batch must have one column {name!r}, got {names.count(name)}; rename the others",
            code="duplicate",
            parameter=what,
        )
    if name in names:
        return kind.column(batch, name)
    near = closest(name, names)
    other = f"{what}={near!r}" if near else f"the right name as {what}"
    if made_by and what == "batch":
        other = f"the table that {made_by} returned"
    elif what == "id_column":
        other += ", or id_column=None for results without ids"
    raise InvalidParameterError(
        f"batch must have the column {name!r}, got the columns {listed(names, limit=20)}; pass "
        f"{other}",
        code="missing-column",
        parameter=what,
    )


def _texts(values: Sequence[object], column: str, parameter: str) -> list[str | None]:
    """Return values as text; numbers keep every digit."""
    return [one if type(one) is str else _text(one, column, parameter) for one in values]


def _text(value: object, column: str, parameter: str) -> str | None:
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "__len__"):
        raise InvalidParameterError(
            f"{parameter} must name a column of text or numbers, got {type(value).__name__} in "
            f"the column {column!r}; name another column",
            code="wrong-type",
            parameter=parameter,
        )
    return None if is_missing(value) else text_of(value, name=parameter)


def _no_boxes(start: int, stop: int) -> Sequence[object]:
    return [None] * (stop - start)


def _kept(kind: Kind, column: Foreign, name: str, wanted: str) -> pa.Array:
    """Return a column that is copied, in its declared type."""
    pa = arrow()
    values: Foreign = kind.values(column, 0, len(column))
    if wanted == "string":
        values = _texts(values, name, "keep")
    try:
        return pa.array(values, type=pa.type_for_alias(wanted), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
        raise InvalidParameterError(
            f"keep must have the type of the column {name!r}, got {wanted!r}, but {error}; pass "
            "another type",
            code="wrong-type",
            parameter="keep",
        ) from error


def _dict_names(batch: Foreign) -> list[str]:
    lengths = {}
    for name, column in batch.items():
        if isinstance(column, str | bytes) or not hasattr(column, "__getitem__"):
            raise InvalidParameterError(
                f"batch must map the names of columns to arrays, got {type(column).__name__} for "
                f"{name!r}; pass whole batches, in Ray with map_batches instead of map",
                code="wrong-type",
                parameter="batch",
            )
        lengths[name] = len(column)
    if len(set(lengths.values())) > 1:
        raise InvalidParameterError(
            f"batch must have columns of one length, got {lengths}; pass the same rows in each",
            code="wrong-length",
            parameter="batch",
        )
    return [str(name) for name in batch]


def _listed_values(column: Foreign, start: int, stop: int) -> Sequence[object]:
    part = column[start:stop]
    # The elements of an array of one dimension become Python objects, faster than one by one.
    return part.tolist() if isinstance(part, np.ndarray) and part.ndim == 1 else list(part)


def _narwhals() -> Foreign:
    return import_extra("narwhals", extra="frame", purpose="scoring this kind of DataFrame")


def _other_frame(batch: Foreign) -> Foreign:
    try:
        return _narwhals().from_native(batch, eager_only=True)
    except TypeError as error:
        raise _wrong_kind(batch) from error


def _as_other(batch: Foreign, table: pa.Table, _width: int) -> object:
    backend = _other_frame(batch).implementation
    return _narwhals().from_arrow(table, backend=backend).to_native()


def _as_arrow(batch: Foreign, table: pa.Table, _width: int) -> object:
    if isinstance(batch, arrow().Table):
        return table
    whole = table.combine_chunks()
    return arrow().RecordBatch.from_arrays(
        [_one_chunk(column) for column in whole.columns], schema=whole.schema
    )


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else arrow().array([], type=column.type)


_DICT = Kind(
    names=_dict_names,
    column=lambda batch, name: batch[name],
    values=_listed_values,
    returned=lambda _batch, table, width: _as_arrays(table, width),
    part=lambda batch, start, stop: {name: one[start:stop] for name, one in batch.items()},
    length=lambda batch: len(next(iter(batch.values()), ())),
)
_PANDAS = Kind(
    names=lambda batch: [str(name) for name in batch.columns],
    column=lambda batch, name: batch[name],
    values=lambda column, start, stop: column.iloc[start:stop].tolist(),
    returned=lambda batch, table, _width: as_pandas(table, batch.index),
    part=lambda batch, start, stop: batch.iloc[start:stop],
)
_ARROW = Kind(
    names=lambda batch: list(batch.schema.names),
    column=lambda batch, name: batch.column(name),
    values=lambda column, start, stop: column.slice(start, stop - start).to_pylist(),
    returned=_as_arrow,
    part=lambda batch, start, stop: batch.slice(start, stop - start),
    length=lambda batch: batch.num_rows,
)
_OTHER = Kind(
    names=lambda batch: [str(name) for name in _other_frame(batch).columns],
    column=lambda batch, name: _other_frame(batch)[name],
    values=lambda column, start, stop: column[start:stop].to_list(),
    returned=_as_other,
    part=lambda batch, start, stop: batch[start:stop],
)
