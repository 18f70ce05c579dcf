"""Charts of photos: predictions, mistakes and augmented copies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import DARK, RED, cut, panels_for, require_same_length, show_photo
from shelfvision.protocols import Image, Images

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def predictions(
    images: Images | Sequence[Image],
    predicted: Sequence[str | None] | npt.NDArray[np.object_],
    confidences: Sequence[float] | npt.NDArray[np.floating],
    true: Sequence[str] | npt.NDArray[np.object_] | None = None,
    *,
    n_columns: SupportsIndex = 6,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw photos with their predictions; mistakes are framed and crossed.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, 3), or sequence of images
        The photos, RGB, 0 to 255.
    predicted : sequence of str, length n
        The predicted class names; None for a photo that could not be read.
    confidences : sequence of float, length n
        The confidence of each prediction, 0 to 1.
    true : sequence of str, length n, optional
        The true class names; without them no mistakes are marked.
    n_columns : int, default=6
        The number of columns.
    ax : Axes or sequence of Axes, optional
        One axes for every photo, or a single axes that the grid replaces. By default a new figure.

    Returns
    -------
    ndarray of Axes, shape (n,)
        The axes of the photos.

    Raises
    ------
    InvalidParameterError
        The columns differ in length or are empty, or `images` are not arrays of pixels.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> images, _ = shv.samples.render_products(1).to_arrays()
    >>> axes = shv.plot.predictions(images[:2], ["Can", "Jar"], [0.91, 0.42], ["Can", "Can"])
    >>> print(axes[1].get_title())
    Jar 42 %
    true: Can
    """
    columns = {"predicted": len(predicted), "confidences": len(confidences)}
    columns |= {} if true is None else {"true": len(true)}
    require_same_length(columns, len(images))
    _require_pixels(images[0])
    across = min(as_integer("n_columns", n_columns, minimum=1), len(images))
    down = math.ceil(len(images) / across)
    grid = panels_for(ax, down, across, size=(1.75 * across, 2.2 * down), n=len(images))
    axes = grid.ravel()
    for position, panel in enumerate(axes[: len(images)]):
        answer = None if true is None else true[position]
        show_photo(panel, images[position])
        _judge(panel, predicted[position], float(confidences[position]), answer)
    for panel in axes[len(images) :]:
        panel.set_axis_off()
    return np.asarray(axes[: len(images)])


def _require_pixels(image: object) -> None:
    # Users may pass a dataset or paths by mistake.
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "uifb":
        raise InvalidParameterError(
            f"images must be arrays of pixels, but the first is of type {type(image).__name__}; "
            "of a dataset, pass dataset.to_arrays()[0]",
            code="wrong-type",
            parameter="images",
        )


def _judge(panel: Axes, predicted: str | None, confidence: float, true: str | None) -> None:
    wrong = true is not None and predicted != true
    if predicted is None:
        lines = ["not readable"]
    else:
        lines = [f"{cut(predicted, 20)} {100 * confidence:.0f} %"]
    if true is not None:
        lines.append(f"true: {cut(true, 20)}" if wrong else "")
    colour = RED if wrong else DARK
    panel.set_title("\n".join(lines), fontsize=8, color=colour, parse_math=False)
    for spine in panel.spines.values():
        spine.set(color=colour, linewidth=3 if wrong else 0.8)
    if wrong:
        panel.plot(
            0.9,
            0.9,
            marker="X",
            markersize=13,
            color=RED,
            markeredgecolor="white",
            transform=panel.transAxes,
            clip_on=False,
        )


class HasMistake(Protocol):
    """The interface of a photo with a wrong prediction."""

    @property
    def true(self) -> str:
        """The true class, from the label."""
        ...

    @property
    def predicted(self) -> str:
        """The predicted class."""
        ...

    @property
    def confidence(self) -> float:
        """The probability of the predicted class, 0 to 1."""
        ...


class HasMistakes(Protocol):
    """The interface of an evaluation report that this chart reads."""

    def top_mistakes(self, k: SupportsIndex) -> Sequence[HasMistake]:
        """Return the most confident mistakes."""
        ...

    def mistake_photos(self, k: SupportsIndex, *, heat_maps: bool) -> Images:
        """Return the pixels of these mistakes."""
        ...


