"""`Detector`: find products in photos with an object detector in an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, SupportsFloat, SupportsIndex, final

import numpy as np

from shelfvision._class_names import as_class_names
from shelfvision._photos.given import Photo
from shelfvision._runtime.detecting._choosing import LAYOUTS, DetectorLayout, layout_of
from shelfvision._runtime.detecting._layouts import (
    Candidates,
    ClassesError,
    OutputLayout,
    ScoresError,
)
from shelfvision._runtime.detecting._network import DetectorNetwork, Pixels, open_network
from shelfvision._runtime.detecting._suppression import suppressed
from shelfvision._runtime.detecting._tiles import MOST_TILES, joined_tiles
from shelfvision._storage.sealed import trusted_digest
from shelfvision._validation import as_image_size, as_integer, as_number, counted, one_of
from shelfvision.boxes import Boxes
from shelfvision.boxes.whole_photo import whole_photo
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.protocols import ClassNames, Image
from shelfvision.regions.tiles import Tile, Tiling

_SIDE = 32
"""The smallest side of a network's input."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Settings:
    """The checked arguments of a detector."""

    min_confidence: float
    iou: float
    tiling: Tiling | None
    names: Mapping[int, str] | None
    """The class names by number; None to use the numbers."""
    given_names: bool
    """Whether the names were passed instead of read from the file."""
    input_size: tuple[int, int]
    stride: int | None
    """The stride of a network that accepts every multiple of it; None for a fixed size."""


