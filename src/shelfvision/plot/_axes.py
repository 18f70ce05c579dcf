"""Figures and axes for charts, and helpers that all charts share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision._validation import import_extra
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's blue and vermilion: distinct for every kind of colour vision, and in grey.
BLUE, RED, DARK = "#0072B2", "#D55E00", "#333333"


_IN_MEMORY: ContextVar[bool] = ContextVar("in_memory", default=False)


@contextmanager
def in_memory() -> Iterator[None]:
    """Make new figures without pyplot, so that they are not shown and need not be closed."""
    token = _IN_MEMORY.set(True)
    try:
        yield
    finally:
        _IN_MEMORY.reset(token)


def _figure(size: tuple[float, float]) -> Figure:
    if _IN_MEMORY.get():
        module = import_extra("matplotlib.figure", extra="plot", purpose="drawing")
        drawn: Figure = module.Figure(figsize=size, layout="constrained")
        return drawn
    pyplot = import_extra("matplotlib.pyplot", extra="plot", purpose="drawing")
    figure: Figure = pyplot.figure(figsize=size, layout="constrained")
    return figure


def axes_for(ax: Axes | None, *, size: tuple[float, float]) -> Axes:
    """Return the given axes, or axes of a new figure."""
    return _figure(size).subplots() if ax is None else ax


def panels_for(
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None,
    rows: int,
    columns: int,
    *,
    size: tuple[float, float],
    n: int | None = None,
) -> npt.NDArray[np.object_]:
    """Return a grid of axes: new axes, the given axes, or a grid that replaces a single axes."""
    if ax is None:
        return np.asarray(_figure(size).subplots(rows, columns, squeeze=False))
    if isinstance(ax, Sequence | np.ndarray):
        return _given(np.asarray(ax, dtype=object).ravel(), rows, columns, n or rows * columns)
    if rows * columns == 1:
        return np.array([[ax]], dtype=object)
    place, figure = ax.get_subplotspec(), ax.get_figure(root=False)
    if place is None or figure is None:
        raise InvalidParameterError(
            f"ax has no place in a grid for {rows * columns} panels; make it with add_subplot or "
            "subplots, or give an axes for every panel",
            code="no-place",
            parameter="ax",
        )
    ax.set_axis_off()
    inner = place.subgridspec(rows, columns)
    return np.asarray(inner.subplots(squeeze=False))


def _given(
    axes: npt.NDArray[np.object_], rows: int, columns: int, n: int
) -> npt.NDArray[np.object_]:
    if len(axes) < n:
        raise InvalidParameterError(
            f"ax has {len(axes)} axes for {n} panels; give one for each, or a single one",
            code="wrong-length",
            parameter="ax",
        )
    if len(axes) >= rows * columns:
        return axes[: rows * columns].reshape(rows, columns)
    return axes[:n].reshape(1, n)


def show_photo(panel: Axes, image: Image) -> None:
    """Draw a photo without scaling and ticks."""
    panel.imshow(np.asarray(image), interpolation="nearest")
    panel.set(xticks=[], yticks=[])


def require_same_length(columns: Mapping[str, int], n: int) -> None:
    """Refuse columns whose length is not the number of photos, and zero photos."""
    if n == 0:
        raise InvalidParameterError(
            "there must be a photo to draw, got none; give at least one", code="empty"
        )
    for name, length in columns.items():
        if length != n:
            raise InvalidParameterError(
                f"{name} has {length} entries for {n} photos; give one for each",
                code="wrong-length",
                parameter=name,
            )


def cut(name: str, limit: int) -> str:
    """Return a name on one line, shortened in the middle, where names differ least."""
    name = printable(name)
    if len(name) <= limit:
        return name
    head = (limit - 1) // 2
    return f"{name[:head]}…{name[head + 1 - limit :]}"
