"""`Scorer`: from batches of photos to batches of predictions, in any engine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypeVar, cast, final

from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.remote import as_storage_options
from shelfvision._storage.sealed import checked_digest
from shelfvision._text import printable
from shelfvision._validation import as_integer, counted, one_of
from shelfvision.errors import BundleError
from shelfvision.protocols import Location, StorageOptions
from shelfvision.regions.predicting import BoxDetector
from shelfvision.scale._files import shown_place
from shelfvision.scale._kinds import as_pandas, batch_parts, given_batch
from shelfvision.scale._opening import file_facts, serving_model
from shelfvision.scale._schema import result_schema, spark_ddl
from shelfvision.scale._scoring import scored
from shelfvision.scale._settings import (
    ANSWERS,
    PHOTO_KINDS,
    KeptType,
    PhotoKind,
    ScorerSettings,
    as_answers,
    as_column,
    as_detector,
    as_kept,
    require_distinct,
    require_regions_fit,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Table = TypeVar("Table")
"""A batch: a dict of arrays, a DataFrame, or a pyarrow Table or RecordBatch."""

_ROWS_AT_ONCE = 1024
"""The number of rows in a batch that `Scorer.over` yields."""


@final
class Scorer:
    """Predict batches of photos in Ray Data, Dask, Spark or any other engine.

    A scorer is a callable from a batch to a batch of the same kind. Its pickle contains the path
    and the digest of the classifier's file, a few hundred bytes. A worker opens the file when it
    scores the first batch, and verifies the digest. All scorers, threads and tasks of a process
    share the open model; a forked process opens its own.

    ==================================== ===========================================================
    engine                               call
    ==================================== ===========================================================
    Ray Data                             ``dataset.map_batches(scorer, batch_format="pyarrow")``
    Dask                                 ``frame.map_partitions(scorer, meta=scorer.meta)``
    Spark                                ``frame.mapInArrow(scorer.over, scorer.ddl)``
    pandas, polars, pyarrow, no engine   ``scorer(batch)``
    ==================================== ===========================================================

    A photo that cannot be read is a row with its ``error`` and ``error_code``; it never stops a
    job. The number and the order of rows are those of the batch, and every result has the schema
    `schema`, even if the batch is empty.

    Parameters
    ----------
    bundle : path-like or URL
        A bundle that ``Classifier.save`` wrote, which needs Keras in the workers, or an ONNX,
        LiteRT or OpenVINO file that ``Classifier.export`` wrote, which does not. Every worker must
        be able to read it at this path; a URL such as ``"s3://shop/groceries.onnx"`` suits many
        machines.
    sha256 : str, optional
        The SHA-256 that the file must have. By default its SHA-256 when the scorer is created, so
        that a worker never uses another file.
    photo_column : str, default="bytes"
        The column of photos. Ray's ``read_binary_files`` names it ``"bytes"``, Spark's
        ``binaryFile`` names it ``"content"``.
    photo_kind : {"bytes", "path", "url"}, default="bytes"
        What the column contains: encoded files, paths of files that the worker reads, or URLs of
        fsspec that the worker fetches, such as ``"s3://shop/1.jpg"``. URLs are fetched 16 at a
        time, ahead of scoring.
    id_column : str or None, default="path"
        The column with the id of each photo, which the result contains as text. None gives results
        without ids.
    keep : mapping of str to str, optional
        The names and Arrow types of columns that are copied to the result, such as
        ``{"store": "string", "week": "int32"}``. The types are ``"string"``, ``"bool"``,
        ``"int32"``, ``"int64"``, ``"float32"``, ``"float64"`` and ``"date32"``.
    boxes_column : str, optional
        The column with the boxes of each photo of a shelf: a list of (left, top, right, bottom) or
        of structs with these fields, in pixels of the upright photo. The result then has a column
        ``regions``, one struct for each box, in place of the predictions for the whole photo.
    detector : Detector, optional
        A detector that finds the boxes, instead of `boxes_column`. Each worker opens its file; it
        computes with `threads`, unless it has its own number.
    columns : sequence of {"label", "confidence", "decision"}, optional
        The predictions for each photo or box, by default all three.
    probabilities : bool, default=False
        Whether the result contains the probability of each class: in columns named
        ``p(class name)``, or in regions as a list in the order of `class_names`.
    embed : bool, default=False
        Whether the result contains a column ``embedding`` with a list of float32 for each photo.
        It needs a bundle, and photos of one product.
    threads : int, default=1
        The number of threads that one call decodes and computes with. Engines run one task per
        core, so more than 1 helps only if fewer tasks run.
    storage_options : mapping, optional
        Options of the fsspec file system for URLs: of `bundle` and of photos. URLs of servers,
        such as HTTP or SFTP, need them, at least ``{}``. A pickled scorer contains them, so prefer
        credentials of the environment.

    Raises
    ------
    BundleNotFoundError
        The file does not exist.
    BundleError
        The file is neither a bundle nor an export, is corrupted, or has another SHA-256.
    InvalidParameterError
        An argument is invalid, or two columns of the result have one name.
    MissingDependencyError
        pyarrow is not installed; the message contains the pip command.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import pandas as pd
    >>> import shelfvision as shv
    >>> path = pathlib.Path(tempfile.mkdtemp(), "groceries.shelf")
    >>> model = shv.build_model(2)
    >>> digest = shv.Classifier.from_model(model, class_names=["juice", "milk"]).save(path)
    >>> scorer = shv.scale.Scorer(path, sha256=digest)
    >>> found = scorer(pd.DataFrame({"path": ["a.jpg"], "bytes": [b"not a photo"]}))
    >>> found.columns.tolist()
    ['path', 'label', 'confidence', 'decision', 'error', 'error_code']
    >>> found.error_code[0]
    'not-an-image'
    """

    __slots__ = ("_class_names", "_settings")

    _settings: ScorerSettings
    _class_names: tuple[str, ...] | None

    def __init__(
        self,
        bundle: Location,
        *,
        sha256: str | None = None,
        photo_column: str = "bytes",
        photo_kind: PhotoKind = "bytes",
        id_column: str | None = "path",
        keep: Mapping[str, KeptType] | None = None,
        boxes_column: str | None = None,
        detector: BoxDetector | None = None,
        columns: Sequence[str] = ANSWERS,
        probabilities: bool = False,
        embed: bool = False,
        threads: SupportsIndex = 1,
        storage_options: StorageOptions | None = None,
    ) -> None:
        one_of("photo_kind", photo_kind, PHOTO_KINDS)
        expected = None if sha256 is None else checked_digest(sha256, "sha256")
        place = as_location(bundle, "bundle", storage_options=storage_options)
        place = place if isinstance(place, RemoteFile) else os.path.abspath(place)
        count = as_integer("threads", threads, minimum=1, maximum=1024)
        facts = file_facts(place, embed=bool(embed))
        _require_sha256(shown_place(place), facts.sha256, expected)
        self._settings = ScorerSettings(
            bundle=place,
            sha256=facts.sha256,
            exported=facts.exported,
            photo_column=as_column("photo_column", photo_column),
            photo_kind=photo_kind,
            id_column=None if id_column is None else as_column("id_column", id_column),
            keep=as_kept(keep),
            boxes_column=None if boxes_column is None else as_column("boxes_column", boxes_column),
            detector=as_detector(detector, count),
            columns=as_answers(columns),
            probabilities=bool(probabilities),
            embedding_width=facts.embedding_width,
            threads=count,
            storage_options=as_storage_options(storage_options),
        )
        self._class_names = facts.class_names
        require_regions_fit(self._settings, embed=bool(embed))
        require_distinct(self.schema.names, self._settings)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of the columns of probabilities."""
        if self._class_names is None:
            self._class_names = serving_model(self._settings).class_names
        return self._class_names

    @property
    def sha256(self) -> str:
        """The SHA-256 that the file has in every worker."""
        return self._settings.sha256

    @property
    def schema(self) -> pa.Schema:
        """The columns and types of every result."""
        return result_schema(self._settings, self.class_names if self._named else ())

    @property
    def ddl(self) -> str:
        """The schema as Spark DDL, for ``mapInArrow`` and ``mapInPandas``."""
        return spark_ddl(self.schema)

    @property
    def meta(self) -> pd.DataFrame:
        """The schema as an empty pandas frame, for the argument ``meta`` of Dask."""
        return as_pandas(self.schema.empty_table())

    @property
    def _named(self) -> bool:
        """Whether the schema contains class names."""
        return self._settings.probabilities

    def __call__(self, batch: Table) -> Table:
        """Score one batch.

        Parameters
        ----------
        batch : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            The photos, one per row.

        Returns
        -------
        dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
            One row per row of `batch`, in order and of the same kind, with the columns of `schema`.
            A pandas frame has the index of `batch`. In a dict, a missing text is ``""`` and a
            missing number NaN; use Arrow batches if you need nulls.

        Raises
        ------
        InvalidParameterError
            The batch is of another kind, or has no photo column or id column.
        BundleError
            The file of the classifier has changed, or cannot be read by this worker.
        """
        given = given_batch(batch, self._settings)
        if given.rows.length:
            table = scored(given.rows, self._settings, serving_model(self._settings))
        else:
            table = self.schema.empty_table()
        return cast("Table", given.returned(table))

    def over(self, batches: Iterable[Table]) -> Iterator[Table]:
        """Score a stream of batches, for ``mapInArrow`` and ``mapInPandas`` of Spark.

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

    def __getstate__(self) -> ScorerSettings:
        """Pickle the settings; the file is opened when the first batch is scored."""
        return self._settings

    def __setstate__(self, settings: ScorerSettings) -> None:
        """Take the settings in another process, without reading the file."""
        self._settings, self._class_names = settings, None

    def __repr__(self) -> str:
        """Return one line with the file and where the photos are."""
        settings = self._settings
        name = printable(os.path.basename(shown_place(settings.bundle)))
        threads = counted(settings.threads, "thread")
        where = f"{settings.photo_kind} in the column {settings.photo_column!r}"
        return f"<Scorer: {name}, {where}, {threads}>"


def _require_sha256(path: str, found: str, expected: str | None) -> None:
    if expected is not None and found != expected:
        raise BundleError(
            f"{path!r} must have the SHA-256 {expected} of sha256, got {found}; it is another file "
            "than the one you trust",
            code="wrong-digest",
            parameter="sha256",
        )
