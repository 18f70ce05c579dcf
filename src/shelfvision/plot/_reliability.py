"""Chart of calibration: the reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import BLUE, DARK, RED, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HasRange(Protocol):
    """The interface of a bin: the photos whose confidence is in one range."""

    @property
    def low(self) -> float:
        """The lower end of the range."""
        ...

    @property
    def high(self) -> float:
        """The upper end of the range."""
        ...

    @property
    def n(self) -> int:
        """The number of photos."""
        ...

    @property
    def confidence(self) -> float:
        """Their mean confidence."""
        ...

    @property
    def accuracy(self) -> float:
        """The share of correct predictions."""
        ...


@runtime_checkable
class HasReliability(Protocol):
    """The interface of an evaluation report that this chart reads."""

    @property
    def reliability(self) -> Sequence[HasRange]:
        """The bins, the lowest confidence first."""
        ...


def reliability(
    report_or_bins: HasReliability | Sequence[HasRange], *, ax: Axes | None = None
) -> Axes:
    """Draw a reliability diagram: the accuracy for each range of confidence.

    Bars above the dashed line mean that confidence is too low, bars below it that confidence is
    too high. The number of photos is under each bar; bars with few photos are imprecise.

    Parameters
    ----------
    report_or_bins : evaluation report, or its `reliability`
        The ranges of confidence that have photos.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    InvalidParameterError
        There is nothing to draw.
    MissingDependencyError
        matplotlib is not installed.

    References
    ----------
    M. DeGroot, S. Fienberg, "The comparison and evaluation of forecasters", The Statistician 32
    (1983) 12-22.

    Examples
    --------
    >>> import shelfvision as shv
    >>> found = shv.Predictions([[0.9, 0.1], [0.3, 0.7]], ["can", "jar"], ["a.jpg", "b.jpg"])
    >>> axes = shv.plot.reliability(shv.EvaluationReport(found, [0, 0]))
    >>> axes.get_xlabel()
    'confidence'
    """
    given = report_or_bins
    bins = list(given.reliability if isinstance(given, HasReliability) else given)
    if not bins:
        raise InvalidParameterError(
            "report_or_bins must have a range of confidence to draw, got none; give at least one",
            code="empty",
            parameter="report_or_bins",
        )
    axes = axes_for(ax, size=(4.4, 4.2))
    for part in bins:
        wide = part.high - part.low
        axes.bar(
            part.low,
            part.accuracy,
            wide,
            align="edge",
            color=BLUE,
            alpha=0.6,
            edgecolor="white",
            linewidth=0.8,
        )
        axes.text(
            part.low + wide / 2,
            -0.02,
            f"{part.n:,}",
            ha="center",
            va="top",
            rotation=90,
            fontsize=7,
            color=DARK,
        )
    axes.plot(
        [part.confidence for part in bins],
        [part.accuracy for part in bins],
        "o",
        color=RED,
        markersize=4,
        label="at its mean confidence",
    )
    axes.plot([0, 1], [0, 1], "--", color=DARK, linewidth=1, label="calibrated")
    axes.set(xlim=(0, 1), ylim=(-0.14, 1.02), xlabel="confidence", ylabel="share right")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return axes
