"""`PhotoFeatures`: from batches of photos to digests, measures and thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, SupportsIndex, TypeVar, cast, final

from shelfvision._storage.remote import as_storage_options
from shelfvision._validation import as_integer, one_of
from shelfvision.protocols import StorageOptions
from shelfvision.scale._kinds import as_pandas, batch_parts
from shelfvision.scale._schema import spark_ddl
from shelfvision.scale._settings import PHOTO_KINDS, PhotoKind
from shelfvision.scale.preparing._batches import BatchColumns, column_name, require_distinct
from shelfvision.scale.preparing._measuring import FeatureSettings, measured
from shelfvision.scale.preparing._schemas import feature_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Table = TypeVar("Table")
"""A batch: a dict of arrays, a DataFrame, or a pyarrow Table or RecordBatch."""

_ROWS_AT_ONCE = 1024


@final
class PhotoFeatures:
    """Measure batches of photos in Ray Data, Dask, Spark or any other engine.

    The result is what `audit` and the search for duplicates need to know about a photo, about 4 KB
    per photo. The photos are read once; everything else works on this table: exact duplicates are
    equal digests, `NearBuckets` and `NearPairs` find near-duplicates, `audit_features` audits.

    ================ ========== ====================================================================
    column           type       content
    ================ ========== ====================================================================
    ``digest``       string     SHA-256 of the file, in hexadecimal
    ``pixel_digest`` string     SHA-256 of the pixels at 256 pixels on the longer side; equal for
                                files that differ in metadata only
    ``height``,      int32      size of the upright photo in pixels; 0 for a photo that cannot be
    ``width``                   read
    ``blur``         float64    0 (sharp) to 1 (no detail)
    ``mean``         float64    mean grey level, 0 to 255
    ``dark``,        float64    grey level below, or above, which 5 % of the pixels are
    ``bright``
    ``spread``       float64    standard deviation of the colour that varies most, in grey levels
    ``thumbnail``    binary     32 x 32 x 3 bytes of RGB
    ``error``        string     the error of a photo that cannot be read, otherwise null
    ``error_code``   string     its code
    ================ ========== ====================================================================

    A photo that cannot be read is a row with its ``error`` and ``error_code``; its other values are
    null, except ``digest`` if the file could be read. Rows are those of the batch, in order.

    Parameters
    ----------
    photo_column : str, default="bytes"
        The column of photos.
    photo_kind : {"bytes", "path", "url"}, default="bytes"
        What the column contains, as for `Scorer`.
    id_column : str or None, default="path"
        The column with the id of each photo, which the result contains as text.
    label_column : str, optional
        A column of class names, which the result contains as text; `audit_features` needs it.
    threads : int, default=1
        The number of threads of one call. Engines run one task per core, so more than 1 helps only
        if fewer tasks run.
    storage_options : mapping, optional
        Options of the fsspec file system for URLs, as for `Scorer`.

    Raises
    ------
    InvalidParameterError
        An argument is invalid, or two columns of the result have one name.

    Examples
    --------
    >>> import pandas as pd
    >>> import shelfvision as shv
    >>> measure = shv.scale.PhotoFeatures()
    >>> found = measure(pd.DataFrame({"path": ["a.jpg"], "bytes": [b"not a photo"]}))
    >>> found.error_code[0]
    'not-an-image'
    """

    __slots__ = ("_settings",)

    _settings: FeatureSettings

    def __init__(
        self,
        *,
        photo_column: str = "bytes",
        photo_kind: PhotoKind = "bytes",
        id_column: str | None = "path",
        label_column: str | None = None,
        threads: SupportsIndex = 1,
        storage_options: StorageOptions | None = None,
    ) -> None:
        one_of("photo_kind", photo_kind, PHOTO_KINDS)
        self._settings = FeatureSettings(
            photo_column=column_name("photo_column", photo_column),
            photo_kind=photo_kind,
            id_column=id_column and column_name("id_column", id_column),
            label_column=label_column and column_name("label_column", label_column),
            threads=as_integer("threads", threads, minimum=1, maximum=1024),
            storage_options=as_storage_options(storage_options),
        )
        require_distinct(self.schema.names, "label_column")

    @property
    def schema(self) -> pa.Schema:
        """The columns and types of every result."""
        return feature_schema(self._settings.id_column, self._settings.label_column)

    @property
    def ddl(self) -> str:
        """The schema as Spark DDL, for ``mapInArrow`` and ``mapInPandas``."""
        return spark_ddl(self.schema)

    @property
    def meta(self) -> pd.DataFrame:
        """The schema as an empty pandas frame, for the argument ``meta`` of Dask."""
        return as_pandas(self.schema.empty_table())

    def __call__(self, batch: Table) -> Table:
        """Measure one batch.

        Parameters
        ----------
        batch : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            The photos, one per row.

        Returns
        -------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            One row per row of `batch`, of the same kind, with the columns of `schema`.

        Raises
        ------
        InvalidParameterError
            The batch is of another kind, or lacks a column.
        """
        columns = BatchColumns(batch, self._settings.parameters())
        return cast("Table", columns.like(measured(columns, self._settings), same_rows=True))

    def over(self, batches: Iterable[Table]) -> Iterator[Table]:
        """Measure a stream of batches, for ``mapInArrow`` and ``mapInPandas`` of Spark.

        Parameters
        ----------
        batches : iterable of batches
            The batches, each of a kind that `__call__` accepts.

        Yields
        ------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            The results in order, in parts of at most 1,024 rows.
        """
        for batch in batches:
            yield from map(self, batch_parts(batch, _ROWS_AT_ONCE))

    def __reduce__(self) -> tuple[Callable[[], PhotoFeatures], tuple[()]]:
        """Pickle the arguments."""
        return partial(PhotoFeatures, **self._settings.arguments()), ()

    def __repr__(self) -> str:
        """Return one line with the column of photos."""
        return f"<PhotoFeatures: {self._settings.photo_kind} in {self._settings.photo_column!r}>"
