"""Tables of photos in files, from a folder of classes, a CSV manifest or a DataFrame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from shelfvision._photos.decode import DecodeLimits
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._validation import as_image_size, one_of
from shelfvision.data._columns import object_array
from shelfvision.data._given import table_of_source
from shelfvision.data.finding._frame import FRAME, rows_of_frame
from shelfvision.data.finding._manifest import (
    Columns,
    ManifestOrigin,
    PhotoManifest,
    Where,
    read_manifest,
    read_photo_manifest,
)
from shelfvision.data.finding._readable import verified
from shelfvision.data.finding._scan import scan_directory, warn_of_empty
from shelfvision.data.table import PhotoTable, class_counts_of
from shelfvision.protocols import RESIZE_RULES, ClassNames, OnError, Resize

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How files become images, and what happens if a file cannot be read."""

    image_size: tuple[int, int]
    """Height and width in pixels."""
    resize: Resize
    """How a photo of another aspect ratio is resized."""
    limits: DecodeLimits
    """The largest size and memory of a photo."""
    on_error: OnError
    """Whether a photo that cannot be read is left out now or raises an error on access."""

    def __post_init__(self) -> None:
        """Check `on_error`."""
        one_of("on_error", self.on_error, ("raise", "skip"))


def table_of_directory(
    directory: str | os.PathLike[str], class_names: ClassNames | None, options: ReadOptions
) -> PhotoTable:
    """Return a table of the photos below each class folder."""
    scan = scan_directory(directory, class_names, options.on_error)
    table = _table_of_files(
        scan.root,
        scan.ids,
        options,
        labels=scan.labels,
        class_names=scan.class_names,
        skipped=scan.skipped,
    )
    warn_of_empty(scan, class_counts_of(table), table.skipped)
    return table


def table_of_manifest(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None,
    columns: Columns,
    where: Where | None,
    class_names: ClassNames | None,
    encoding: str | None,
    options: ReadOptions,
) -> PhotoTable:
    """Return a table of the photos that a CSV file lists."""
    manifest = read_manifest(
        path, root=root, columns=columns, where=where, class_names=class_names, encoding=encoding
    )
    return _listed(manifest, ManifestOrigin(repr(os.fspath(path))), options)


def table_of_frame(
    frame: IntoDataFrame,
    *,
    root: str | os.PathLike[str],
    columns: Columns,
    class_names: ClassNames | None,
    options: ReadOptions,
) -> PhotoTable:
    """Return a table of the photos that a data frame lists."""
    rows = rows_of_frame(frame, columns)
    manifest = read_photo_manifest(
        rows, origin=FRAME, root=root, columns=columns, where={}, class_names=class_names
    )
    return _listed(manifest, FRAME, options)


def _listed(manifest: PhotoManifest, origin: ManifestOrigin, options: ReadOptions) -> PhotoTable:
    skipped = manifest.without_missing(origin, options.on_error)
    return _table_of_files(
        manifest.root,
        manifest.ids,
        options,
        labels=manifest.labels,
        class_names=manifest.class_names,
        groups=manifest.groups,
        skipped=skipped,
    )


def _table_of_files(
    root: str,
    names: Sequence[str],
    options: ReadOptions,
    *,
    labels: Sequence[int],
    class_names: tuple[str, ...],
    groups: Sequence[str | None] | None = None,
    skipped: Sequence[SkippedFile],
) -> PhotoTable:
    ids = object_array(names)
    one_of("resize", options.resize, RESIZE_RULES)
    source = FilePixels(
        root,
        ids,
        image_size=as_image_size(options.image_size),
        resize=options.resize,
        limits=options.limits,
    )
    table = table_of_source(source, ids=ids, labels=labels, class_names=class_names, groups=groups)
    table = replace(table, skipped=SkippedFiles(skipped))
    return verified(table, "skip") if options.on_error == "skip" else table
