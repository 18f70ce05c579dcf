"""Charts as SVG files for HTML pages, drawn in memory without pyplot."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from shelfvision._validation import import_extra
from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import in_memory

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def as_svg(chart: Callable[[], Axes]) -> bytes:
    """Return a chart of a function of ``shelfvision.plot`` as an SVG file.

    Parameters
    ----------
    chart : callable
        A function that draws a chart in a new figure and returns its axes. Figures that functions
        of ``shelfvision.plot`` make inside it are not registered with pyplot.

    Returns
    -------
    bytes
        The content of the file; the same chart gives the same bytes.

    Raises
    ------
    InvalidParameterError
        `chart` is not a function, or it returns axes without a figure.
    MissingDependencyError
        matplotlib is not installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> svg = shv.plot.as_svg(lambda: shv.plot.class_balance({"Can": 3, "Jar": 2}))
    >>> svg[:5]
    b'<?xml'
    """
    if not callable(chart):
        raise InvalidParameterError(
            f"chart must be a function that draws a chart, got {chart!r:.100}; pass a lambda",
            code="wrong-type",
            parameter="chart",
        )
    matplotlib = import_extra("matplotlib", extra="plot", purpose="drawing")
    file = io.BytesIO()
    # Without a salt, the ids inside the file are random; without a date, it is the current time.
    with in_memory(), matplotlib.rc_context({"svg.hashsalt": "shelfvision"}):
        figure = chart().get_figure(root=True)
        if figure is None:
            raise InvalidParameterError(
                "chart must return axes of a figure, got axes without one; return the axes of a "
                "shelfvision.plot function",
                code="wrong-type",
                parameter="chart",
            )
        figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None})
    return file.getvalue()
