"""`ModelSpec`: all parameters for building a model again, as plain values."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias, final

from shelfvision._class_names import MAX_CLASSES
from shelfvision._validation import as_image_size, as_integer, as_number, as_seed
from shelfvision.errors import InvalidParameterError, ModelError

if TYPE_CHECKING:
    import keras

MAX_SIDE = 4_096
"""The largest height or width, in pixels, that a model may take."""

Plain: TypeAlias = str | int | float | list[int] | None
"""A JSON value."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The parameters from which a builder builds a model.

    Raises
    ------
    InvalidParameterError
        A parameter is out of range or has the wrong type.
    """

    architecture: str
    """The name of the architecture in the registry."""
    num_classes: int
    """The number of classes, from 2 to 65536."""
    image_size: tuple[int, int] = (100, 100)
    """Height and width of the model input in pixels, up to 4096 each."""
    dropout: float | None = None
    """The rate of all dropout layers; None for the architecture's defaults."""
    seed: int = 42
    """The seed of initial weights and dropout."""

    def __post_init__(self) -> None:
        """Check all parameters and convert them to plain Python values."""
        if not _is_name(self.architecture):
            raise InvalidParameterError(
                f"architecture must be the name of one, not {self.architecture!r}",
                code="wrong-type",
                parameter="architecture",
            )
        if self.num_classes == 1:
            raise InvalidParameterError(
                "num_classes must be at least 2, got 1; add a second class",
                code="not-in-range",
                parameter="num_classes",
            )
        number = as_integer("num_classes", self.num_classes, minimum=2, maximum=MAX_CLASSES)
        object.__setattr__(self, "num_classes", number)
        object.__setattr__(self, "image_size", _checked_size(self.image_size))
        object.__setattr__(self, "seed", as_seed(self.seed))
        if self.dropout is not None:
            object.__setattr__(self, "dropout", _checked_rate(self.dropout))

    def to_dict(self) -> dict[str, Plain]:
        """Return the parameters as plain JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"image_size": list(self.image_size)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the spec from the values of `to_dict`.

        Parameters
        ----------
        values : mapping
            All parameters by name.

        Returns
        -------
        ModelSpec
            The spec.

        Raises
        ------
        InvalidParameterError
            A parameter is missing, unknown or invalid.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, Mapping) or set(values) != names:
            got = sorted(values) if isinstance(values, Mapping) else repr(values)
            raise InvalidParameterError(
                f"a model's settings must be exactly {sorted(names)}, not {got}",
                code="foreign-format",
            )
        size = values["image_size"]
        if not isinstance(size, list) or any(type(side) is not int for side in size):
            raise InvalidParameterError(
                f"image_size must be [height, width], not {size!r}",
                code="wrong-type",
                parameter="image_size",
            )
        spec = cls(**(dict(values) | {"image_size": tuple(size)}))  # type: ignore[arg-type]  # checked above and in __post_init__
        if any(type(values[name]) is not int for name in ("num_classes", "seed")):
            raise InvalidParameterError(
                "num_classes and seed must be whole numbers",
                code="wrong-type",
                parameter="num_classes",
            )
        return spec


_specs: weakref.WeakKeyDictionary[keras.Model, ModelSpec] = weakref.WeakKeyDictionary()


def set_spec(model: keras.Model, spec: ModelSpec) -> None:
    """Store the spec that `model` was built from."""
    _specs[model] = spec


def spec_of(model: keras.Model) -> ModelSpec | None:
    """Return the spec that `model` was built from; None for models not built by this library."""
    return _specs.get(model)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 200


def _checked_size(value: tuple[int, int]) -> tuple[int, int]:
    size = as_image_size(value)
    if max(size) > MAX_SIDE:
        raise ModelError(
            f"image_size {size} is too large: a model takes at most {MAX_SIDE} pixels a side; "
            "choose a smaller one",
            code="too-large",
            parameter="image_size",
        )
    return size


def _checked_rate(value: float) -> float:
    rate = as_number("dropout", value, minimum=0.0, maximum=1.0)
    if rate == 1.0:
        raise InvalidParameterError(
            "dropout is 1.0, which would drop everything; give a rate from 0 to below 1",
            code="not-in-range",
            parameter="dropout",
        )
    return rate
