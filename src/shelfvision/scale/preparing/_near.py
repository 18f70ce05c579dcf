"""`NearBuckets` and `NearPairs`: find near-duplicates in buckets that workers search alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, SupportsFloat, TypeVar, cast, final

from shelfvision._validation import as_number
from shelfvision.data.duplicates.near import N_COARSE
from shelfvision.scale._kinds import as_pandas, batch_parts
from shelfvision.scale._schema import spark_ddl
from shelfvision.scale.preparing._batches import BatchColumns, column_name
from shelfvision.scale.preparing._bucketing import BucketSettings, bucketed, paired
from shelfvision.scale.preparing._schemas import bucket_schema, pair_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Table = TypeVar("Table")
"""A batch: a dict of arrays, a DataFrame, or a pyarrow Table or RecordBatch."""

_ROWS_AT_ONCE = 4096


@final
class NearBuckets:
    """Put photos into buckets, so that near-duplicates share one.

    A bucket is a cell of a grid over four numbers that describe the layout of a photo: its mean
    grey level and three low frequencies, in grey levels. They do not change if a photo is
    mirrored or turned. Cells overlap by `reach`: two photos whose numbers differ by at most `reach`
    are always in a common bucket. Group the result by ``bucket`` and pass each group to
    `NearPairs`.

    Copies that were re-encoded, resized, mirrored or turned differ by less than 0.3, copies cropped
    by 2 % by up to 4. The larger `reach`, the more pairs are found, and the more entries and larger
    buckets there are. Photos that cannot be read and photos of one colour are in no bucket.

    Parameters
    ----------
    id_column : str, default="path"
        The column of ids, which the result contains as ``id``.
    reach : float, default=4.0
        The largest difference of two photos that certainly share a bucket, in grey levels, 0.1 to
        64.
    cell : float, optional
        The side of a cell, in grey levels, at least `reach`. By default twice `reach`. Smaller
        cells make smaller buckets, and more entries per photo: at most 16.

    Raises
    ------
    InvalidParameterError
        An argument is invalid.

    Examples
    --------
    >>> import shelfvision as shv
    >>> buckets = shv.scale.NearBuckets(reach=1.0, cell=4.0)
    >>> buckets.schema.names
    ['bucket', 'home', 'id', 'digest', 'coarse', 'fine']
    """

    __slots__ = ("_settings",)

    _settings: BucketSettings

    def __init__(
        self,
        *,
        id_column: str = "path",
        reach: SupportsFloat = 4.0,
        cell: SupportsFloat | None = None,
    ) -> None:
        near = as_number("reach", reach, minimum=0.1, maximum=64.0)
        side = 2 * near if cell is None else as_number("cell", cell, minimum=near, maximum=1024.0)
        name = column_name("id_column", id_column)
        self._settings = BucketSettings(id_column=name, reach=near, cell=side)

    @property
    def schema(self) -> pa.Schema:
        """The columns and types of every result."""
        return bucket_schema()

    @property
    def ddl(self) -> str:
        """The schema as Spark DDL, for ``mapInArrow`` and ``mapInPandas``."""
        return spark_ddl(self.schema)

    @property
    def meta(self) -> pd.DataFrame:
        """The schema as an empty pandas frame, for the argument ``meta`` of Dask."""
        return as_pandas(self.schema.empty_table())

    def __call__(self, features: Table) -> Table:
        """Return the buckets of the photos of one batch.

        Parameters
        ----------
        features : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            Rows of `PhotoFeatures`.

        Returns
        -------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            A row for each bucket of each photo, of the same kind, with the columns of `schema`.

        Raises
        ------
        InvalidParameterError
            The batch is of another kind, or lacks a column.
        """
        columns = BatchColumns(features, {self._settings.id_column: "id_column"}, "PhotoFeatures")
        return cast("Table", columns.like(bucketed(columns, self._settings), width=N_COARSE))

    def over(self, batches: Iterable[Table]) -> Iterator[Table]:
        """Return the buckets of a stream of batches, for ``mapInArrow`` of Spark.

        Parameters
        ----------
        batches : iterable of batches
            The batches, each of a kind that `__call__` accepts.

        Yields
        ------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            The results in order, of at most 4,096 photos each.
        """
        for batch in batches:
            yield from map(self, batch_parts(batch, _ROWS_AT_ONCE))

    def __reduce__(self) -> tuple[Callable[[], NearBuckets], tuple[()]]:
        """Pickle the arguments."""
        return partial(NearBuckets, **asdict(self._settings)), ()

    def __repr__(self) -> str:
        """Return one line with the size of the cells."""
        return f"<NearBuckets: reach {self._settings.reach:g}, cell {self._settings.cell:g}>"


@final
class NearPairs:
    """Find the near-duplicates in buckets of photos.

    A call takes the entries of one bucket, or of several whole buckets. It compares photos as
    `Dataset.group_near_duplicates` does: the nearest photos by layout are candidates, and a pair is
    kept if its structural similarity is at least `threshold`. A pair is reported in one of its
    common buckets only, and copies of the same file are represented by the one with the smallest
    id. The result does not depend on the order of rows or on how buckets are distributed.

    Parameters
    ----------
    threshold : float, default=0.95
        The minimum similarity, 0.5 to 1.

    Raises
    ------
    InvalidParameterError
        `threshold` is out of range.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shv.scale.NearPairs().schema.names
    ['id', 'other_id', 'digest', 'other_digest', 'similarity']
    """

    __slots__ = ("_threshold",)

    _threshold: float

    def __init__(self, *, threshold: SupportsFloat = 0.95) -> None:
        self._threshold = as_number("threshold", threshold, minimum=0.5, maximum=1.0)

    @property
    def schema(self) -> pa.Schema:
        """The columns and types of every result."""
        return pair_schema()

    @property
    def ddl(self) -> str:
        """The schema as Spark DDL, for ``applyInArrow(lambda bucket: near(bucket), near.ddl)``."""
        return spark_ddl(self.schema)

    @property
    def meta(self) -> pd.DataFrame:
        """The schema as an empty pandas frame, for the argument ``meta`` of Dask."""
        return as_pandas(self.schema.empty_table())

    @property
    def __name__(self) -> str:
        """The name that Ray Data shows; ``map_groups`` accepts no callable without one."""
        return "NearPairs"

    def __call__(self, entries: Table) -> Table:
        """Return the pairs of near-duplicates among the entries of whole buckets.

        Parameters
        ----------
        entries : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            Rows of `NearBuckets`: all rows of each bucket that they contain.

        Returns
        -------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            A row for each pair, of the same kind, with the columns of `schema`.

        Raises
        ------
        InvalidParameterError
            The batch is of another kind, or lacks a column.
        """
        columns = BatchColumns(entries, {}, "NearBuckets")
        return cast("Table", columns.like(paired(columns, self._threshold)))

    def __reduce__(self) -> tuple[Callable[[], NearPairs], tuple[()]]:
        """Pickle the threshold."""
        return partial(NearPairs, threshold=self._threshold), ()

    def __repr__(self) -> str:
        """Return one line with the threshold."""
        return f"<NearPairs: threshold {self._threshold:g}>"
