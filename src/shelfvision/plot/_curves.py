"""Charts of training curves and class balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._validation import as_integer
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import BLUE, DARK, RED, axes_for, cut, panels_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HasHistory(Protocol):
    """The interface of a training result that this chart reads."""

    @property
    def history(self) -> Mapping[str, Sequence[float]]:
        """A list with a value for each epoch, for every metric."""
        ...

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept."""
        ...


def history(
    history: Mapping[str, Sequence[float]] | HasHistory,
    *,
    best_epoch: SupportsIndex | None = None,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Draw training curves: loss and accuracy of each epoch, in training and validation.

    Parameters
    ----------
    history : mapping of str to list of float, or a training result
        Lists with a value for every epoch: ``"loss"``, ``"accuracy"`` and, with a validation set,
        ``"val_loss"`` and ``"val_accuracy"``. Other entries are not drawn.
    best_epoch : int, optional
        The epoch to mark, counted from 1; by default that of the training result.
    ax : Axes or sequence of Axes, optional
        One axes for every panel, or a single axes that the panels replace. By default a new
        figure.

    Returns
    -------
    ndarray of Axes, shape (number of panels,)
        The panels: loss, then accuracy, if `history` has them.

    Raises
    ------
    InvalidParameterError
        There is nothing to draw, or no such epoch.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> epochs = {"loss": [0.5, 0.3], "val_loss": [0.6, 0.4], "accuracy": [0.4, 0.8]}
    >>> panels = shv.plot.history(epochs, best_epoch=2)
    >>> [panel.get_ylabel() for panel in panels]
    ['loss', 'accuracy']
    """
    if not isinstance(history, Mapping) and not hasattr(history, "history"):
        raise InvalidParameterError(
            "history must be a training result, or a dictionary with the lists 'loss' and "
            f"'accuracy', not {type(history).__name__}",
            code="wrong-type",
            parameter="history",
        )
    if isinstance(history, Mapping):
        curves, best = history, best_epoch
    else:
        curves = history.history
        best = history.best_epoch if best_epoch is None else best_epoch
    metrics = [metric for metric in ("loss", "accuracy") if len(curves.get(metric, ()))]
    if not metrics:
        raise InvalidParameterError(
            "history has no epochs to draw; give a dictionary with the lists 'loss' and 'accuracy'",
            code="empty",
            parameter="history",
        )
    epochs = max(len(curves[metric]) for metric in metrics)
    marked = None if best is None else as_integer("best_epoch", best, minimum=1, maximum=epochs)
    panels = np.asarray(panels_for(ax, 1, len(metrics), size=(4.6 * len(metrics), 3.4))[0])
    for panel, metric in zip(panels, metrics, strict=True):
        _curves(panel, metric, curves, marked)
    panels[-1].legend(frameon=False)
    return panels


def _curves(
    panel: Axes, metric: str, curves: Mapping[str, Sequence[float]], best: int | None
) -> None:
    styles = (
        ("training", metric, "-", "o", BLUE),
        ("validation", f"val_{metric}", "--", "s", RED),
    )
    for label, key, line, marker, colour in styles:
        values = curves.get(key, ())
        if not len(values):
            continue
        epochs = np.arange(1, len(values) + 1)
        few = marker if len(values) <= 40 else None
        panel.plot(epochs, values, line, marker=few, markersize=3, color=colour, label=label)
    if best is not None:
        panel.axvline(best, color=DARK, linewidth=1, linestyle=":", label=f"best epoch: {best}")
    panel.set_xlabel("epoch")
    panel.set_ylabel(metric)
    panel.locator_params(axis="x", integer=True)
    panel.grid(visible=True, alpha=0.3)
    if metric == "accuracy":
        panel.set_ylim(0, 1.02)
    elif panel.dataLim.y0 >= 0:
        panel.set_ylim(bottom=0)


def class_balance(
    before: Mapping[str, int], after: Mapping[str, int] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the number of photos of each class, before and after balancing.

    Parameters
    ----------
    before : mapping of str to int
        Numbers of photos by class name, such as `Dataset.class_counts`.
    after : mapping of str to int, optional
        The numbers after balancing.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    InvalidParameterError
        The mapping has no classes.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> axes = shv.plot.class_balance({"juice": 30, "milk": 10}, {"juice": 30, "milk": 30})
    >>> axes.get_xlabel()
    'photos'
    """
    for name, counts in (("before", before), ("after", {} if after is None else after)):
        if not isinstance(counts, Mapping):
            raise InvalidParameterError(
                "class_balance takes numbers of photos by class name, as dataset.class_counts "
                f"gives them, not {type(counts).__name__}",
                code="wrong-type",
                parameter=name,
            )
    given = tuple(dict.fromkeys([*before, *(after or ())]))
    names = as_class_names(given)
    parts = [("before", before, BLUE, "")]
    if after is not None:
        parts.append(("after", after, "#F0C9A8", "///"))
    axes = axes_for(ax, size=(6.4, 1.1 + 0.26 * len(names) * len(parts) + 0.1 * len(names)))
    thick = 0.8 / len(parts)
    for position, (label, counts, colour, hatch) in enumerate(parts):
        level = np.arange(len(names)) + (position - (len(parts) - 1) / 2) * thick
        numbers = [counts.get(name, 0) for name in given]
        bars = axes.barh(
            level,
            numbers,
            thick,
            color=colour,
            hatch=hatch,
            edgecolor=DARK,
            linewidth=0.6,
            label=label,
        )
        axes.bar_label(bars, padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), [cut(name, 40) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel("photos")
    axes.spines[["top", "right"]].set_visible(False)
    if after is not None:
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    return axes
