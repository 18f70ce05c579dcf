"""Importing shelfvision is quick and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import shelfvision as shv

HEAVY = (
    *("keras", "tensorflow", "jax", "torch"),
    *("matplotlib", "numpy", "pandas", "PIL", "rich", "safetensors", "scipy", "skimage", "sklearn"),
)

STATE = """
import logging, os, random, signal, sys, threading, warnings

def state():
    handlers = {
        name: [type(handler).__name__ for handler in getattr(logger, "handlers", [])]
        for name, logger in logging.root.manager.loggerDict.items()
    }
    numbers = signal.valid_signals()
    return {
        "environment": dict(os.environ),
        "filters": list(warnings.filters),
        "handlers": {**handlers, "root": [repr(handler) for handler in logging.root.handlers]},
        "level": logging.root.level,
        "random": random.getstate(),
        "signals": {number: signal.getsignal(number) for number in numbers},
        "threads": threading.active_count(),
        "path": list(sys.path),
    }

before = state()
"""


def outcome(program: str) -> str:
    """Return what a fresh Python prints when it runs `program`."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_by(statement: str) -> list[str]:
    """Return which heavy packages a fresh Python has loaded after `statement`."""
    program = f"import sys\n{statement}\nprint(*[n for n in {HEAVY!r} if n in sys.modules])"
    return outcome(program).split()


def test_importing_shelfvision_loads_no_heavy_package() -> None:
    assert loaded_by("import shelfvision") == []


@pytest.mark.parametrize("package", ["PIL", "numpy", "sklearn"])
def test_a_heavy_package_that_is_loaded_would_be_noticed(package: str) -> None:
    assert package in loaded_by(f"import shelfvision, {package}")


@pytest.mark.parametrize(
    "name",
    ["Dataset", "SeededSplitter", "BalancingAugmenter", "Predictions", "Trainer", "Classifier"],
)
def test_a_public_name_loads_no_backend_before_it_is_used(name: str) -> None:
    loaded = loaded_by(f"import shelfvision\nshelfvision.{name}")
    assert not {"keras", "tensorflow", "jax", "torch", "matplotlib", "sklearn"} & set(loaded)


def test_importing_shelfvision_changes_nothing_but_its_own_null_handler() -> None:
    program = f"""{STATE}
import shelfvision
after = state()
assert after["handlers"].pop("shelfvision") == ["NullHandler"]
print(*[name for name in before if before[name] != after[name]])
"""
    assert outcome(program) == ""


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("os.environ['X'] = '1'", "environment"),
        ("warnings.simplefilter('always')", "filters"),
        ("logging.basicConfig()", "handlers"),
        ("random.seed(1)", "random"),
    ],
)
def test_a_change_of_global_state_would_be_noticed(change: str, what: str) -> None:
    program = (
        f"{STATE}\n{change}\nafter = state()\nprint(*[n for n in before if before[n] != after[n]])"
    )
    assert outcome(program) == what


def test_numpys_global_generator_stays_as_it_was() -> None:
    program = """
    import numpy as np
    np.random.seed(7)
    before = np.random.get_state()[1].tolist()
    import shelfvision as shv
    shv.Dataset, shv.SeededSplitter, shv.BalancingAugmenter, shv.Trainer, shv.samples, shv.plot
    print(before == np.random.get_state()[1].tolist())
    """
    assert outcome(program) == "True"


def test_every_public_name_is_there_after_a_bare_import() -> None:
    program = """
    import shelfvision
    print(*[name for name in shelfvision.__all__ if not hasattr(shelfvision, name)])
    """
    assert outcome(program) == ""


def test_every_module_is_there_after_a_bare_import_and_gives_its_names() -> None:
    # Only what belongs to shelfvision is imported anew for each module; the rest takes long.
    program = """
    import importlib, sys
    import shelfvision
    for module in shelfvision._SUBMODULES:
        for name in [name for name in sys.modules if name.partition(".")[0] == "shelfvision"]:
            del sys.modules[name]
        bare = importlib.import_module("shelfvision")
        loaded = [name for name in sys.modules if name.startswith("shelfvision." + module)]
        found = getattr(bare, module)
        print(*loaded, *[name for name in found.__all__ if not hasattr(found, name)], end="")
    """
    assert outcome(program) == ""


def test_every_public_module_is_reached_from_the_facade() -> None:
    folder = Path(shv.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set(shv._SUBMODULES) == {name for name in modules if not name.startswith("_")}
    assert set(shv._SUBMODULES) < set(shv.__all__)


def test_importing_takes_less_than_a_tenth_of_a_second() -> None:
    program = """
    import time
    before = time.process_time()
    import shelfvision
    print(time.process_time() - before)
    """
    assert min(float(outcome(program)) for _ in range(3)) < 0.1


def test_dir_lists_the_public_names_without_loading_them() -> None:
    program = """
    import shelfvision, sys
    print(set(shelfvision.__all__) <= set(dir(shelfvision)), "numpy" in sys.modules)
    """
    assert outcome(program) == "True False"


def test_a_name_that_does_not_exist_is_an_attribute_error_that_names_it() -> None:
    program = """
    import shelfvision
    try:
        shelfvision.Dataset2
    except AttributeError as error:
        print(error)
    """
    assert "Dataset2" in outcome(program)
