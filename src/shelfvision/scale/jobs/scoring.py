"""`score` and `score_status`: run a job, and look at one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import SupportsIndex

from shelfvision._progress import Verbose, as_verbose
from shelfvision._urls import COPY_LATER, shown_url
from shelfvision._validation import as_integer, as_path, require_texts
from shelfvision.protocols import Location, StorageOptions
from shelfvision.scale._scorer import Scorer
from shelfvision.scale.jobs._folder import as_job_folder
from shelfvision.scale.jobs._job import (
    Model,
    existing_job,
    finished_parts,
    planned_status,
    run_job,
    started_job,
)
from shelfvision.scale.jobs._plan import MOST_PHOTOS
from shelfvision.scale.jobs._source import (
    ID,
    ListOptions,
    PhotoList,
    PhotoListSource,
    photo_list,
)
from shelfvision.scale.jobs._status import ScoreStatus, status_of
from shelfvision.scale.jobs._work import PLACE

_MOST_PROCESSES = 1024


def score(
    bundle: Location,
    source: PhotoListSource,
    out: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    root: Location | None = None,
    path_column: str = "path",
    keep: Sequence[str] = (),
    where: Mapping[str, str | Sequence[str]] | None = None,
    encoding: str | None = None,
    probabilities: bool = False,
    embed: bool = False,
    shard_size: SupportsIndex | None = None,
    processes: SupportsIndex = 1,
    threads: SupportsIndex = 1,
    storage_options: StorageOptions | None = None,
    dry_run: bool = False,
    verbose: Verbose = "auto",
) -> ScoreStatus:
    """Score many photos into a folder of Parquet files; a second call continues after a crash.

    The list of photos is divided into shards. Each shard becomes one Parquet file, which is written
    to a temporary name, verified and renamed, so that a killed call leaves complete files only. The
    next call with the same arguments scores the photos that are missing, and no others. A photo
    that cannot be read is a row with its error. Every photo is in the output exactly once.

    Several calls, in several processes, may run on one folder at a time: a shard is reserved with a
    lock, which the operating system releases when its process ends.

    Parameters
    ----------
    bundle : path-like or URL
        A bundle that ``Classifier.save`` wrote, or a file that ``Classifier.export`` wrote. An ONNX
        file starts faster and takes less memory per process.
    source : path-like, URL, or iterable of path-like
        The photos: a CSV or Parquet file with a column of paths, a folder whose photos are all
        scored, subfolders included, or an iterable of paths. The paths of a manifest or an iterable
        may all be URLs instead. A photo that is listed several times is scored once. The name of a
        manifest by URL ends in ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``; other URLs are
        folders. It is read whole into memory.
    out : path-like
        The folder for the results; a missing folder is created.
    sha256 : str, optional
        The SHA-256 that the file of the classifier must have.
    root : path-like or URL, optional
        The folder that relative paths start from, and that ids below it are relative to. By default
        the folder of the manifest, the folder of photos, or for an iterable the working directory.
        For a manifest it may be a URL, and the default for a manifest by URL is the URL of its
        folder. Then each photo has to be below it, and its id is its URL.
    path_column : str, default="path"
        The column of paths in the manifest.
    keep : sequence of str, optional
        Other columns of the manifest to copy to the output as text, such as ``"store"``.
    where : mapping of str to str or sequence of str, optional
        Score only the rows of the manifest that have these values.
    encoding : str, optional
        The encoding of a CSV file, by default UTF-8.
    probabilities : bool, default=False
        Whether the output has the probability of each class, in columns named ``p(class name)``.
        `read_scores` needs them.
    embed : bool, default=False
        Whether the output has the embedding of each photo. It needs a bundle.
    shard_size : int, optional
        The number of photos per file. By default that of the started job, or for a new job a
        quarter of the photos of each process, between 64 and 10,000. At most 1,000,000.
    processes : int, default=1
        The number of processes that score. With more than 1, scripts call this function below
        ``if __name__ == "__main__":``.
    threads : int, default=1
        The number of threads that each process decodes and computes with.
    storage_options : mapping, optional
        Options of fsspec for URLs, such as credentials. URLs of servers, such as HTTP or SFTP,
        need them, at least ``{}``. They are not stored in `out`.
    dry_run : bool, default=False
        Whether to check the arguments and the folder only. Nothing is written.
    verbose : {"auto", 0, 1, 2} or bool, default="auto"
        How progress is shown: a bar on a terminal, or with 2 one line per minute.

    Returns
    -------
    ScoreStatus
        The number of photos, of files and of errors. After a complete call nothing is missing.

    Raises
    ------
    InvalidParameterError
        An argument is invalid, or differs from that of the job in `out` (``"run-changed"``): the
        photos, the classifier or a setting.
    BundleError, BundleNotFoundError
        The classifier cannot be read.
    DataError, DatasetNotFoundError
        The source does not exist, is damaged, or lists no photos.
    StorageError
        A file cannot be written. Finished files are kept.
    ShelfVisionError
        Worker processes ended several times (``"worker-failed"``).
    MissingDependencyError
        pyarrow is not installed; the message contains the pip command.

    See Also
    --------
    read_scores : Return the results as `Predictions`.
    Scorer : Score batches in Ray Data, Dask or Spark.

    Notes
    -----
    A file has the columns ``id``, ``label``, ``confidence``, ``decision``, ``error`` and
    ``error_code``, then the kept columns. pyarrow and pandas read the folder `out`; polars and
    DuckDB read ``out/*.parquet``. Photos are identified by their paths. A photo whose file is
    replaced after its shard was finished is not scored again.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import shelfvision as shv
    >>> home = pathlib.Path(tempfile.mkdtemp())
    >>> _ = shv.samples.write_products(home / "photos", {"juice": 2, "milk": 1})
    >>> model = shv.build_model(2)
    >>> classifier = shv.Classifier.from_model(model, class_names=["juice", "milk"])
    >>> digest = classifier.save(home / "m.shelf")
    >>> status = shv.scale.score(home / "m.shelf", home / "photos", home / "scores")
    >>> status.n_done, status.is_complete
    (3, True)
    >>> sorted(path.name for path in (home / "scores").glob("*.parquet"))
    ['part-000000.parquet']
    """
    count = as_integer("processes", processes, minimum=1, maximum=_MOST_PROCESSES)
    size: int | None = None
    if shard_size is not None:
        size = as_integer("shard_size", shard_size, minimum=1, maximum=MOST_PHOTOS)
    kept = (keep,) if isinstance(keep, str) else tuple(keep)
    require_texts("keep", kept)
    settings: dict[str, object] = {
        "embed": bool(embed),
        "keep": list(kept),
        "probabilities": bool(probabilities),
    }
    options = ListOptions(
        root=root, path_column=path_column, keep=kept, where=where, encoding=encoding
    )
    shown = as_verbose("verbose", verbose)
    place = as_path(out, "out", remedy=COPY_LATER)
    as_job_folder(place)
    photos = photo_list(source, options, storage_options)
    make = partial(
        Scorer,
        bundle,
        sha256=sha256,
        threads=threads,
        storage_options=photos.storage_options if storage_options is None else storage_options,
    )
    model = _model_of(make, str(bundle), photos, settings)
    if dry_run:
        return planned_status(place, photos, model, settings, shard_size=size, processes=count)
    job = started_job(place, photos, model, settings, shard_size=size, processes=count)
    return run_job(job, processes=count, verbose=shown)


def score_status(out: str | os.PathLike[str]) -> ScoreStatus:
    """Return how far the job in a folder is; all finished files are verified.

    Parameters
    ----------
    out : path-like
        The folder that `score` writes to.

    Returns
    -------
    ScoreStatus
        The number of photos, of files and of errors, and the shards without a complete file.

    Raises
    ------
    DatasetNotFoundError
        The folder has no job.
    DataError
        The plan of the job is damaged.

    Examples
    --------
    >>> import shelfvision as shv
    >>> print(shv.scale.score_status("scores"))  # doctest: +SKIP
    /data/scores: 20,000 of 30,000 photos in 2 of 3 files; 4 could not be read (truncated 4)
    """
    folder, plan = existing_job(out)
    return status_of(str(folder.path), plan, finished_parts(folder, plan))


def _model_of(
    make: Callable[..., Scorer], name: str, photos: PhotoList, settings: Mapping[str, object]
) -> Model:
    scorer = make(
        photo_column=PLACE,
        photo_kind="url" if photos.has_urls else "path",
        id_column=ID,
        probabilities=settings["probabilities"],
        embed=settings["embed"],
    )
    return Model(
        name=shown_url(name),
        sha256=scorer.sha256,
        class_names=scorer.class_names,
        scoring=scorer,
    )
