"""Audit photos from the features that `PhotoFeatures` computed, without reading them again."""

from __future__ import annotations

from collections import Counter
from typing import SupportsFloat, SupportsIndex, TypedDict

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import closest, spellings, warn_of_twins
from shelfvision._photos.sources import ArrayPixels
from shelfvision._validation import as_image_size, listed
from shelfvision.auditing import AuditReport
from shelfvision.auditing.looks import TINY, AuditedPhotos, Looks
from shelfvision.auditing.measures import Measures
from shelfvision.auditing.reporting import NearPhotos, first_of_content, report_on
from shelfvision.auditing.settings import audit_settings
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import DataError, PhotoError, PhotoNotFoundError
from shelfvision.protocols import ClassNames, Image, PixelSource
from shelfvision.scale.preparing._batches import BatchColumns, Foreign, joined_bytes

_Integers = npt.NDArray[np.int64]


def audit_features(
    features: Foreign,
    *,
    near_pairs: Foreign | None = None,
    id_column: str = "path",
    label_column: str = "label",
    part_column: str | None = None,
    class_names: ClassNames | None = None,
    image_size: tuple[int, int] = (100, 100),
    threshold: SupportsFloat = 0.95,
    outlier: SupportsFloat = 3.5,
    few: SupportsIndex = 20,
) -> AuditReport:
    """Audit photos from their features, without reading the photos.

    The report has the findings of `shelfvision.audit` on the same photos, except those about files
    that were found and not used. Medians and spreads are those of all photos, so pass the features
    of the whole set.

    Parameters
    ----------
    features : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The rows of `PhotoFeatures`, and a column of labels. Without the column ``thumbnail``, which
        has 3 KB per photo, bursts are not searched, `AuditReport.save` shows no pictures, and
        near-duplicates are those of `near_pairs`.
    near_pairs : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch, optional
        The pairs of `NearPairs`. By default near-duplicates are searched among all thumbnails, in
        this process.
    id_column : str, default="path"
        The column of ids, which must be unique.
    label_column : str, default="label"
        The column of class names.
    part_column : str, optional
        A column with the set of a split of each photo, such as ``"train"`` and ``"test"``; photos
        that several sets share are then reported as leaks.
    class_names : sequence of str, optional
        The class names, if some have no photo. By default the labels, sorted.
    image_size : tuple of int, default=(100, 100)
        Height and width of the classifier's input; smaller photos are reported.
    threshold : float, default=0.95
        The minimum similarity of near-duplicates, 0.5 to 1.
    outlier : float, default=3.5
        As for `shelfvision.audit`.
    few : int, default=20
        Classes with fewer photos than this are reported.

    Returns
    -------
    AuditReport
        The findings, errors first; its photos are sorted by id.

    Raises
    ------
    DataError
        There are no rows, an id occurs twice, or a photo has no id or label.
    InvalidParameterError
        A column is missing, or a parameter has another type or is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> import shelfvision as shv
    >>> folder = shv.samples.write_products("photos", {"Can": 12, "Jar": 8})
    >>> paths = sorted(str(path) for path in folder.rglob("*.jpg"))
    >>> photos = pd.DataFrame({"path": paths, "label": [path.split("/")[-2] for path in paths]})
    >>> measure = shv.scale.PhotoFeatures(
    ...     photo_column="path", photo_kind="path", label_column="label"
    ... )
    >>> report = shv.scale.audit_features(measure(photos), few=10)
    >>> [finding.code for finding in report]
    ['few-photos']
    """
    settings = audit_settings(threshold=threshold, outlier=outlier, few=few)
    size = as_image_size(image_size)
    columns = _columns_of(features, id_column, label_column, part_column)
    ids = _ids_of(columns, id_column)
    parts = [""] * len(ids) if part_column is None else columns.required(part_column)
    order = np.array(sorted(range(len(ids)), key=lambda row: (_rank(parts[row]), ids[row])))
    looks = _looks_of(columns, order)
    photos = AuditedPhotos(
        ids=tuple(ids[row] for row in order.tolist()),
        **_classes_of(columns, order, label_column, class_names),
        **_parts_of(parts, order, looks),
        image_size=size,
        skipped=(),
        rows=np.arange(len(ids)),
        box_photos=np.arange(len(ids)),
    )
    near = None if near_pairs is None else _known_pairs(near_pairs, looks, settings.threshold)
    return report_on(photos, looks, settings, near)


def _columns_of(
    features: Foreign, id_column: str, label_column: str, part_column: str | None
) -> BatchColumns:
    parameters = {id_column: "id_column", label_column: "label_column"}
    if part_column is not None:
        parameters[part_column] = "part_column"
    columns = BatchColumns(features, parameters, "PhotoFeatures")
    if not len(columns):
        raise DataError(
            "features must have a photo to audit, got none; pass the rows of PhotoFeatures",
            code="empty",
            parameter="features",
        )
    return columns


