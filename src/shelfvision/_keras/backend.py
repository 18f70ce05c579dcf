"""The one place that imports Keras, and chooses a backend where nobody else has."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from shelfvision._storage import read_bounded
from shelfvision._storage.json_values import parse_json
from shelfvision.errors import MissingBackendError, ModelError

PREFERRED = ("tensorflow", "jax", "torch")
"""Backends in the order in which one is picked where neither user nor machine says."""
KNOWN = (*PREFERRED, "numpy", "openvino")
"""Backends that Keras has; the last two cannot train."""
TRAINABLE = frozenset(PREFERRED)
"""Backends that can train."""

_lock = threading.RLock()
_keras: ModuleType | None = None
_process = 0

_MAX_SETTINGS = 1 << 20
"""The largest ``keras.json`` that is read, in bytes."""


def load_keras() -> ModuleType:
    """Return the module keras, importing it with a backend that is installed.

    Keras decides by ``KERAS_BACKEND``, then by a ``keras.json`` whose backend is installed; where
    neither says, one is picked from `PREFERRED`. The environment is left as it was found.

    Returns
    -------
    module
        The package keras.

    Raises
    ------
    MissingBackendError
        No backend is installed, or ``KERAS_BACKEND`` names one that is missing or unknown.
    ModelError
        This process was forked from one in which Keras was in use.
    """
    global _keras, _process
    if _keras is None:
        with _lock:
            _keras, _process = _imported(), os.getpid()
    if _process != os.getpid():
        # The threads of a backend do not survive a fork; going on would wait for them for ever.
        raise ModelError(
            f"Keras was in use in process {_process}, of which this one is a fork, and cannot "
            "compute here; fork before anything is built, loaded or predicted, or start workers "
            "with the 'spawn' method",
            code="forked",
        )
    return _keras


def _imported() -> ModuleType:
    # Where someone else has imported Keras, or is at it, this only waits for the import to end.
    if "keras" not in sys.modules:
        name = _decide()
        with untouched(), _environment(KERAS_BACKEND=name):
            _forget_failed_import()
            importlib.import_module("keras")
    return importlib.import_module("keras")


def backend_name() -> str:
    """Return the name of the backend in use, loading Keras if need be."""
    return str(load_keras().config.backend())


def _decide() -> str:
    """Return the backend that Keras shall start with."""
    wanted = os.environ.get("KERAS_BACKEND", "")
    if wanted:
        return _checked(wanted)
    configured = _configured()
    if configured in KNOWN and _is_installed(configured):
        return configured
    for name in PREFERRED:
        if _is_installed(name):
            return name
    raise MissingBackendError(
        "Keras has no backend to compute with: none of tensorflow, jax and torch is installed; "
        'run: pip install "shelfvision[tensorflow]" (or [jax], or [torch])',
        code="missing-backend",
    )


def _checked(name: str) -> str:
    """Return the backend that KERAS_BACKEND names if it can be used."""
    if name not in KNOWN:
        raise MissingBackendError(
            f"KERAS_BACKEND is {name!r}, which is no backend of Keras; set it to 'tensorflow', "
            "'jax' or 'torch', or unset it",
            code="not-an-option",
            parameter="KERAS_BACKEND",
        )
    if not _is_installed(name):
        line = f"shelfvision[{name}]" if name in PREFERRED else name
        raise MissingBackendError(
            f"KERAS_BACKEND is {name!r}, but the package {name!r} is not installed; "
            f'run: pip install "{line}", or unset KERAS_BACKEND',
            code="missing-backend",
            parameter="KERAS_BACKEND",
        )
    return name


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _configured() -> str:
    """Return the backend that keras.json names, or an empty string."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")  # noqa: S108  (where Keras looks, too)
    try:
        file = Path(home).expanduser().joinpath("keras.json")
        settings = parse_json(read_bounded(file, _MAX_SETTINGS), repr(str(file)), foreign=True)
    except (OSError, ValueError, RuntimeError):
        return ""
    return str(settings.get("backend", "")) if isinstance(settings, dict) else ""


def _forget_failed_import() -> None:
    # An `import keras` that died on a missing backend leaves submodules behind which have that
    # backend's name fixed; with the package itself gone, nothing can be using them.
    for name in [name for name in sys.modules if name.startswith("keras.")]:
        del sys.modules[name]


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Bring back global generators and warning filters, which packages change when imported."""
    state, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002  (only to restore it)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        random.setstate(state)
        np.random.set_state(legacy)  # noqa: NPY002  (the same)


@contextlib.contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """Set variables for a while, then bring back the whole environment, whoever changed it."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