@final
class Detector:
    """Find products in photos with an object detector that was exported to ONNX.

    A detector file of Ultralytics (YOLO and RT-DETR), Hugging Face (RT-DETR) or Roboflow (RF-DETR)
    runs in ONNX Runtime, without torch and without the package that trained it. The detector
    resizes photos like that package, and its boxes refer to the upright photo.

    Opening a file runs no code. Operators, memory and metadata are limited as for `Predictor`. A
    detector is thread-safe, but not fork-safe: create one in each process.

    Parameters
    ----------
    path : path-like
        The ONNX file of the detector.
    layout : {"auto", "yolo", "yolov5", "yolo-end-to-end", "rt-detr", "rf-detr"}, default="auto"
        The layout of the outputs. ``"yolo"`` is for YOLOv8 and YOLO11, ``"yolo-end-to-end"`` for
        YOLOv10, YOLO26 and exports with non-maximum suppression in the file, and ``"yolov5"`` for
        YOLOv5 and YOLOv7. By default the names and shapes of the outputs decide; if several layouts
        fit, the file is refused.
    min_confidence : float, default=0.25
        The lowest score of a box, 0 to 1.
    iou : float, default=0.5
        The largest intersection over union of two boxes of a class, 0 to 1. Of two boxes above it,
        the one with the lower score is removed. Detectors without duplicates (``"rt-detr"``,
        ``"rf-detr"``, ``"yolo-end-to-end"``) use it only to join tiles.
    tile : int or tuple of int, optional
        Height and width of overlapping tiles in pixels of the photo, or one number for both. The
        detector runs on each tile. Use the size of its input, such as 640, for large photos with
        small products. By default it runs once on the whole photo.
    overlap : float, default=0.2
        The share of a tile that the next tile covers too, 0 to 0.9. Products smaller than it are
        whole in at least one tile.
    class_names : sequence of str or mapping, optional
        The class names in the order of their numbers. By default the names in the file; without
        any, the labels are the numbers.
    image_size : tuple of int, optional
        Height and width of the input of a file that accepts several sizes. By default the size in
        the metadata of the file.
    threads : int, optional
        The number of threads that one call computes with. By default the runtime chooses.
    expected_sha256 : str, optional
        The SHA-256 that the file must have.

    Raises
    ------
    BundleNotFoundError
        The file does not exist.
    BundleError
        The file is not a detector, is corrupted, needs an operator that is not accepted, has an
        unknown layout, or does not have the digest `expected_sha256`.
    InvalidParameterError
        An argument is invalid or does not fit the file, or the outputs fit several layouts.
    MissingDependencyError
        onnxruntime is not installed; the message contains the pip command.

    References
    ----------
    J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You only look once: unified, real-time object
    detection", CVPR 2016. Y. Zhao et al., "DETRs beat YOLOs on real-time object detection", CVPR
    2024 (RT-DETR). I. Robinson, P. Robicheaux, M. Popov, D. Ramanan, N. Peri, "RF-DETR: neural
    architecture search for real-time detection transformers", 2025. F. Akyon, S. Altinuc,
    A. Temizel, "Slicing aided hyper inference and fine-tuning for small object detection",
    ICIP 2022 (`tile`).

    Examples
    --------
    >>> detector = Detector("products.onnx", tile=640)  # doctest: +SKIP
    >>> detector.detect("shelf.jpg")  # doctest: +SKIP
    <Boxes: 61 boxes in 3024 x 4032 pixels>
    >>> classifier.predict_regions("shelf.jpg", detector).counts  # doctest: +SKIP
    """

    __slots__ = ("_arguments", "_layout", "_network", "_path", "_pid", "_settings")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layout: DetectorLayout = "auto",
        min_confidence: SupportsFloat = 0.25,
        iou: SupportsFloat = 0.5,
        tile: Tile | None = None,
        overlap: SupportsFloat = 0.2,
        class_names: ClassNames | None = None,
        image_size: tuple[int, int] | None = None,
        threads: SupportsIndex | None = None,
        expected_sha256: str | None = None,
    ) -> None:
        one_of("layout", layout, LAYOUTS)
        least = as_number("min_confidence", min_confidence, minimum=0, maximum=1)
        limit = as_number("iou", iou, minimum=0, maximum=1)
        share = as_number("overlap", overlap, minimum=0, maximum=0.9)
        tiling = None if tile is None else Tiling.of(tile, share, (1.0,))
        names = None if class_names is None else as_class_names(class_names)
        size = None if image_size is None else as_image_size(image_size)
        count = None if threads is None else as_integer("threads", threads, minimum=1, maximum=1024)
        self._network = open_network(path, count, trusted_digest(expected_sha256))
        known = self._network.metadata.names
        self._settings = _Settings(
            min_confidence=least,
            iou=limit,
            tiling=tiling,
            names=known if names is None else dict(enumerate(names)),
            given_names=names is not None,
            input_size=_input_size(self._network, size),
            stride=_stride(self._network),
        )
        self._layout = _layout(self._network, self._settings, layout)
        self._arguments: dict[str, Any] = {
            "layout": self._layout.name,
            "min_confidence": least,
            "iou": limit,
            "tile": None if tiling is None else tiling.tile,
            "overlap": share,
            "class_names": names,
            "image_size": size,
            "threads": count,
            "expected_sha256": self._network.sha256,
        }
        self._path = os.path.abspath(path)
        self._pid = os.getpid()

    @property
    def layout(self) -> str:
        """The layout of the outputs, as in the parameter; never ``"auto"``."""
        return self._layout.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names by ascending number; empty if they are unknown."""
        names = self._settings.names or {}
        return tuple(names[number] for number in sorted(names))

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the input of the network in pixels."""
        return self._settings.input_size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file."""
        return self._network.sha256

    def detect(self, photo: Photo) -> Boxes:
        """Find the products in a photo.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo: a path, the bytes of an encoded file, a PIL image of any mode, or ``uint8``
            pixels of shape (height, width, 3).

        Returns
        -------
        Boxes
            The boxes in pixels of the upright photo by descending score, with labels, scores and
            `image_size`. They are clipped to the photo. Of more than 30,000 boxes, those with the
            highest scores are returned.

        Raises
        ------
        PhotoError
            The photo cannot be read.
        InvalidParameterError
            `photo` is not a photo, or `tile` is too small for it.
        ModelError
            The outputs are NaN, no probabilities or of another shape than for a blank image, the
            network needs too much memory, a class has no name, or this process is a fork of the one
            that created the detector.
        """
        if os.getpid() != self._pid:
            raise ModelError(
                f"a Detector is not fork-safe: this one was created in process {self._pid}, and "
                "its threads do not exist in this fork; create one in this process",
                code="forked",
            )
        pixels = whole_photo(photo).pixels
        height, width = pixels.shape[:2]
        found = self._found(pixels, (height, width))
        return Boxes(
            found.corners,
            labels=_labels(found, self._settings, self._network.where),
            scores=found.scores,
            image_size=(height, width),
        )

    def _found(self, pixels: Image, photo_size: tuple[int, int]) -> Candidates:
        tiling = self._settings.tiling
        if tiling is None:
            return _detected(pixels, self._network, self._layout, self._settings)
        windows = tiling.windows(photo_size)
        if len(windows) > MOST_TILES:
            raise InvalidParameterError(
                f"tile must give at most {MOST_TILES:,} tiles, got {len(windows):,}; make tile "
                "larger, or overlap smaller",
                code="too-large",
                parameter="tile",
            )
        parts = []
        for left, top, right, bottom in windows.tolist():
            one = _detected(
                pixels[top:bottom, left:right], self._network, self._layout, self._settings
            )
            moved = one.corners + np.array([left, top, left, top])
            parts.append(Candidates(corners=moved, scores=one.scores, classes=one.classes))
        return joined_tiles(parts, windows, photo_size, self._settings.iou)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the path and the digest of the file; unpickling reads the file again."""
        return partial(Detector, self._path, **self._arguments), ()

    def __repr__(self) -> str:
        """Return one line with layout, number of classes and input size."""
        height, width = self.image_size
        names = self._settings.names
        classes = f"{counted(len(names), 'class')}, " if names else ""
        return f"<Detector: {self.layout}, {classes}{height} x {width}>"


