"""From pairs of near-duplicates to groups (union-find)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from shelfvision.data.duplicates.grouping import joined_contents
from shelfvision.scale._arrow import arrow
from shelfvision.scale.preparing._batches import BatchColumns
from shelfvision.scale.preparing._schemas import group_schema

if TYPE_CHECKING:
    import pyarrow as pa

Table = TypeVar("Table")


def near_groups(pairs: Table) -> Table:
    """Join pairs of near-duplicates to groups.

    Photos that are connected by a chain of pairs are one group. The result has a row for each
    content that is in a pair, so it is small; join it to your photos by ``digest``. All other
    photos keep the group of their content, ``"content:" + digest[:32]``, which is also the group of
    their exact duplicates.

    The groups are those of `Dataset.group_near_duplicates` for the same pairs. `Dataset.from_frame`
    and `Dataset.from_manifest` accept them as ``group_column``.

    Parameters
    ----------
    pairs : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The pairs of `NearPairs` of all buckets, in any order. It must fit in memory: about 0.5 KB
        per pair.

    Returns
    -------
    dict of ndarray, DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The columns ``digest`` and ``group``, of the same kind as `pairs`, sorted by digest.

    Raises
    ------
    InvalidParameterError
        `pairs` is of another kind, or lacks the columns ``digest`` and ``other_digest``.
    MissingDependencyError
        pyarrow is not installed; the message contains the pip command.

    Examples
    --------
    >>> import shelfvision as shv
    >>> import pandas as pd
    >>> pairs = pd.DataFrame({"digest": ["aa", "bb"], "other_digest": ["bb", "cc"]})
    >>> shv.scale.near_groups(pairs)["group"].tolist()
    ['near:aa', 'near:aa', 'near:aa']
    """
    columns = BatchColumns(pairs, {}, "NearPairs")
    ends = columns.required("digest"), columns.required("other_digest")
    found = sorted(joined_contents(zip(*ends, strict=True)).items())
    table = _as_table(found)
    return cast("Table", columns.like(table))


def _as_table(found: list[tuple[str, str]]) -> pa.Table:
    names = {"digest": [digest for digest, _ in found], "group": [group for _, group in found]}
    return arrow().table(names, schema=group_schema())
