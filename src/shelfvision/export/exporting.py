"""The steps of `Classifier.export`: check the arguments, write, load, compare, save.

The caller describes its classifier as a `Source`, and `export_classifier` does the rest on any
backend. The file is saved only after it was loaded into its runtime and its probabilities agreed
with the classifier's. `SUFFIXES` maps each format to the suffix of its files.
"""

from __future__ import annotations

from typing import Literal, cast

from shelfvision._runtime import ExportFormat, Quantize
from shelfvision._runtime.card import Card
from shelfvision._runtime.formats.format import Files, path_beside
from shelfvision._runtime.reading import parse_export
from shelfvision._runtime.sessions import Session, load_session
from shelfvision._storage import write_atomically
from shelfvision.data.reading import Photos
from shelfvision.errors import BundleError, ExportError
from shelfvision.export._formats import FORMATS
from shelfvision.export._report import ExportReport
from shelfvision.export._request import Request, checked_request
from shelfvision.export._source import Source
from shelfvision.export._verify import (
    OutputComparison,
    compared,
    in_batches,
    latency_ms,
    require_same_outputs,
)
from shelfvision.export._writing import written
from shelfvision.protocols import Location

__all__ = ["SUFFIXES", "Source", "export_classifier"]

SUFFIXES = {cast("ExportFormat", name): kind.suffix for name, kind in FORMATS.items()}
"""The file name suffix of each format."""


def export_classifier(
    source: Source,
    path: Location,
    *,
    format: ExportFormat,  # noqa: A002  (the public name)
    quantize: Quantize | None,
    photos: Photos | None,
    tolerance: float | None,
) -> ExportReport:
    """Write, verify and save an exported file; if a step fails, no file is left."""
    request = checked_request(
        path, source.card, format=format, quantize=quantize, photos=photos, tolerance=tolerance
    )
    files = written(source, request)
    session = _opened(files, request)
    found = compared(
        in_batches(session.scores, request.images),
        source.probabilities(request.images),
        request.labels,
    )
    require_same_outputs(
        found, request.name, quantized=quantize is not None, tolerance=request.tolerance
    )
    if request.format.beside is not None:
        # The main file is written last, so that an interrupted export leaves no complete pair.
        write_atomically(path_beside(request.path, request.format.beside), files.beside)
    write_atomically(request.path, files.data)
    return _report(request, session, found)


def _opened(files: Files, request: Request) -> Session:
    """Load the file's bytes into its runtime, before they are saved."""
    try:
        return load_session(parse_export(files, repr(str(request.path)), FORMATS.values()))
    except BundleError as error:
        raise ExportError(
            f"the {request.name} file was discarded because it cannot be opened: {error}",
            code=error.code,
        ) from error


def _report(request: Request, session: Session, found: OutputComparison) -> ExportReport:
    export = session.export
    return ExportReport(
        path=str(request.path),
        format=request.name,
        quantize=request.quantize,
        runtime=session.runner.name,
        calibration=_place(export.card),
        size_bytes=export.size,
        sha256=export.sha256,
        verified_on="photos" if request.photos_given else "synthetic images",
        n_photos=len(request.images),
        max_difference=found.max_difference,
        mean_shift=found.mean_shift,
        top1_agreement=found.top1_agreement,
        latency_ms=latency_ms(session.scores, request.images[:1]),
        accuracy=found.accuracy,
        accuracy_before=found.accuracy_before,
    )


def _place(card: Card) -> Literal["none", "graph", "host"]:
    if card.calibration is None:
        return "none"
    return "graph" if card.calibration_in_graph else "host"
