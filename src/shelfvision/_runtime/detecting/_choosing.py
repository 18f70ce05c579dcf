"""Find the layout of a detector's outputs from their names and shapes, or refuse.

Names decide for transformers: ``logits`` and ``pred_boxes``, or ``dets`` and ``labels``. One output
of three dimensions is a YOLO network or an RT-DETR of Ultralytics. A YOLO network of input size
640 x 640 has one box for each cell of its grids of 80 x 80, 40 x 40 and 20 x 20 cells, 8,400
together; YOLOv5 has three. Transformers have another number of boxes, mostly 300.

Six columns are ambiguous: a score and a class, or the scores of two classes. Only a class is a
whole number in every row, so the outputs for a blank image decide. Rows of YOLO and of RT-DETR with
a class differ in nothing but the meaning of their boxes; there the metadata of Ultralytics decide.
Outputs that still fit two layouts are refused: the wrong one would return plausible boxes in wrong
places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from shelfvision._runtime.detecting import _layouts
from shelfvision._runtime.detecting._input import Pixels
from shelfvision._runtime.detecting._layouts import OutputLayout
from shelfvision._runtime.detecting._metadata import DetectorMetadata
from shelfvision.errors import BundleError, InvalidParameterError

DetectorLayout: TypeAlias = Literal[
    "auto", "yolo", "yolov5", "yolo-end-to-end", "rt-detr", "rf-detr"
]
"""The layouts of the outputs of a detector."""

LAYOUTS: tuple[str, ...] = get_args(DetectorLayout)
Shapes: TypeAlias = Sequence[tuple[int, ...]]

_TASKS = (None, "detect", "segment")
_STRIDES = (4, 8, 16, 32, 64, 128)
_PAIRS = {("pred_boxes", "logits"): "rt-detr", ("dets", "labels"): "rf-detr"}


def layout_of(
    wanted: str,
    outputs: Mapping[str, Pixels],
    metadata: DetectorMetadata,
    *,
    names: Mapping[int, str] | None,
    input_size: tuple[int, int],
    where: str,
) -> OutputLayout:
    """Return the layout of a file's outputs.

    Parameters
    ----------
    wanted : str
        The value of ``Detector(layout=)``.
    outputs : mapping of str to ndarray
        The outputs for a blank image of `input_size` by name.
    metadata : DetectorMetadata
        The metadata of the file.
    names : mapping of int to str, or None
        The class names by number, if they are known.
    input_size : tuple of int
        Height and width of the image.
    where : str
        The name of the file in messages.

    Raises
    ------
    BundleError
        The outputs have no layout that is known.
    InvalidParameterError
        The outputs fit several layouts, or another one than `wanted`.
    """
    if metadata.task not in _TASKS:
        raise BundleError(
            f"{where} cannot be used as a detector: its task is {metadata.task!r}; export a model "
            "that was trained for detection",
            code="foreign-format",
        )
    num_names = None if names is None else max(names) + 1
    shapes = [one.shape for one in outputs.values()]
    tables = list(outputs.values())
    found = _pairs_of(wanted, list(outputs), shapes, names) or _tables_of(
        tables, metadata, num_names=num_names, input_size=input_size
    )
    if not found and num_names is not None:
        _require_count(
            _tables_of(tables, metadata, num_names=None, input_size=input_size), num_names, where
        )
    fitting = [one for one in found if wanted in ("auto", one.name)]
    if len(fitting) == 1:
        return fitting[0]
    raise _misfit(wanted, found, fitting, _shown(list(outputs), shapes), where)


def _pairs_of(
    wanted: str, outputs: Sequence[str], shapes: Shapes, names: Mapping[int, str] | None
) -> list[OutputLayout]:
    """Return the layout of boxes and logits in two outputs, if the file has these outputs."""
    for (boxes, logits), name in _PAIRS.items():
        if boxes in outputs and logits in outputs:
            places = outputs.index(boxes), outputs.index(logits)
            fits = _are_pair(shapes[places[0]], shapes[places[1]])
            return [_pair(name, *places, shapes, names)] if fits else []
    if wanted not in _PAIRS.values():
        return []
    # Exports may have other names; then only the shapes are left.
    return [
        _pair(wanted, first, second, shapes, names)
        for first in range(len(shapes))
        for second in range(len(shapes))
        if first != second and _are_pair(shapes[first], shapes[second])
    ]


def _pair(
    name: str, boxes: int, logits: int, shapes: Shapes, names: Mapping[int, str] | None
) -> OutputLayout:
    k = shapes[logits][2]
    named = None
    if names is not None and name == "rf-detr":
        named = np.array(sorted(number for number in names if number < k), dtype=np.int64)
    return _layouts.transformer(name, boxes, logits, k, named)


def _are_pair(boxes: tuple[int, ...], logits: tuple[int, ...]) -> bool:
    return (
        len(boxes) == len(logits) == 3
        and boxes[0] == logits[0] == 1
        and boxes[1] == logits[1]
        and boxes[2] == 4
    )


def _tables_of(
    outputs: Sequence[Pixels],
    metadata: DetectorMetadata,
    *,
    num_names: int | None,
    input_size: tuple[int, int],
) -> list[OutputLayout]:
    """Return the layouts that the first output of three dimensions fits."""
    tables = [place for place, one in enumerate(outputs) if one.ndim == 3 and len(one) == 1]
    if not tables:
        return []
    place, table = tables[0], outputs[tables[0]][0]
    rows, columns = table.shape
    # The masks of segmentation models follow the classes, in any number of columns.
    masks = metadata.task == "segment"
    cells = cells_of(input_size)

    def classes(width: int, first: int) -> int | None:
        """Return the number of classes in a row, or None if it does not fit the names."""
        k = width - first
        if num_names is None:
            return k if k > 0 and not masks else None
        return num_names if k == num_names or (masks and k > num_names) else None

    found: list[OutputLayout] = []
    flat, tall = classes(rows, 4), classes(columns, 4)
    if columns in cells and flat:
        found.append(_layouts.yolo(place, flat, transposed=False))
    if rows in cells and tall:
        found.append(_layouts.yolo(place, tall, transposed=True))
    with_object, anchors = classes(columns, 5), {3 * n for n in cells}
    if with_object and rows in anchors:
        found.append(_layouts.yolov5(place, with_object))
    if not {rows, columns} & (cells | anchors):
        found += _final_rows(place, table, None if masks else tall, masks=masks)
    return _by_metadata(found, metadata)


def _final_rows(
    place: int, table: Pixels, num_classes: int | None, *, masks: bool
) -> list[OutputLayout]:
    """Return the layouts of tables whose rows are final boxes, not grid cells."""
    columns = table.shape[1]
    if (columns == 6 or (masks and columns > 6)) and (table[:, 5] == np.rint(table[:, 5])).all():
        scored = [] if masks else [_layouts.rt_detr_with_class(place)]
        return [_layouts.yolo_end_to_end(place), *scored]
    return [] if num_classes is None else [_layouts.rt_detr(place, num_classes)]


def _by_metadata(found: list[OutputLayout], metadata: DetectorMetadata) -> list[OutputLayout]:
    """Remove the layouts that the metadata of Ultralytics exclude."""
    if metadata.rt_detr is not None:
        return [one for one in found if (one.name == "rt-detr") == metadata.rt_detr]
    if metadata.end_to_end:
        return [one for one in found if one.name == "yolo-end-to-end"]
    return found


def cells_of(input_size: tuple[int, int]) -> set[int]:
    """Return the numbers of grid cells that YOLO networks have for an input size.

    >>> 8400 in cells_of((640, 640))
    True
    """
    counts = [(input_size[0] // side) * (input_size[1] // side) for side in _STRIDES]
    counts = [count for count in counts if count]
    return {
        sum(counts[first:last])
        for first in range(len(counts))
        for last in range(first + 2, len(counts) + 1)
    }


def _require_count(other: list[OutputLayout], num_names: int, where: str) -> None:
    """Raise if outputs fit a layout with another number of class names."""
    counts = sorted({one.num_classes for one in other if one.num_classes})
    if counts:
        needed = " or ".join(f"{count:,}" for count in counts)
        raise InvalidParameterError(
            f"class_names must have one name for each of the {needed} classes of {where}, got "
            f"{num_names:,}; pass a list of that length",
            code="wrong-length",
            parameter="class_names",
        )


def _shown(names: Sequence[str], shapes: Shapes) -> str:
    parts = [f"{name} {list(shape)}" for name, shape in zip(names, shapes, strict=True)]
    more = f" and {len(parts) - 4} more" if len(parts) > 4 else ""
    return ", ".join(parts[:4]) + more


def _misfit(
    wanted: str, found: list[OutputLayout], fitting: list[OutputLayout], shown: str, where: str
) -> BundleError | InvalidParameterError:
    """Return the error for outputs that fit no layout, several, or another than `wanted`."""
    if fitting and wanted == "auto":
        options = " or ".join(dict.fromkeys(f"layout={one.name!r}" for one in fitting))
        return InvalidParameterError(
            f"layout must be given for {where}, because its outputs {shown} fit several layouts; "
            f"pass {options}, or class_names with the names of its classes",
            code="ambiguous",
            parameter="layout",
        )
    if found or fitting:
        options = " or ".join(dict.fromkeys(f"layout={one.name!r}" for one in fitting or found))
        return InvalidParameterError(
            f"layout must fit the outputs {shown} of {where}, got {wanted!r}; pass {options}",
            code="inconsistent",
            parameter="layout",
        )
    known = ", ".join(LAYOUTS[1:])
    return BundleError(
        f"{where} cannot be used as a detector: its outputs {shown} have none of the layouts "
        f"{known}; export it with one of them, and pass class_names of the right length",
        code="foreign-format",
    )
