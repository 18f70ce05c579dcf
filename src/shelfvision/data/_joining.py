"""Join tables into one: `Dataset.concat`.

Equal content is found in two steps. Files of different sizes differ, so only photos whose size
occurs in two tables are read, and their digests are compared. The digests are those that `groups`
would compute later, so nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import lookalike
from shelfvision._photos.joined import joined_source
from shelfvision._photos.sources import content_sizes_of, crop_rule_of, digests_of, resize_of
from shelfvision._product_codes import joined_codes
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import counted, received
from shelfvision._warnings import warn_caller
from shelfvision.data._columns import object_array
from shelfvision.data._lineage import NEAR, GroupLink, joined_lineage
from shelfvision.data._regrouping import warn_of_links
from shelfvision.data.duplicates.grouping import join_groups
from shelfvision.data.table import PhotoTable, groups_of
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One of the tables."""

    name: str
    """The table's name in messages: ``"datasets[0]"``."""
    prefix: str
    """The text before each id."""
    table: PhotoTable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Twins:
    """Rows of different parts with the same content."""

    pairs: npt.NDArray[np.int64]
    """Pairs of rows, shape (n, 2)."""
    rows: frozenset[int]
    """The rows of the pairs."""


def joined_table(datasets: object) -> PhotoTable:
    """Return the rows of all datasets in one table."""
    parts = list(_parts(datasets))
    _require_parts(parts)
    _require_one_crop_rule(parts)
    names = _class_names(parts)
    ids = object_array([part.prefix + name for part in parts for name in part.table.ids])
    part_of = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    _require_distinct(ids, part_of, parts)
    number = {name: index for index, name in enumerate(names)}
    labels = [
        np.array([number[name] for name in part.table.class_names], np.int64)[part.table.labels]
        for part in parts
    ]
    table = PhotoTable(
        source=joined_source([part.table.source for part in parts]),
        rows=_rows(parts),
        ids=ids,
        labels=np.concatenate(labels),
        copies=np.zeros(len(ids), dtype=np.int32),
        lineage=joined_lineage([part.table.lineage for part in parts], _links(parts)),
        class_names=names,
        skipped=SkippedFiles(_skipped(parts)),
        product_codes=joined_codes(
            (part.table.product_codes for part in parts), parameter="datasets"
        ),
    )
    twins = _twins_of(table, part_of)
    _require_one_label(table, twins, part_of, parts)
    return _with_joined_groups(table, twins)


def _parts(datasets: object) -> Iterator[_Part]:
    if not isinstance(datasets, Mapping | Sequence):
        raise InvalidParameterError(
            f"datasets must be a list of datasets, or a mapping of name to dataset, got "
            f"{received(datasets)}; write [one, other]",
            code="wrong-type",
            parameter="datasets",
        )
    entries = datasets.items() if isinstance(datasets, Mapping) else enumerate(datasets)
    for key, dataset in entries:
        table = getattr(dataset, "table", None)
        if not isinstance(table, PhotoTable):
            raise InvalidParameterError(
                f"datasets[{key!r}] must be a Dataset, got {received(dataset)}; make one with "
                "Dataset.from_directory(...)",
                code="wrong-type",
                parameter="datasets",
            )
        prefix = f"{key}/" if isinstance(datasets, Mapping) else ""
        yield _Part(name=f"datasets[{key!r}]", prefix=prefix, table=table)


def _require_parts(parts: Sequence[_Part]) -> None:
    if not parts:
        raise InvalidParameterError(
            "datasets must have a dataset, got none; pass [dataset]",
            code="empty",
            parameter="datasets",
        )
    first = parts[0]
    for part in parts:
        if part.table.copies.any():
            raise InvalidParameterError(
                f"{part.name} must not have augmented copies, got "
                f"{counted(int((part.table.copies > 0).sum()), 'copy')}; join the datasets, then "
                "balance the result",
                code="conflict",
                parameter="datasets",
            )
        if _preprocessing(part) != _preprocessing(first):
            size, resize = _preprocessing(first)
            raise DataError(
                f"datasets must have one preprocessing, got {_described(first)} in {first.name} "
                f"and {_described(part)} in {part.name}; pass "
                f"{part.name}.resized({size}, resize={resize!r})",
                code="inconsistent",
                parameter="datasets",
            )


def _preprocessing(part: _Part) -> tuple[tuple[int, int], str]:
    return part.table.source.image_size, resize_of(part.table.source)


def _described(part: _Part) -> str:
    (height, width), resize = _preprocessing(part)
    return f"{height} x {width} pixels ({resize!r})"


def _require_one_crop_rule(parts: Sequence[_Part]) -> None:
    rules = {part.name: crop_rule_of(part.table.source) for part in parts}
    crops = {name: (one.context, one.shape) for name, one in rules.items() if one is not None}
    if len(set(crops.values())) > 1:
        raise DataError(
            f"datasets must have one crop rule, got context and shape {crops}; pass the same "
            "context and shape to Dataset.from_boxes",
            code="inconsistent",
            parameter="datasets",
        )


def _class_names(parts: Sequence[_Part]) -> tuple[str, ...]:
    """Return the classes of the first table, then the further classes; warn of similar names."""
    names: dict[str, _Part] = {}
    for part in parts:
        for name in part.table.class_names:
            other = None if name in names else lookalike(name, names)
            names.setdefault(name, part)
            if other is not None:
                warn_caller(
                    ShelfVisionWarning(
                        f"the classes {other!r} of {names[other].name} and {name!r} of {part.name} "
                        "differ only in case or separators and stay two classes; if they are one, "
                        f"pass {part.name}.relabel({ {name: other}!r})",
                        code="twin-names",
                        parameter="datasets",
                    )
                )
    return tuple(names)


