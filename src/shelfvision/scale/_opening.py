"""Find out what kind of file a scorer gets, and open it once per process.

`file_facts` verifies a file without a runtime and without Keras, where the scorer is created.
`serving_model` opens it, where a batch is scored. All scorers, threads and tasks of a process that
use the same file share one `ServingModel`. A forked child opens its own, because the threads of a
runtime do not exist there.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._runtime.reading import Export
from shelfvision._runtime.sessions import load_session
from shelfvision._storage.safetensors import KEPT
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.inference import BundleInfo
from shelfvision.inference.served import class_probabilities
from shelfvision.models.registry import is_registered
from shelfvision.predictions import Thresholds
from shelfvision.protocols import Images
from shelfvision.regions.predicting import BoxDetector
from shelfvision.scale._files import (
    Place,
    bundle_info,
    classifier_from,
    export_from,
    is_bundle_file,
    shown_place,
)
from shelfvision.scale._settings import ScorerSettings

Rows = npt.NDArray[np.float32]

_MOST_MODELS: Final = 4
"""The number of models that a process keeps open; the one used longest ago is closed first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What the driver needs to know about the file of a scorer."""

    exported: bool
    sha256: str
    class_names: tuple[str, ...]
    embedding_width: int
    """The number of values of an embedding; 0 if it is not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServingModel:
    """An open model; thread-safe."""

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    thresholds: Thresholds | None
    batch_size: int
    probabilities: Callable[[Images], Rows]
    """Returns calibrated probabilities for preprocessed images."""
    embed: Callable[[Images], Rows] | None = None
    """Returns embeddings for preprocessed images; None for exports."""
    detector: BoxDetector | None = None


def file_facts(place: Place, *, embed: bool) -> FileFacts:
    """Verify the whole file and return its facts; this imports neither Keras nor a runtime."""
    if not is_bundle_file(place):
        return _export_facts(export_from(place), embed=embed)
    info = bundle_info(place)
    if info.own_architecture and not is_registered(info.architecture):
        raise BundleError(
            f"bundle must have an architecture that workers can build, got "
            f"{shown_place(place)!r} with the custom architecture {info.architecture!r}; call "
            "register_architecture in a module that workers import, or export the classifier",
            code="needs-builder",
            parameter="bundle",
        )
    return FileFacts(
        exported=False,
        sha256=info.sha256,
        class_names=info.class_names,
        embedding_width=_embedding_width(info, place) if embed else 0,
    )


def _export_facts(export: Export, *, embed: bool) -> FileFacts:
    if embed:
        raise InvalidParameterError(
            f"embed must be False for an exported file such as {export.where}, which returns "
            "probabilities only, got True; pass the bundle that Classifier.save wrote",
            code="conflict",
            parameter="embed",
        )
    return FileFacts(
        exported=True,
        sha256=export.sha256,
        class_names=export.card.class_names,
        embedding_width=0,
    )


def _embedding_width(info: BundleInfo, place: Place) -> int:
    """Return the number of inputs of the last dense layer, from the shapes of the weights."""
    shapes = [tensor.shape for tensor in info.tensors if not tensor.name.startswith(KEPT)]
    kernels = {
        shape[0] for shape in shapes if len(shape) == 2 and shape[1] == len(info.class_names)
    }
    if len(kernels) == 1 and not info.own_architecture:
        return kernels.pop()
    # Several layers have that many outputs, so the network is built.
    classifier = classifier_from(place, info.sha256)
    height, width = classifier.image_size
    return int(classifier.embed(np.empty((0, height, width, 3), np.uint8)).shape[1])


_Key: TypeAlias = tuple[str, str, int, str]
_models: OrderedDict[_Key, ServingModel] = OrderedDict()
_lock = threading.Lock()
# Closing the models of the parent process in a child would wait for threads that do not exist
# there, so a child keeps them.
_of_parents: list[OrderedDict[_Key, ServingModel]] = []


def _forget_parent() -> None:
    """Start a forked child without open models, and with a lock that no thread holds."""
    global _models, _lock
    _of_parents.append(_models)
    _models, _lock = OrderedDict(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


def serving_model(settings: ScorerSettings) -> ServingModel:
    """Return the open model of this process; open it on first use."""
    detector = settings.detector
    # A detector of the caller is used as it is: only that of a file is known by its description.
    of_file = repr(detector) if isinstance(detector, partial) else ""
    found = _kept_open(settings, (str(settings.bundle), settings.sha256, settings.threads, of_file))
    return found if isinstance(detector, partial) else replace(found, detector=detector)


def _kept_open(settings: ScorerSettings, key: _Key) -> ServingModel:
    with _lock:
        found = _models.get(key)
        if found is None:
            found = _opened(settings)
            _models[key] = found
            if len(_models) > _MOST_MODELS:
                _models.popitem(last=False)
        _models.move_to_end(key)
        return found


def _opened(settings: ScorerSettings) -> ServingModel:
    detector = settings.detector
    return replace(
        _of_export(settings) if settings.exported else _of_bundle(settings),
        detector=detector() if isinstance(detector, partial) else None,
    )


def _of_export(settings: ScorerSettings) -> ServingModel:
    export = export_from(settings.bundle)
    if export.sha256 != settings.sha256:
        _refuse_digest(settings, export.sha256)
    session = load_session(export, threads=settings.threads)
    return ServingModel(
        class_names=export.card.class_names,
        preprocessing=export.card.preprocessing,
        thresholds=export.card.thresholds,
        batch_size=session.batch_size,
        probabilities=session.scores,
    )


def _of_bundle(settings: ScorerSettings) -> ServingModel:
    try:
        served = classifier_from(settings.bundle, settings.sha256).served
    except BundleError as error:
        if error.code != "wrong-digest":
            raise
        _refuse_digest(settings, "another one", error)
    network = served.network
    return ServingModel(
        class_names=served.class_names,
        preprocessing=served.preprocessing,
        thresholds=served.decision_rule.thresholds,
        batch_size=network.batch_size,
        probabilities=lambda images: class_probabilities(served, images),
        embed=network.embed,
    )


def _refuse_digest(
    settings: ScorerSettings, found: str, error: Exception | None = None
) -> NoReturn:
    raise BundleError(
        f"bundle must have the SHA-256 {settings.sha256} that it had when the Scorer was created, "
        f"got {found} from {shown_place(settings.bundle)!r} in process {os.getpid()}; copy the "
        "same file to every machine, or create the Scorer again",
        code="wrong-digest",
        parameter="bundle",
    ) from error
