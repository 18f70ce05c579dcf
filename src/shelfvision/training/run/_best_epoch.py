"""`BestEpoch`: the best epoch so far, and the patience of early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

from shelfvision.errors import InvalidParameterError

Mode = Literal["min", "max"]
"""Whether a smaller or a larger value of the metric is better."""

_LARGER_IS_BETTER = (
    *("acc", "auc", "f1", "precision", "recall", "iou", "fbeta", "r2", "kappa", "score"),
    *("similarity", "sensitivity", "specificity", "top"),
)
_SMALLER_IS_BETTER = (
    *("loss", "error", "entropy", "divergence", "hinge", "logcosh", "log_cosh", "poisson"),
    *("mse", "mae", "mape", "msle", "brier", "perplexity"),
)


def mode_of(monitor: str) -> Mode:
    """Return whether a smaller or a larger value of a metric is better, from its name.

    Raises
    ------
    InvalidParameterError
        The name is ambiguous.
    """
    name = monitor.lower()
    if not name.endswith("loss") and any(part in name for part in _LARGER_IS_BETTER):
        return "max"
    if any(part in name for part in _SMALLER_IS_BETTER):
        return "min"
    raise InvalidParameterError(
        f"monitor is {monitor!r}, and its direction is not known: higher or lower may be better; "
        "set mode to 'max' or 'min'",
        code="ambiguous",
        parameter="monitor",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BestEpoch:
    """The best epoch and the state of early stopping. Checkpoints include it.

    The best epoch has the best value of the metric; of equal values, the earliest counts. An epoch
    resets the patience if its value is better than `reference` by more than `min_delta`.
    `reference` is the value of the last epoch that reset the patience.
    """

    mode: Mode
    """Whether a smaller or a larger value is better."""
    patience: int | None = None
    """Epochs without improvement before training stops; None disables early stopping."""
    min_delta: float = 0.0
    """Change of the value that an improvement must exceed to reset the patience."""
    epoch: int = 0
    """The best epoch so far, counted from 1; 0 before the first."""
    value: float = math.nan
    """The best value so far."""
    reference: float = math.nan
    """The value that an improvement must exceed by `min_delta`."""
    waited: int = 0
    """Epochs since `reference` was set."""

    def after(self, epoch: int, value: float) -> Self:
        """Return the state after `epoch` with a finite `value` of the metric."""
        better = self.epoch == 0 or self._gain(self.value, value) > 0.0
        worth_it = self.epoch == 0 or self._gain(self.reference, value) > self.min_delta
        return replace(
            self,
            epoch=epoch if better else self.epoch,
            value=value if better else self.value,
            reference=value if worth_it else self.reference,
            waited=0 if worth_it else self.waited + 1,
        )

    def _gain(self, before: float, now: float) -> float:
        return before - now if self.mode == "min" else now - before

    @property
    def out_of_patience(self) -> bool:
        """Whether `patience` epochs have passed without improvement."""
        return self.patience is not None and self.epoch > 0 and self.waited >= self.patience

    def progress(self) -> dict[str, float]:
        """Return the fields that change from epoch to epoch, as plain JSON values."""
        return {
            "epoch": self.epoch,
            "value": self.value,
            "reference": self.reference,
            "waited": self.waited,
        }

    def continued(self, progress: Mapping[str, float]) -> Self:
        """Return the state with the `progress` that a checkpoint contains."""
        return replace(
            self,
            epoch=int(progress["epoch"]),
            value=float(progress["value"]),
            reference=float(progress["reference"]),
            waited=int(progress["waited"]),
        )
