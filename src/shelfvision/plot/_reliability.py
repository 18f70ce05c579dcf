"""Picture of whether confidences can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from shelfvision.errors import InvalidParameterError
from shelfvision.plot._axes import BLUE, DARK, RED, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HasRange(Protocol):
    """One bar: the photos whose confidence lies in one range."""

    @property
    def low(self) -> float:
        """Where the range begins."""
        ...

    @property
    def high(self) -> float:
        """Where the range ends."""
        ...

    @property
    def n(self) -> int:
        """How many photos there are."""
        ...

    @property
    def confidence(self) -> float:
        """Their mean confidence."""
        ...

    @property
    def accuracy(self) -> float:
        """The share of them that are right."""
        ...


@runtime_checkable
class HasReliability(Protocol):
    """What an evaluation report shows of itself here."""

    @property
    def reliability(self) -> Sequence[HasRange]:
        """The bars, the least confident first."""
        ...


def reliability(
    report_or_bins: HasReliability | Sequence[HasRange], *, ax: Axes | None = None
) -> Axes:
    """Draw a reliability diagram: how often photos of each confidence are right.

    Above the dashed line a classifier is better than it says, below it claims too much. Under the
    bars stands how many photos each has; a bar of few photos means little.

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
            "there is no range of confidence to draw; give at least one",
            code="empty",
            parameter="report_or_bins",
        )
    axes = axes_for(ax, size=(4.4, 4.2))
    for part in bins:
        wide = part.high - part.low
        axes.bar(
            part.low, part.accuracy, wide, align="edge", color=BLUE, alpha=0.6,
            edgecolor="white", linewidth=0.8,
        )  # fmt: skip
        axes.text(
            part.low + wide / 2, -0.02, f"{part.n:,}", ha="center", va="top", rotation=90,
            fontsize=7, color=DARK,
        )  # fmt: skip
    axes.plot(
        [part.confidence for part in bins], [part.accuracy for part in bins], "o", color=RED,
        markersize=4, label="at its mean confidence",
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], "--", color=DARK, linewidth=1, label="calibrated")
    axes.set(xlim=(0, 1), ylim=(-0.14, 1.02), xlabel="confidence", ylabel="share right")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return axes
