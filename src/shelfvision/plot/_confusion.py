"""Chart of a confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._validation import one_of
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import DARK, axes_for, cut
from shelfvision.protocols import ClassNames

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LABELLED = 100
"""The largest number of classes whose names and counts are readable."""
_SIDE = 9.0
"""The width of a figure of more classes, in inches."""


class HasConfusion(Protocol):
    """The interface of an evaluation report that this chart reads."""

    @property
    def confusion(self) -> npt.NDArray[np.integer]:
        """Counts, a row for every true class and a column for every predicted one."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the rows."""
        ...


def confusion_matrix(
    matrix_or_report: npt.ArrayLike | HasConfusion,
    class_names: ClassNames | None = None,
    *,
    normalize: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a confusion matrix.

    Colour always shows the share of the row, so that rare and common classes are comparable. Above
    100 classes, names and counts are omitted.

    Parameters
    ----------
    matrix_or_report : array_like of int, shape (k, k), or an evaluation report
        Counts, a row for every true class and a column for every predicted one.
    class_names : iterable of str, length k, optional
        The classes; by default those of the report, or numbers.
    normalize : {"true", "pred", "all"}, optional
        Show shares of the row, of the column or of all photos; by default counts.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    InvalidParameterError
        The matrix is not square, or the number of names differs from its size.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> axes = shv.plot.confusion_matrix([[8, 2], [1, 9]], ["juice", "milk"])
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['juice', 'milk']
    """
    counts, names = _named_matrix(matrix_or_report, class_names)
    shown = counts if normalize is None else _shares(counts, normalize)
    k = len(names)
    labelled = k <= _MOST_LABELLED
    # A figure that grows with the number of classes would need gigabytes for a thousand.
    side = 1.6 + max(0.34 * k, 2.6) + 0.08 * min(max(map(len, names)), 40) if labelled else _SIDE
    axes = axes_for(ax, size=(side, side * 0.94))
    shading = _shares(counts, "true")
    image = axes.imshow(shading, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("predicted" if labelled else "number of the predicted class")
    axes.set_ylabel("true" if labelled else "number of the true class")
    if labelled:
        axes.set_xticks(range(k), [cut(name, 40) for name in names], rotation=90, parse_math=False)
        axes.set_yticks(range(k), [cut(name, 40) for name in names], parse_math=False)
        _write_cells(axes, shown, shading, counts)
    bar = axes.get_figure(root=False)
    if bar is not None:
        bar.colorbar(image, ax=axes, fraction=0.04, pad=0.02, label="share of the true class")
    return axes


def _write_cells(
    axes: Axes,
    shown: npt.NDArray[np.generic],
    shading: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
) -> None:
    """Write the value of each cell, in large matrices only where it is not 0."""
    k = len(counts)
    whole = shown.dtype.kind in "iu"
    for row, column in zip(*np.nonzero(counts if k > 12 else np.ones_like(counts)), strict=True):
        text = f"{shown[row, column]:d}" if whole else f"{shown[row, column]:.2f}"
        ink = "white" if shading[row, column] > 0.5 else DARK
        small = 9 if k <= 12 else 6
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=small)


def _named_matrix(
    given: npt.ArrayLike | HasConfusion, class_names: ClassNames | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    confusion = getattr(given, "confusion", given)
    try:
        counts = np.asarray(confusion)
    except ValueError:
        # Rows of different lengths.
        counts = np.empty(0)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise InvalidParameterError(
            "a confusion matrix must be square, a row and a column for every class, not of shape "
            f"{counts.shape}",
            code="wrong-shape",
            parameter="matrix_or_report",
        )
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise InvalidParameterError(
            "a confusion matrix must hold counts, whole numbers from 0; shares are made by "
            "normalize='true'",
            code="wrong-type",
            parameter="matrix_or_report",
        )
    names = getattr(given, "class_names", None) if class_names is None else class_names
    chosen = as_class_names(map(str, range(len(counts))) if names is None else names)
    if len(chosen) != len(counts):
        raise InvalidParameterError(
            f"class_names has {len(chosen)} names for a matrix of {len(counts)} classes; give one "
            "for each",
            code="wrong-length",
            parameter="class_names",
        )
    return counts.astype(np.int64), chosen


def _shares(counts: npt.NDArray[np.int64], by: str) -> npt.NDArray[np.float64]:
    axis = {"true": 1, "pred": 0, "all": None}[one_of("normalize", by, ("true", "pred", "all"))]
    total = np.asarray(counts.sum(axis=axis, keepdims=True))
    return np.asarray(counts / np.maximum(total, 1), dtype=np.float64)
