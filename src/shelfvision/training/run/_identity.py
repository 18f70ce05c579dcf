"""What a run is: the things that have to stay for it to be continued, and what has changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shelfvision._keras.backend import backend_name
from shelfvision._storage.json_values import Json
from shelfvision.data import Dataset
from shelfvision.training.settings._encoding import encoded, encoded_settings, type_and_digest
from shelfvision.training.settings._setting import names_of

if TYPE_CHECKING:
    import keras

    from shelfvision.training._trainer import Trainer

SCHEME = 1
"""What the same settings make of the same photos: order, variation, judgement. To be raised when
another version of this code would go on otherwise than it began."""


def run_identity(
    trainer: Trainer, model: keras.Model, train: Dataset, validation: Dataset | None
) -> dict[str, Json]:
    """Return what must not change between two stretches of one run, as plain JSON values."""
    identity: dict[str, Json] = {
        "training photos": _dataset_identity(train),
        "validation photos": None if validation is None else _dataset_identity(validation),
        "class_names": list(train.class_names),
        "backend": backend_name(),
        "code scheme": SCHEME,
        "model": model_digest(model),
        # As the model is compiled with them, by whomever.
        "optimizer": encoded("optimizer", model.optimizer, type_and_digest),
        "loss": encoded("loss", model.loss, type_and_digest),
    }
    identity |= encoded_settings(trainer, type_and_digest, names_of(type(trainer), "resumable"))
    plain: dict[str, Json] = json.loads(json.dumps(identity))
    return plain


def changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Return a few words on each thing that differs."""
    return [
        _change(name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def _change(name: str, old: Json, new: Json) -> str:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        inner = changes(old, new)
        return f"{name} ({', '.join(inner)})"
    texts = [json.dumps(value, ensure_ascii=False) for value in (old, new)]
    if max(map(len, texts)) > 60:
        return name
    return f"{name} from {texts[0]} to {texts[1]}"


def _dataset_identity(part: Dataset) -> dict[str, Json]:
    return {"photos": len(part), "fingerprint": part.fingerprint}


def model_digest(model: keras.Model) -> dict[str, Json]:
    """Return what tells a model's layers and variables, but not their values, from others."""
    variables: list[Json] = [
        [list(v.shape), str(v.dtype), bool(v.trainable)] for v in model.variables
    ]
    return {
        "variables": len(variables),
        "shapes": _digest(variables),
        "architecture": _digest(_without_numbers(_configuration(model))),
    }


def _configuration(model: keras.Model) -> Json:
    try:
        return encoded("model", model.get_config(), type_and_digest)
    except NotImplementedError:
        return type(model).__qualname__


def _without_numbers(value: Json) -> Json:
    """Return a configuration without the numbers that Keras appends to names it makes up."""
    if isinstance(value, Mapping):
        return {key: _without_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_numbers(item) for item in value]
    return re.sub(r"_\d+$", "", value) if isinstance(value, str) else value


def _digest(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
