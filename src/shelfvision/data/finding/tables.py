"""Tables of photos in files, from a folder of classes, a CSV manifest or a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from shelfvision._photos.decode import DecodeLimits
from shelfvision._photos.file_pixels import FilePixels
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._storage import RemoteFile, as_location
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
from shelfvision.data.finding._remote import require_photo
from shelfvision.data.finding._scan import scan_directory, warn_of_empty
from shelfvision.data.table import PhotoTable, class_counts_of
from shelfvision.protocols import (
    RESIZE_RULES,
    ClassNames,
    Location,
    OnError,
    Resize,
    StorageOptions,
)

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame


@final
@dataclass(frozen=True, slots=True)
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
    storage_options: StorageOptions | None
    """Options of the file system, for URLs."""

    def __post_init__(self) -> None:
        """Check `on_error`."""
        one_of("on_error", self.on_error, ("raise", "skip"))


def table_of_directory(
    directory: Location,
    class_names: ClassNames | None,
    options: ReadOptions,
) -> PhotoTable:
    """Return a table of the photos below each class folder."""
    place = as_location(directory, "directory", storage_options=options.storage_options)
    scan = scan_directory(place, class_names, options.on_error)
    table = _table_of_files(
        place if isinstance(place, RemoteFile) else scan.root,
        scan.ids,
        options,
        labels=scan.labels,
        class_names=scan.class_names,
        skipped=scan.skipped,
        sizes=scan.sizes,
    )
    warn_of_empty(scan, class_counts_of(table), table.skipped)
    return table


def table_of_manifest(
    path: Location,
    *,
    root: Location | None,
    columns: Columns,
    where: Where | None,
    class_names: ClassNames | None,
    encoding: str | None,
    options: ReadOptions,
) -> PhotoTable:
    """Return a table of the photos that a CSV file lists."""
    place = as_location(path, storage_options=options.storage_options)
    manifest = read_manifest(
        place,
        root=None
        if root is None
        else as_location(root, "root", storage_options=options.storage_options),
        columns=columns,
        where=where,
        class_names=class_names,
        encoding=encoding,
    )
    return _listed(manifest, ManifestOrigin(repr(str(place))), options)


def table_of_frame(
    frame: IntoDataFrame,
    *,
    root: Location,
    columns: Columns,
    class_names: ClassNames | None,
    options: ReadOptions,
) -> PhotoTable:
    """Return a table of the photos that a data frame lists."""
    rows = rows_of_frame(frame, columns)
    manifest = read_photo_manifest(
        rows,
        origin=FRAME,
        root=as_location(root, "root", storage_options=options.storage_options),
        columns=columns,
        where={},
        class_names=class_names,
    )
    return _listed(manifest, FRAME, options)


def _listed(manifest: PhotoManifest, origin: ManifestOrigin, options: ReadOptions) -> PhotoTable:
    skipped = manifest.without_missing(origin, options.on_error)
    if isinstance(manifest.root, RemoteFile) and options.on_error == "raise":
        require_photo(manifest.root, manifest.ids[0])
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
    root: str | RemoteFile,
    names: Sequence[str],
    options: ReadOptions,
    *,
    labels: Sequence[int],
    class_names: tuple[str, ...],
    groups: Sequence[str | None] | None = None,
    skipped: Sequence[SkippedFile],
    sizes: Sequence[int] | None = None,
) -> PhotoTable:
    ids = object_array(names)
    one_of("resize", options.resize, RESIZE_RULES)
    source = FilePixels(
        root,
        ids,
        image_size=as_image_size(options.image_size),
        resize=options.resize,
        limits=options.limits,
        sizes=None if sizes is None else np.array(sizes, dtype=np.int64),
    )
    table = table_of_source(source, ids=ids, labels=labels, class_names=class_names, groups=groups)
    table = replace(table, skipped=SkippedFiles(skipped))
    return verified(table, "skip") if options.on_error == "skip" else table
