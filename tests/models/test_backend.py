"""Choosing a backend for Keras, in fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BACKENDS = ("jax", "torch", "tensorflow")
REAL = next(name for name in BACKENDS if find_spec(name) is not None)
"""The installed backend that starts quickest."""
OTHERS = ",".join(name for name in BACKENDS if name != REAL)
MISSING = next(name for name in ("tensorflow", "jax") if name != REAL)

# Put in front of a child's code: for it, the packages named in HIDDEN are not installed, and those
# named in SHOWN can be found, though not imported.
HIDE = """
import os, sys
from importlib.machinery import ModuleSpec, PathFinder
class Hider(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["HIDDEN"].split(","):
            return None
        if name in os.environ["SHOWN"].split(","):
            return ModuleSpec(name, None)
        return super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Hider
"""
# Starting Keras takes seconds, so most tests ask only which backend it would start with.
DECIDE = """
from shelfvision._keras.backend import _decide
print(_decide())
"""
LOAD = """
from shelfvision._keras.backend import load_keras
keras = load_keras()
print(keras.config.backend())
"""


def run(
    code: str, home: Path, *, hidden: str = "", shown: str = "", backend: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter with a Keras home of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(home), "HIDDEN": hidden, "SHOWN": shown}
    environment |= {} if backend is None else {"KERAS_BACKEND": backend}
    return subprocess.run(
        [sys.executable, "-c", HIDE + code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def configure(home: Path, backend: str) -> None:
    settings = {"backend": backend, "floatx": "float32", "epsilon": 1e-7}
    home.joinpath("keras.json").write_text(json.dumps(settings))


def answer(found: subprocess.CompletedProcess[str]) -> str:
    assert found.returncode == 0, found.stderr[-2000:]
    return found.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("hidden", "shown", "picked"),
    [
        ("", "tensorflow,jax,torch", "tensorflow"),
        ("tensorflow", "jax,torch", "jax"),
        ("tensorflow,jax", "torch", "torch"),
    ],
)
def test_where_nobody_says_an_installed_backend_is_picked(
    tmp_path: Path, hidden: str, shown: str, picked: str
) -> None:
    assert answer(run(DECIDE, tmp_path, hidden=hidden, shown=shown)) == picked


@pytest.mark.processes
def test_a_keras_json_that_names_a_missing_backend_does_not_break_us(tmp_path: Path) -> None:
    configure(tmp_path, MISSING)
    before = tmp_path.joinpath("keras.json").read_bytes()
    assert answer(run(LOAD, tmp_path, hidden=OTHERS)) == REAL
    assert tmp_path.joinpath("keras.json").read_bytes() == before


def test_a_keras_json_whose_backend_is_installed_decides(tmp_path: Path) -> None:
    configure(tmp_path, "numpy")
    assert answer(run(DECIDE, tmp_path)) == "numpy"


def test_a_broken_keras_json_is_overlooked(tmp_path: Path) -> None:
    tmp_path.joinpath("keras.json").write_text("{not json")
    assert answer(run(DECIDE, tmp_path, hidden=OTHERS)) == REAL


def test_keras_backend_goes_before_keras_json(tmp_path: Path) -> None:
    configure(tmp_path, "jax")
    assert answer(run(DECIDE, tmp_path, backend="numpy")) == "numpy"


@pytest.mark.processes
def test_keras_imported_first_keeps_its_backend(tmp_path: Path) -> None:
    first = (
        f"os.environ['KERAS_BACKEND'] = {REAL!r}\nimport keras\ndel os.environ['KERAS_BACKEND']\n"
    )
    assert answer(run(first + LOAD + "assert keras is sys.modules['keras']", tmp_path)) == REAL


@pytest.mark.processes
def test_keras_that_failed_to_import_first_does_not_stand_in_the_way(tmp_path: Path) -> None:
    configure(tmp_path, MISSING)
    first = "try:\n    import keras\nexcept ImportError:\n    print('failed')\n"
    found = run(first + LOAD, tmp_path, hidden=OTHERS)
    assert found.stdout.split() == ["failed", REAL], found.stderr[-2000:]


@pytest.mark.processes
def test_threads_that_load_at_once_get_one_keras_and_change_nothing_global(tmp_path: Path) -> None:
    code = """
import logging, random, signal, threading, warnings
import numpy as np
def state():
    return [dict(os.environ), random.getstate(), repr(np.random.get_state()),
            list(warnings.filters), list(logging.root.handlers), logging.root.level,
            [signal.getsignal(n) for n in signal.valid_signals()], os.getcwd()]
before = state()
from shelfvision._keras.backend import load_keras
start = threading.Barrier(4)
found = []
def load():
    start.wait()
    found.append(load_keras())
threads = [threading.Thread(target=load) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
changed = [i for i, (a, b) in enumerate(zip(before, state())) if a != b]
import keras as later
assert all(keras is later for keras in found)
print(later.config.backend(), len(found), changed)
"""
    assert answer(run(code, tmp_path, hidden=OTHERS)) == f"{REAL} 4 []"


def test_without_any_backend_the_error_gives_the_pip_line(tmp_path: Path) -> None:
    found = run(LOAD, tmp_path, hidden="tensorflow,jax,torch")
    assert "MissingBackendError" in found.stderr
    assert 'pip install "shelfvision[tensorflow]"' in found.stderr


def test_keras_backend_that_names_a_missing_one_is_refused_by_name(tmp_path: Path) -> None:
    found = run(LOAD, tmp_path, hidden="jax", backend="jax")
    assert "MissingBackendError: KERAS_BACKEND is 'jax'" in found.stderr
    assert 'pip install "shelfvision[jax]"' in found.stderr


def test_an_unknown_keras_backend_is_refused_by_name(tmp_path: Path) -> None:
    found = run(LOAD, tmp_path, backend="theano")
    assert (
        "MissingBackendError: KERAS_BACKEND must name a backend of Keras, got 'theano'"
        in found.stderr
    )


def test_an_empty_keras_backend_says_nothing(tmp_path: Path) -> None:
    configure(tmp_path, "numpy")
    assert answer(run(DECIDE, tmp_path, backend="")) == "numpy"