def _input_size(network: DetectorNetwork, wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return height and width of the input: of the graph, of the caller, or of the metadata."""
    fixed, known = network.port.sides, network.metadata.image_size
    given = wanted or known
    if fixed == (None, None) and given is None:
        raise InvalidParameterError(
            f"image_size must be given for {network.where}, which accepts several sizes and does "
            "not name its own; pass image_size=(640, 640) if it was trained with 640 pixels",
            code="ambiguous",
            parameter="image_size",
        )
    height, width = (
        side if side is not None else (given or (_SIDE, _SIDE))[place]
        for place, side in enumerate(fixed)
    )
    if wanted is not None and wanted != (height, width):
        raise InvalidParameterError(
            f"image_size must be {(height, width)} for {network.where}, got {wanted}; leave it out",
            code="conflict",
            parameter="image_size",
        )
    return height, width


def _stride(network: DetectorNetwork) -> int | None:
    """Return the stride of a network of variable height and width, which pads less."""
    return network.metadata.stride if network.port.sides == (None, None) else None


def _layout(network: DetectorNetwork, settings: _Settings, wanted: str) -> OutputLayout:
    """Return the layout, from the outputs for a blank image."""
    blank = np.zeros((1, 3, *settings.input_size), dtype=np.float32)
    outputs = dict(zip(network.output_names, network.run(blank), strict=True))
    layout = layout_of(
        wanted,
        outputs,
        network.metadata,
        names=settings.names,
        input_size=settings.input_size,
        where=network.where,
    )
    _require_names(layout, settings, network.where)
    return layout


def _require_names(layout: OutputLayout, settings: _Settings, where: str) -> None:
    """Raise if passed class names do not fit a transformer, whose names are optional."""
    k, names = layout.num_classes, settings.names
    # RF-DETR may have one column more than classes, for the background.
    fitting = (k, (k or 0) - 1) if layout.name == "rf-detr" else (k,)
    if k is not None and settings.given_names and names and len(names) not in fitting:
        raise InvalidParameterError(
            f"class_names must have one name for each of the {k} classes of {where}, got "
            f"{len(names)}; pass a list of that length",
            code="wrong-length",
            parameter="class_names",
        )


def _detected(
    pixels: Image, network: DetectorNetwork, layout: OutputLayout, settings: _Settings
) -> Candidates:
    """Return the boxes of one image in its pixels, without duplicates, by descending score."""
    given, placement = layout.prepare(pixels, settings.input_size, settings.stride)
    found = _decoded(network.run(given), network.where, layout, settings.min_confidence)
    if layout.suppress:
        found = found[suppressed(found.corners, found.scores, found.classes, settings.iou)]
    height, width = placement.input_size
    scale = np.array([width, height, width, height]) if layout.relative else 1.0
    if not np.isfinite(found.corners).all():
        raise ModelError(
            f"the boxes of {network.where} must be finite, got NaN or infinity; export the "
            "detector again, with full precision",
            code="not-finite",
        )
    corners = placement.to_photo(found.corners * scale)
    area = (corners[:, 2:] - corners[:, :2]).min(axis=1, initial=np.inf) > 0
    return Candidates(corners=corners, scores=found.scores, classes=found.classes)[area]


def _decoded(
    outputs: tuple[Pixels, ...], where: str, layout: OutputLayout, least: float
) -> Candidates:
    try:
        return layout.decode(outputs, least)
    except ScoresError as error:
        raise ModelError(
            f"the scores of {where} must be from 0 to 1 for the layout {layout.name!r}, "
            f"got {error}; pass another layout, or export the detector again",
            code="not-probabilities",
        ) from error
    except ClassesError as error:
        raise ModelError(
            f"{where} must return class numbers from 0, got {error}; pass another layout, or "
            "export the detector again",
            code="unknown-class",
        ) from error
    except (IndexError, ValueError) as error:
        # The layout was chosen for the outputs of a blank image; a file may return others later.
        shapes = ", ".join(str(list(one.shape)) for one in outputs[:4])
        raise ModelError(
            f"the outputs of {where} must fit the layout {layout.name!r} for every photo, got the "
            f"shapes {shapes}; export the detector again",
            code="wrong-shape",
        ) from error


def _labels(found: Candidates, settings: _Settings, where: str) -> list[str | None]:
    names = settings.names
    if names is None:
        return [str(number) for number in found.classes]
    missing = sorted(set(found.classes.tolist()) - set(names))
    if missing:
        raise ModelError(
            f"{where} returned the class {missing[0]}, but has only {counted(len(names), 'name')}; "
            "pass class_names with all names",
            code="unknown-class",
        )
    return [names[number] for number in found.classes.tolist()]
