"""The identity of a run: everything that must be unchanged to resume it.

It never changes during a run, so the folder of the run has it once, as ``run.json``. Checkpoints
have its digest only.
"""

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
"""Version of the training algorithm: order of photos, augmentation, choice of the best epoch.
Increase it when a resumed run would give another result than before."""


def run_identity(
    trainer: Trainer, model: keras.Model, train: Dataset, validation: Dataset | None
) -> dict[str, Json]:
    """Return what must be unchanged to resume a run, as plain JSON values."""
    identity: dict[str, Json] = {
        "training photos": _dataset_identity(train),
        "validation photos": None if validation is None else _dataset_identity(validation),
        "class_names": list(train.class_names),
        "backend": backend_name(),
        "code scheme": SCHEME,
        "model": model_digest(model),
        # From the model, because the caller may have compiled it.
        "optimizer": encoded("optimizer", model.optimizer, type_and_digest),
        "loss": encoded("loss", model.loss, type_and_digest),
    }
    identity |= encoded_settings(trainer, type_and_digest, names_of(type(trainer), "resumable"))
    plain: dict[str, Json] = json.loads(json.dumps(identity))
    return plain


def changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Return a short text for each difference."""
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
    """Return digests of the layers and variables of a model, without the values of weights."""
    variables: list[Json] = [
        [list(v.shape), str(v.dtype), bool(v.trainable)] for v in model.variables
    ]
    return {
        "variables": len(variables),
        "shapes": identity_digest(variables)[:16],
        "architecture": identity_digest(_without_numbers(_configuration(model)))[:16],
    }


def _configuration(model: keras.Model) -> Json:
    try:
        return encoded("model", model.get_config(), type_and_digest)
    except NotImplementedError:
        return type(model).__qualname__


def _without_numbers(value: Json) -> Json:
    """Return a configuration without the numbers in names that Keras generates."""
    if isinstance(value, Mapping):
        return {key: _without_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_numbers(item) for item in value]
    return re.sub(r"_\d+$", "", value) if isinstance(value, str) else value


def identity_digest(value: Json) -> str:
    """Return the SHA-256 of plain JSON values, in any order of their names."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
