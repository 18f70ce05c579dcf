"""Detect NaN and infinity: in metrics after each step, and in weights before they are saved.

The weights are checked too, because they can become NaN in a step whose loss is still finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._validation import listed
from shelfvision.errors import TrainingError
from shelfvision.training.run._state import Arrays

if TYPE_CHECKING:
    import keras

ADVICE = "train with a smaller learning_rate or clip the optimizer's gradients"


def require_numbers(metrics: Mapping[str, object]) -> None:
    """Refuse metrics that are not single numbers."""
    for name, value in metrics.items():
        if not isinstance(value, float | int):
            raise TrainingError(
                f"the metric {name!r} does not give a single number, which a run keeps for every "
                "epoch; compile the model with a metric that averages its values, or without it",
                code="wrong-metrics",
                parameter="model",
            )


def require_finite_step(metrics: Mapping[str, float], *, epoch: int, step: int, kept: str) -> None:
    """Refuse a loss that is NaN or infinite."""
    loss = metrics.get("loss", 0.0)
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss became {loss} in step {step} of epoch {epoch}; {kept}; {ADVICE}",
            code="diverged",
        )


def require_finite_epoch(
    metrics: Mapping[str, float], *, monitor: str, epoch: int, steps: int, kept: str
) -> None:
    """Refuse an epoch whose `monitor` is missing, or whose losses or `monitor` are not finite."""
    if monitor not in metrics:
        raise TrainingError(
            f"monitor is {monitor!r}, but the model measures {listed(metrics)}; name one of these",
            code="unknown-name",
            parameter="monitor",
        )
    for name in ("loss", "val_loss", monitor):
        value = metrics.get(name, 0.0)
        if not math.isfinite(value):
            raise TrainingError(
                f"{name} is {value} at the end of epoch {epoch}, after its {steps} steps; {kept}; "
                f"{ADVICE}",
                code="diverged",
            )


class WeightsWatch:
    """Check that variables that are finite at the start remain finite.

    Parameters
    ----------
    variables : sequence of keras.Variable
        All variables of the model. Some, such as masks, may be infinite from the start.
    """

    def __init__(self, variables: Sequence[keras.Variable]) -> None:
        self._names = [variable.path for variable in variables]
        self._watched = [_is_finite(np.asarray(variable.numpy())) for variable in variables]

    def require_finite(self, values: Arrays, *, epoch: int, step: int, kept: str) -> None:
        """Refuse weights that have become NaN or infinite."""
        for name, watched, value in zip(self._names, self._watched, values, strict=True):
            if watched and not _is_finite(value):
                what = "nan" if np.isnan(value.astype(np.float64)).any() else "infinite"
                raise TrainingError(
                    f"the weights {name!r} became {what} by step {step} of epoch {epoch}, though "
                    f"the loss is still a number; {kept}; {ADVICE}",
                    code="diverged",
                )


def _is_finite(values: npt.NDArray[np.generic]) -> bool:
    return values.dtype.kind in "biu" or bool(np.isfinite(values).all())
