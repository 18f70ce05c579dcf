"""Read the results of a job as `Predictions`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.errors import DataError
from shelfvision.predictions import Predictions
from shelfvision.scale._arrow import arrow, typed_columns
from shelfvision.scale.jobs._folder import JobFolder, opened_own
from shelfvision.scale.jobs._job import existing_job, finished_parts
from shelfvision.scale.jobs._plan import JobPlan

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("id", "error", "decision")


def read_scores(out: str | os.PathLike[str]) -> Predictions:
    """Return the results of a complete job as `Predictions`, in the order of its source.

    `take_inventory` and the methods of `Predictions` then work on them. All files are verified.

    Parameters
    ----------
    out : path-like
        The folder that `score` wrote to, with ``probabilities=True``.

    Returns
    -------
    Predictions
        One row per photo. The ids are those of the output. They take 4 bytes per photo and class in
        memory, plus the text of the ids.

    Raises
    ------
    DatasetNotFoundError
        The folder has no job.
    DataError
        The job is not complete (``"incomplete"``), or its output has no probabilities
        (``"no-probabilities"``).
    MissingDependencyError
        pyarrow is not installed; the message contains the pip command.

    Examples
    --------
    >>> import shelfvision as shv
    >>> found = shv.scale.read_scores("scores")  # doctest: +SKIP
    >>> found[found.decisions == "review"].save_review("review.html", photos)  # doctest: +SKIP
    """
    folder, plan = existing_job(out)
    if plan.settings.get("probabilities") is not True:
        raise DataError(
            f"out must be scored with probabilities=True, got {str(folder.path)!r} without the "
            "probabilities of the classes; score into another folder with probabilities=True, or "
            "read its Parquet files with pyarrow",
            code="no-probabilities",
            parameter="out",
        )
    missing = plan.n_shards - len(finished_parts(folder, plan))
    if missing:
        raise DataError(
            f"out must be complete, got {str(folder.path)!r} with {counted(missing, 'file')} of "
            f"{plan.n_shards} missing; call score again with the same arguments",
            code="incomplete",
            parameter="out",
        )
    return _predictions(folder, plan)


def _predictions(folder: JobFolder, plan: JobPlan) -> Predictions:
    shares = np.empty((plan.n_photos, len(plan.class_names)), dtype=np.float32)
    ids: list[str] = []
    errors: list[str | None] = []
    decisions: list[str | None] = []
    for shard in range(plan.n_shards):
        table = _part(folder, shard, plan)
        _fill(shares[len(ids) : len(ids) + len(table)], table, plan)
        ids += table["id"].to_pylist()
        errors += table["error"].to_pylist()
        decisions += table["decision"].to_pylist()
    return Predictions(
        shares,
        plan.class_names,
        ids,
        errors,
        decisions=decisions,  # type: ignore[arg-type]  # Predictions checks them
    )


def _part(folder: JobFolder, shard: int, plan: JobPlan) -> pa.Table:
    names = [*map(_column, plan.class_names)]
    pa = arrow()
    schema = pa.schema(
        [(name, pa.string()) for name in _TEXTS] + [(name, pa.float32()) for name in names]
    )
    try:
        with opened_own(folder.part(shard)) as file:
            table = typed_columns(file, schema)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _damaged(folder, shard, " ".join(str(error).split())) from error
    if len(table) != plan.photos_of(shard):
        raise _damaged(folder, shard, counted(len(table), "row"))
    return table


def _damaged(folder: JobFolder, shard: int, found: str) -> DataError:
    return DataError(
        f"{str(folder.part(shard))!r} must have the columns and rows that score writes, got "
        f"{found}; remove it, and call score again with the same arguments",
        code="damaged",
        parameter="out",
    )


def _fill(shares: npt.NDArray[np.float32], table: pa.Table, plan: JobPlan) -> None:
    for position, name in enumerate(plan.class_names):
        shares[:, position] = table[_column(name)].to_numpy()


def _column(class_name: str) -> str:
    return f"p({class_name})"
