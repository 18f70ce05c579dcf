"""Import Keras and choose its backend; no other module imports Keras at run time."""

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
"""The order in which a backend is chosen if neither ``KERAS_BACKEND`` nor ``keras.json`` names
one."""
KNOWN = (*PREFERRED, "numpy", "openvino")
"""All backends of Keras; the last two cannot train."""
TRAINABLE = frozenset(PREFERRED)
"""Backends that can train."""

_lock = threading.RLock()
_keras: ModuleType | None = None
_process = 0

_MAX_SETTINGS = 1 << 20
"""The largest ``keras.json`` that is read, in bytes."""


def load_keras() -> ModuleType:
    """Return the module ``keras``; the first call imports it with an installed backend.

    The backend is the one of ``KERAS_BACKEND``, else the one of ``keras.json`` if it is installed,
    else the first installed one of `PREFERRED`. The environment variables do not change.

    Returns
    -------
    module
        The package keras.

    Raises
    ------
    MissingBackendError
        No backend is installed, or ``KERAS_BACKEND`` names one that is missing or unknown.
    ModelError
        This process was forked from one in which Keras was loaded.
    """
    global _keras, _process
    if _keras is None:
        with _lock:
            _keras, _process = _imported(), os.getpid()
    if _process != os.getpid():
        # A fork does not copy the backend's threads, so the first operation would never return.
        raise ModelError(
            f"Keras cannot compute in this process, a fork of process {_process}, in which it was "
            "already loaded; fork before anything is built, loaded or predicted, or start workers "
            "with the 'spawn' method",
            code="forked",
        )
    return _keras


def _imported() -> ModuleType:
    # If other code imported Keras, or is importing it in another thread, only wait for it.
    if "keras" not in sys.modules:
        name = _decide()
        with untouched(), _environment(KERAS_BACKEND=name):
            _forget_failed_import()
            importlib.import_module("keras")
    return importlib.import_module("keras")


def require_any_backend() -> None:
    """Raise where `load_keras` would find no backend; do not import Keras.

    Raises
    ------
    MissingBackendError
        No backend is installed, or ``KERAS_BACKEND`` names one that is missing or unknown.
    """
    if "keras" not in sys.modules:
        _decide()


def backend_name() -> str:
    """Return the name of the current backend; load Keras first if necessary."""
    return str(load_keras().config.backend())


def _decide() -> str:
    """Return the backend to import Keras with."""
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
        "Keras needs a backend, and none of tensorflow, jax and torch is installed; "
        'run: pip install "shelfvision[tensorflow]" (or [jax], or [torch])',
        code="missing-backend",
    )


def _checked(name: str) -> str:
    """Return the backend that KERAS_BACKEND names, or raise if it is unknown or missing."""
    if name not in KNOWN:
        raise MissingBackendError(
            f"KERAS_BACKEND must name a backend of Keras, got {name!r}; set it to 'tensorflow', "
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
    # An `import keras` that failed on a missing backend leaves submodules in sys.modules with that
    # backend's name. The package itself is not there, so no code uses them.
    for name in [name for name in sys.modules if name.startswith("keras.")]:
        del sys.modules[name]


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Restore the global random generators and the warning filters, which imports may change."""
    state, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002  (only to restore it)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        random.setstate(state)
        np.random.set_state(legacy)  # noqa: NPY002  (the same)


@contextlib.contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """Set environment variables temporarily, then restore the whole environment."""
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