def _ids_of(columns: BatchColumns, column: str) -> list[str]:
    ids = columns.required(column)
    if len(set(ids)) < len(ids):
        name = Counter(ids).most_common(1)[0][0]
        raise DataError(
            f"id_column must have each id once, got {name!r} in several rows; remove the repeated "
            "rows, such as with drop_duplicates",
            code="duplicate",
            parameter="id_column",
        )
    return ids


class _ClassColumns(TypedDict):
    labels: _Integers
    box_labels: _Integers
    class_names: tuple[str, ...]


def _classes_of(
    columns: BatchColumns, order: _Integers, column: str, class_names: ClassNames | None
) -> _ClassColumns:
    texts = columns.required(column)
    found = spellings(texts)
    warn_of_twins(found, what="labels")
    names = as_class_names(sorted(found) if class_names is None else class_names)
    number = {name: index for index, name in enumerate(names)}
    unknown = sorted(set(found) - set(names))
    if unknown:
        near = closest(unknown[0], names)
        raise DataError(
            f"label_column must have labels among the class_names, got {listed(unknown)}; "
            + (f"write {near!r}" if near else "add it to class_names"),
            code="unknown-name",
            parameter="class_names",
        )
    # A label is cleaned once, not for each of its photos.
    of_text = {text: number[name] for name, texts in found.items() for text in texts}
    labels = np.array([of_text[text] for text in texts], dtype=np.int64)[order]
    return {"labels": labels, "box_labels": labels, "class_names": names}


class _PartColumns(TypedDict):
    parts: _Integers
    part_names: tuple[str, ...]
    sources: tuple[PixelSource, ...]


def _rank(part: str) -> tuple[int, str]:
    """Return a sort key: training, validation and test sets first, then others by name."""
    return PARTS.index(part) if part in PARTS else len(PARTS), part


def _parts_of(texts: list[str], order: _Integers, looks: Looks) -> _PartColumns:
    names = tuple(dict.fromkeys(texts[row] for row in order.tolist()))
    number = {name: index for index, name in enumerate(names)}
    parts = np.array([number[text] for text in texts], dtype=np.int64)[order]
    source = _Unread() if looks.tiny is None else ArrayPixels(looks.tiny)
    return {"parts": parts, "part_names": names, "sources": (source,) * len(names)}


def _looks_of(columns: BatchColumns, order: _Integers) -> Looks:
    rows = order.tolist()
    messages, codes = columns.texts("error"), columns.texts("error_code")
    digests = columns.texts("digest")
    errors = {
        photo: PhotoError(messages[row] or "", code=codes[row] or None)
        for photo, row in enumerate(rows)
        if messages[row]
    }
    readable = np.ones(len(rows), dtype=np.bool_)
    readable[list(errors)] = False
    sizes = np.stack([columns.numbers(name)[order] for name in ("height", "width")], axis=1)
    measures = [columns.numbers(name)[order] for name in Measures._fields]
    spread = columns.numbers("spread")[order]
    return Looks(
        errors=errors,
        readable=readable,
        sizes=np.where(readable[:, None], sizes, 0).astype(np.int32),
        digests=[(digests[row] or "").encode() for row in rows],
        tiny=_thumbnails_of(columns, order, readable),
        spread=np.where(readable, spread, 0.0),
        measures=np.stack(measures, axis=1),
    )


def _thumbnails_of(
    columns: BatchColumns, order: _Integers, readable: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8] | None:
    if "thumbnail" not in columns:
        return None
    cells = columns.values("thumbnail")
    tiny = np.zeros((len(order), TINY, TINY, 3), dtype=np.uint8)
    seen = [cells[row] for row in order[readable].tolist()]
    tiny[readable] = joined_bytes(seen, (TINY, TINY, 3), "thumbnail")
    return tiny


def _known_pairs(near_pairs: Foreign, looks: Looks, threshold: float) -> NearPhotos:
    """Return the photos of pairs that were found in buckets; leave out photos not in the set."""
    columns = BatchColumns(near_pairs, {}, "NearPairs")
    first = first_of_content(looks, looks.readable)
    similarity = columns.numbers("similarity")
    kept: dict[tuple[int, int], float] = {}
    ends = columns.required("digest"), columns.required("other_digest")
    for one, other, value in zip(*ends, similarity.tolist(), strict=True):
        known = [first[digest.encode()] for digest in (one, other) if digest.encode() in first]
        if len(known) == 2 and value >= threshold:
            kept[min(known), max(known)] = value
    pairs = np.array(list(kept), dtype=np.int64).reshape(-1, 2)
    return NearPhotos(pairs, np.array(list(kept.values()), dtype=np.float64))


class _Unread:
    """The pixels of photos whose thumbnails were not kept: reading one is an error."""

    image_size = (TINY, TINY)

    def read(self, row: int) -> Image:
        """Refuse to read a photo."""
        raise PhotoNotFoundError(
            f"photo {row} cannot be shown without the column 'thumbnail' of its features; compute "
            "the features with thumbnails",
            code="not-found",
        )

    def digest(self, row: int) -> str:
        """Refuse to read a photo."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of photos that can be read."""
        return 0
