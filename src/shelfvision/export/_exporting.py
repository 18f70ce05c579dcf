"""The way of an export: probing photos, writing, holding against the classifier, keeping."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from shelfvision._storage import write_atomically
from shelfvision._validation import as_number, as_path, one_of
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.reading import Photos, Reader
from shelfvision.errors import BundleError, ExportError, InvalidParameterError
from shelfvision.export._card import Card
from shelfvision.export._keras_file import KerasRunner, keras_file
from shelfvision.export._predictor import Predictor
from shelfvision.export._reading import Export, parse_export
from shelfvision.export._report import FORMATS, ExportFormat, ExportReport, Quantize
from shelfvision.export._runtimes import Scores
from shelfvision.export._source import Source
from shelfvision.export._verify import compared, latency_ms, require_same, scores_of
from shelfvision.export._writers import Files
from shelfvision.protocols import Images
from shelfvision.samples import render_products

MOST_PHOTOS = 512
"""How many photos, evenly spaced, are used of many."""
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml", "keras": ".keras"}
_RENDERED = 4  # of every packaging


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for, checked."""

    path: str
    format: ExportFormat
    quantize: Quantize | None
    tolerance: float | None
    images: Images
    labels: npt.NDArray[np.int64] | None
    given: bool


def checked_request(
    path: str | os.PathLike[str],
    card: Card,
    *,
    format: ExportFormat,  # noqa: A002  (the public name)
    quantize: Quantize | None,
    photos: Photos | None,
    tolerance: float | None,
) -> Request:
    """Refuse what cannot be done, before anything heavy is loaded."""
    one_of("format", format, FORMATS)
    if quantize is not None:
        one_of("quantize", quantize, ("dynamic", "int8"))
        if format != "litert":
            raise InvalidParameterError(
                f"quantize={quantize!r} is for format='litert', not {format!r}; leave it out",
                code="conflict",
                parameter="quantize",
            )
    if quantize == "int8" and photos is None:
        raise InvalidParameterError(
            "quantize='int8' measures the range of every layer on photos; pass photos=, some "
            "hundred of those that the classifier was trained on",
            code="missing-photos",
            parameter="photos",
        )
    suffix = SUFFIXES[format]
    if not as_path(path).endswith(suffix):
        raise InvalidParameterError(
            f"the path of a file for {format} must end in {suffix!r}, not {os.fspath(path)!r}",
            code="wrong-suffix",
            parameter="path",
        )
    images, labels = _probes(photos, card)
    return Request(
        path=os.fspath(path),
        format=format,
        quantize=quantize,
        tolerance=None if tolerance is None else as_number("tolerance", tolerance, minimum=0),
        images=images,
        labels=labels,
        given=photos is not None,
    )


def export(source: Source, request: Request, write: Callable[[], Files]) -> ExportReport:
    """Write, verify and keep a file; what fails leaves nothing."""
    run: Callable[[Images], Scores]
    if request.format == "keras":
        data, card = keras_file(source)
        files, runner = (data, b""), KerasRunner(data)
        host = card.host_calibration
        run = runner if host is None else lambda images: host.apply(runner(images))
        runtime = runner.name
    else:
        files = write()
        predictor, parsed = _opened(files, request)
        card, run, runtime = parsed.card, predictor.predict_proba, predictor.runtime
    said, meant = scores_of(run, request.images), source.answers(request.images)
    found = compared(said, meant, request.labels)
    quantized = request.quantize is not None
    require_same(found, request.format, quantized=quantized, tolerance=request.tolerance)
    _keep(request, files)
    return ExportReport(
        path=request.path,
        format=request.format,
        quantize=request.quantize,
        runtime=runtime,
        calibration=_place(card),
        size_bytes=sum(map(len, files)),
        sha256=hashlib.sha256(files[0]).hexdigest(),
        verified_on="photos" if request.given else "rendered photos",
        n_photos=len(request.images),
        max_difference=found.max_difference,
        mean_shift=found.mean_shift,
        top1_agreement=found.top1_agreement,
        latency_ms=latency_ms(run, request.images[:1]),
        accuracy=found.accuracy,
        accuracy_before=found.accuracy_before,
    )


def _opened(files: Files, request: Request) -> tuple[Predictor, Export]:
    """Return what predicts from a file that does not stand in its place yet."""
    try:
        parsed = parse_export(files[0], repr(request.path), files[1])
        return Predictor._of(parsed, request.path), parsed
    except BundleError as error:
        raise ExportError(
            f"the {request.format} file is not kept, for it could not be opened: {error}",
            code=error.code,
        ) from error


def _place(card: Card) -> Literal["none", "graph", "host"]:
    if card.calibration is None:
        return "none"
    return "graph" if card.calibration_in_graph else "host"


def _keep(request: Request, files: Files) -> None:
    """Put the file in its place; the one that the other belongs to comes last."""
    if request.format == "openvino":
        write_atomically(Path(request.path).with_suffix(".bin"), files[1])
    write_atomically(request.path, files[0])


def _probes(photos: Photos | None, card: Card) -> tuple[Images, npt.NDArray[np.int64] | None]:
    """Return photos to hold the file against the classifier on, and their labels if known."""
    labels = None
    if photos is None:
        photos = render_products(_RENDERED, image_size=card.image_size)
    elif isinstance(photos, Dataset):
        rows = np.unique(np.linspace(0, len(photos) - 1, MOST_PHOTOS).astype(np.int64))
        photos = photos[rows[: len(photos)]]
        if set(photos.class_names) <= set(card.class_names):
            photos = aligned(photos, card.class_names, parameter="photos", of="classifier")
            labels = photos.labels
    reader = Reader(image_size=card.image_size, resize=card.resize, on_error="raise")
    batches = [batch.images for batch in reader.batches(photos, MOST_PHOTOS)]
    if not sum(map(len, batches)):
        raise InvalidParameterError(
            "photos is empty; give some, or leave it out", code="empty", parameter="photos"
        )
    return np.concatenate(batches)[:MOST_PHOTOS], labels
