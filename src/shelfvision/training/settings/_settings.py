"""What a `Trainer` may be set to, and how a setting is told to people and to files."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from shelfvision._progress import Verbose
from shelfvision.augment.identity import augmenter_identity, recipe_or_name
from shelfvision.data.splitting.leaks import OnLeak
from shelfvision.protocols import Augmenter
from shelfvision.training.run._state import Json
from shelfvision.training.settings._class_weight import ClassWeight
from shelfvision.training.settings._clipping import GradientClipping
from shelfvision.training.settings._schedules import CosineSchedule, PlateauSchedule, Schedule

if TYPE_CHECKING:
    import keras
    from _typeshed import DataclassInstance

Resume: TypeAlias = Literal["auto", "never", "must"]
"""Whether a run on disk is continued: if there is one, never, or it has to be there."""
MixedPrecision: TypeAlias = Literal["float16", "bfloat16"]
"""The type in which layers compute while weights stay float32."""

RESUME = ("auto", "never", "must")
UNSET = MappingProxyType(
    {
        "optimizer": "adam",
        "learning_rate": None,
        "loss": "auto",
        "clipping": None,
        "weight_decay": None,
        "label_smoothing": 0.0,
        "mixed_precision": None,
        "steps_per_execution": 1,
        "layer_decay": 1.0,
    }
)
"""The settings that a model is compiled with, as they are where nobody has chosen."""

VALUES: Mapping[str, tuple[type[DataclassInstance], ...]] = MappingProxyType(
    {"schedule": (CosineSchedule, PlateauSchedule), "clipping": (GradientClipping,)}
)
"""Settings that are values of our own, and what they may be; they are told by their fields."""


class Settings(Protocol):
    """What a run has to know of the `Trainer` that it belongs to; its fields tell more."""

    @property
    def epochs(self) -> int:
        """At most how often every photo is seen."""

    @property
    def batch_size(self) -> int:
        """The photos in a step."""

    @property
    def optimizer(self) -> str | keras.optimizers.Optimizer:
        """A name, or a pattern."""

    @property
    def learning_rate(self) -> float | keras.optimizers.schedules.LearningRateSchedule | None:
        """The step size; None for the optimizer's own."""

    @property
    def schedule(self) -> Schedule | None:
        """How the step size changes."""

    @property
    def clipping(self) -> GradientClipping | None:
        """How large a gradient may be."""

    @property
    def weight_decay(self) -> float | None:
        """What a step takes away from every weight."""

    @property
    def loss(self) -> str | keras.losses.Loss | Callable[..., object]:
        """The quantity to minimize."""

    @property
    def label_smoothing(self) -> float:
        """The share of a label that all classes get."""

    @property
    def class_weight(self) -> ClassWeight | None:
        """How much each class counts."""

    @property
    def mixed_precision(self) -> MixedPrecision | None:
        """The type in which layers compute."""

    @property
    def steps_per_execution(self) -> int:
        """The steps that Keras runs at a time."""

    @property
    def fine_tune(self) -> str | None:
        """The part of a pretrained model that learns."""

    @property
    def views(self) -> int:
        """The views of a photo that the frozen part is run over."""

    @property
    def cache_dir(self) -> str | os.PathLike[str] | None:
        """The folder of what the frozen part gives."""

    @property
    def layer_decay(self) -> float:
        """How the step size shrinks from layer to layer, downwards."""

    @property
    def patience(self) -> int | None:
        """The epochs to wait for something better."""

    @property
    def augmenter(self) -> Augmenter | None:
        """What varies every photo in every epoch."""

    @property
    def checkpoint_dir(self) -> str | os.PathLike[str] | None:
        """The run's folder."""

    @property
    def callbacks(self) -> Sequence[keras.callbacks.Callback]:
        """The caller's."""

    @property
    def seed(self) -> int:
        """What order and augmentation are derived from."""

    @property
    def save_every(self) -> int | None:
        """The steps after which to save within an epoch."""

    @property
    def verbose(self) -> Verbose:
        """What shows the progress."""

    @property
    def monitor(self) -> str:
        """The metric that judges an epoch."""

    @property
    def mode(self) -> Literal["auto", "min", "max"]:
        """The direction of better."""

    @property
    def min_delta(self) -> float:
        """What a gain has to be worth."""

    @property
    def on_leak(self) -> OnLeak:
        """What to do with photos that both parts have."""


def described_settings(settings: Settings) -> dict[str, Json]:
    """Return all settings as JSON values, objects as `described` has them."""
    fields = dataclasses.fields(settings)  # type: ignore[arg-type]  # every Trainer is a dataclass
    return {field.name: described(getattr(settings, field.name)) for field in fields}


def described(value: object) -> Json:
    """Return a setting as a JSON value that is equal for equal settings, in any process.

    Our own values are told by their settings, objects of Keras by their configuration, anything
    else by its name and a digest of what it is made of.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [described(item) for item in value]
    if any(isinstance(value, kinds) for kinds in VALUES.values()):
        fields: dict[str, Json] = dataclasses.asdict(cast("DataclassInstance", value))
        return {"name": type(value).__name__, **fields}
    return _described_object(value)


def finite(value: Json) -> Json:
    """Return a value with None in place of the numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _described_object(value: object) -> Json:
    recipe = recipe_or_name(value) if callable(value) else None
    if isinstance(recipe, dict):
        return described(recipe)
    for method in ("to_dict", "get_config"):
        configure = getattr(value, method, None)
        if callable(configure) and not inspect.isclass(value):
            return {"type": _type_name(type(value)), "settings": described(configure())}
    kind = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
    digest = hashlib.sha256(augmenter_identity(value).encode()).hexdigest()
    return f"{_type_name(kind)} #{digest[:16]}"


def _type_name(kind: object) -> str:
    module = getattr(kind, "__module__", "")
    return f"{module}.{getattr(kind, '__qualname__', type(kind).__qualname__)}"
