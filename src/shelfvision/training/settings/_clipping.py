"""`GradientClipping`: limits of the gradients in a training step.

A single batch with a very large gradient can undo many steps. Clipping by a norm keeps the
direction of the gradient and limits its length (R. Pascanu, T. Mikolov, Y. Bengio, "On the
difficulty of training recurrent neural networks", ICML 2013, algorithm 1): the gradient (3, 4) has
the norm 5, and with a limit of 1 it becomes (0.6, 0.8). Clipping by value limits each element, so
it becomes (1, 1), which has another direction.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import final

from shelfvision._validation import as_number
from shelfvision.errors import InvalidParameterError

_KERAS_NAMES = {"global_norm": "global_clipnorm", "norm": "clipnorm", "value": "clipvalue"}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GradientClipping:
    """Gradient clipping by global norm, by norm or by value. Give exactly one limit.

    Raises
    ------
    InvalidParameterError
        No limit or several limits are given, or the limit is not above 0.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.training import GradientClipping
    >>> trainer = shv.Trainer(clipping=GradientClipping(global_norm=1.0))
    """

    global_norm: float | None = None
    """Largest norm of all gradients together; larger gradients are scaled down."""
    norm: float | None = None
    """Largest norm of the gradient of each weight tensor; a larger gradient is scaled down."""
    value: float | None = None
    """Largest absolute value of each element of a gradient; elements are clipped."""

    def __post_init__(self) -> None:
        given = [name for name in _KERAS_NAMES if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidParameterError(
                f"GradientClipping takes exactly one of global_norm, norm and value, not "
                f"{len(given)} of them",
                code="conflict",
            )
        limit = as_number(given[0], getattr(self, given[0]), minimum=0.0)
        if limit == 0.0:
            raise InvalidParameterError(
                f"{given[0]} is 0, which learns nothing; give more",
                code="not-in-range",
                parameter=given[0],
            )
        object.__setattr__(self, given[0], limit)

    def to_keras(self) -> dict[str, float | None]:
        """Return the limit as arguments of a Keras optimizer.

        Returns
        -------
        dict
            ``global_clipnorm``, ``clipnorm`` and ``clipvalue``; two of them are None.
        """
        names = [field.name for field in dataclasses.fields(self)]
        return {_KERAS_NAMES[name]: getattr(self, name) for name in names}