def _require_distinct(
    ids: npt.NDArray[np.object_], part_of: npt.NDArray[np.int64], parts: Sequence[_Part]
) -> None:
    seen: dict[str, int] = {}
    twice: dict[str, str] = {}
    for row, name in enumerate(ids.tolist()):
        first = seen.setdefault(name, row)
        if first != row:
            places = sorted({parts[part_of[first]].name, parts[part_of[row]].name})
            twice.setdefault(name, f"{name!r} in {' and '.join(places)}")
    if twice:
        shown = ", ".join(list(twice.values())[:_SHOWN])
        more = f" and {len(twice) - _SHOWN} more" if len(twice) > _SHOWN else ""
        raise DataError(
            f"datasets must not have equal ids, got {shown}{more}; if these are different photos, "
            "pass a mapping, whose keys are written before the ids: "
            "Dataset.concat({'old': one, 'new': other})",
            code="duplicate",
            parameter="datasets",
        )


def _rows(parts: Sequence[_Part]) -> npt.NDArray[np.int64]:
    starts = np.cumsum([0, *(len(part.table.source) for part in parts)])
    rows = [start + part.table.rows for start, part in zip(starts[:-1], parts, strict=True)]
    return np.concatenate(rows)


def _links(parts: Sequence[_Part]) -> tuple[GroupLink, ...]:
    return tuple(
        replace(link, ids=(part.prefix + link.ids[0], part.prefix + link.ids[1]))
        for part in parts
        for link in part.table.lineage.links
    )


def _skipped(parts: Sequence[_Part]) -> Iterator[SkippedFile]:
    for part in parts:
        for file in part.table.skipped:
            yield replace(file, path=part.prefix + file.path)


def _twins_of(table: PhotoTable, part_of: npt.NDArray[np.int64]) -> _Twins:
    """Return the rows of different parts that have the same content."""
    rows = _with_shared_size(table, part_of)
    digests = digests_of(table.source, table.rows[rows])
    by_digest: dict[str, list[int]] = {}
    for row, digest in zip(rows.tolist(), digests, strict=True):
        by_digest.setdefault(digest, []).append(row)
    shared = [same for same in by_digest.values() if len(set(part_of[same].tolist())) > 1]
    pairs = [(same[0], row) for same in shared for row in same[1:]]
    return _Twins(
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        rows=frozenset(row for same in shared for row in same),
    )


def _with_shared_size(table: PhotoTable, part_of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows whose content has a size that occurs in two parts."""
    if not len(table) or part_of[-1] == part_of[0]:
        return np.empty(0, dtype=np.int64)
    sizes = content_sizes_of(table.source, table.rows)
    if sizes is None:
        return np.arange(len(table))
    distinct, kind = np.unique(sizes, return_inverse=True)
    lowest = np.full(len(distinct), len(part_of))
    highest = np.full(len(distinct), -1)
    np.minimum.at(lowest, kind, part_of)
    np.maximum.at(highest, kind, part_of)
    return np.flatnonzero((lowest < highest)[kind] & (sizes != 0))


def _require_one_label(
    table: PhotoTable,
    twins: _Twins,
    part_of: npt.NDArray[np.int64],
    parts: Sequence[_Part],
) -> None:
    def said(row: int) -> str:
        name = table.class_names[table.labels[row]]
        return f"{table.ids[row]!r} is {name!r} in {parts[part_of[row]].name}"

    differ = [
        f"{said(one)} and {said(other)}"
        for one, other in twins.pairs.tolist()
        if table.labels[one] != table.labels[other]
    ]
    if differ:
        more = f"; and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else ""
        raise DataError(
            "photos with the same content must have one label, got "
            f"{counted(len(differ), 'pair')} with two: {'; '.join(differ[:_SHOWN])}{more}; correct "
            "them with Dataset.with_labels first, or leave out one photo of each pair",
            code="conflict",
            parameter="datasets",
        )


def _groups_to_join(table: PhotoTable, twins: _Twins) -> npt.NDArray[np.object_]:
    """Return the groups that equal content may join; None for rows that join no other row."""
    if crop_rule_of(table.source) is not None:
        # Crops share the group of their photo, so all crops of the photo join.
        return np.array(groups_of(table))
    groups = table.lineage.known(table.rows)
    rows = np.array(sorted(twins.rows), dtype=np.int64)
    groups[rows] = table.lineage.of(table.rows[rows])
    return groups


def _with_joined_groups(table: PhotoTable, twins: _Twins) -> PhotoTable:
    """Return the table with one group for photos of the same content."""
    groups = _groups_to_join(table, twins)
    if all(groups[one] == groups[other] for one, other in twins.pairs.tolist()):
        return table
    # Other rows have their own content as their group, which joins with no other group.
    named = np.flatnonzero(groups != None)  # noqa: E711  (elementwise)
    position = np.full(len(table), -1)
    position[named] = np.arange(len(named))
    joined, links = join_groups(
        groups[named],
        table.ids[named],
        position[twins.pairs],
        np.ones(len(twins.pairs)),
        namespace=NEAR,
    )
    lineage = table.lineage.regrouped(table.rows[named], joined, (*table.lineage.links, *links))
    regrouped = replace(table, lineage=lineage)
    if links:
        warn_of_links(regrouped)
    return regrouped