def mistakes(
    report: HasMistakes,
    k: SupportsIndex = 12,
    *,
    heat_maps: bool = False,
    n_columns: SupportsIndex = 6,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw the most confident mistakes of an evaluation report.

    Parameters
    ----------
    report : EvaluationReport
        The result of `evaluate`.
    k : int, default=12
        The maximum number of mistakes.
    heat_maps : bool, default=False
        Whether to draw the heat map of the predicted class, from `explain`, over each photo.
    n_columns : int, default=6
        The number of columns.
    ax : Axes or sequence of Axes, optional
        One axes for every photo, or a single axes that the grid replaces. By default a new figure.

    Returns
    -------
    ndarray of Axes, shape (number of mistakes,)
        The axes of the photos.

    Raises
    ------
    DataError
        The report has no mistakes, or the report was not made by `evaluate` or was pickled.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> class AlwaysCan:
    ...     class_names = ("Can", "Jar")
    ...
    ...     def predict(self, photos):
    ...         rows = np.tile([0.9, 0.1], (len(photos), 1))
    ...         return shv.Predictions(rows, self.class_names, photos.ids)
    >>> photos = shv.samples.render_products({"Can": 2, "Jar": 3})
    >>> len(shv.plot.mistakes(shv.evaluate(AlwaysCan(), photos)))
    3
    """
    images = report.mistake_photos(k, heat_maps=heat_maps)
    found = report.top_mistakes(k)
    return predictions(
        images,
        [mistake.predicted for mistake in found],
        [mistake.confidence for mistake in found],
        [mistake.true for mistake in found],
        n_columns=n_columns,
        ax=ax,
    )


def augmentations(
    originals: Images,
    copies: npt.NDArray[np.uint8],
    *,
    names: Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw photos beside their augmented copies.

    Parameters
    ----------
    originals : ndarray of uint8, shape (n, height, width, 3)
        The photos, RGB, 0 to 255.
    copies : ndarray of uint8, shape (n, m, height, width, 3)
        The copies of each photo.
    names : sequence of str, optional
        A name for every column of copies; by default ``"copy 1"``, ``"copy 2"``, ….
    ax : Axes or sequence of Axes, optional
        One axes for every picture, row by row, or a single axes that the grid replaces. By
        default a new figure.

    Returns
    -------
    ndarray of Axes, shape (n, 1 + m)
        A row for every photo: the original, then its copies.

    Raises
    ------
    InvalidParameterError
        The shapes of the arrays do not match.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> originals, _ = shv.samples.render_products(1).to_arrays()
    >>> copies = np.stack([originals[:, :, ::-1], 255 - originals], axis=1)
    >>> shv.plot.augmentations(originals, copies).shape
    (5, 3)
    """
    if np.ndim(originals) != 4 or np.ndim(copies) != 5 or len(originals) != len(copies):
        raise InvalidParameterError(
            "augmentations needs originals of shape (n, height, width, 3) and copies of shape "
            f"(n, m, height, width, 3), not {np.shape(originals)} and {np.shape(copies)}",
            code="wrong-shape",
            parameter="copies",
        )
    rows, many = np.shape(copies)[:2]
    require_same_length({}, rows)
    titles = [f"copy {number}" for number in range(1, 1 + many)] if names is None else names
    if len(titles) != many:
        raise InvalidParameterError(
            f"names has {len(titles)} entries for {many} columns of copies; give one for each",
            code="wrong-length",
            parameter="names",
        )
    grid = panels_for(ax, rows, 1 + many, size=(1.5 * (1 + many), 1.5 * rows + 0.3))
    for row in range(rows):
        for column, picture in enumerate([originals[row], *copies[row]]):
            show_photo(grid[row, column], picture)
            for spine in grid[row, column].spines.values():
                spine.set(color=DARK, linewidth=2.5 if column == 0 else 0.5)
    for panel, title in zip(grid[0], ["original", *titles], strict=True):
        panel.set_title(title, fontsize=9)
    return grid
