"""`GradientClipping`: how large a gradient may be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from shelfvision._validation import as_number
from shelfvision.errors import InvalidParameterError

_KERAS_NAMES = {"global_norm": "global_clipnorm", "norm": "clipnorm", "value": "clipvalue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientClipping:
    """The largest gradient that a step may take; exactly one of the three is given.

    Raises
    ------
    InvalidParameterError
        None or several are given, or a limit is not above 0.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.training import GradientClipping
    >>> trainer = shv.Trainer(clipping=GradientClipping(global_norm=1.0))
    """

    global_norm: float | None = None
    """All gradients together are scaled down to this length."""
    norm: float | None = None
    """The gradient of each weight tensor is scaled down to this length."""
    value: float | None = None
    """Every number of a gradient is cut to lie between minus this and this."""

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
        """Return the setting by the names that Keras's optimizers have for it.

        Returns
        -------
        dict
            All three of Keras's settings; two of them are None.
        """
        names = [field.name for field in dataclasses.fields(self)]
        return {_KERAS_NAMES[name]: getattr(self, name) for name in names}
