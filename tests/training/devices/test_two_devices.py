"""Training on two devices gives the result of one device, resumes exactly and refuses mistakes.

The runs are in a program of its own, because the devices of a processor must be divided before a
backend is used. One start serves all tests here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shelfvision._keras.backend import load_keras

pytestmark = pytest.mark.processes

SCRIPT = Path(__file__).with_name("train_on_two_devices.py")
ALWAYS = ("one photo too many", "refused")
"""What the usual test run trains; `nox -s devices` trains the rest."""
COARSE = {"bfloat16": 2e-2, "float16": 2e-3}
"""Rounding of numbers with fewer digits."""

Results = dict[str, object]


@pytest.fixture(scope="module")
def results(fuzz_count: Callable[[int, int], int]) -> Results:
    backend = load_keras().config.backend()
    if backend not in ("jax", "tensorflow"):
        pytest.skip(f"{backend} trains on one device")
    names = ALWAYS if fuzz_count(1, 2) == 1 else ()
    path = os.pathsep.join((str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH", "")))
    environment = {"KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *names],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [line.partition("\t") for line in run.stdout.splitlines()]
    return {name: json.loads(value) for name, _, value in lines}


def result_of(results: Results, name: str) -> object:
    if name not in results:
        pytest.skip("runs where --fuzz-share asks for more")
    return results[name]


def test_results_are_those_of_one_device_within_rounding(results: Results) -> None:
    found = {name: value for name, value in results.items() if isinstance(value, dict)}
    assert ALWAYS[0] in found
    for name, value in found.items():
        assert value["difference"] < COARSE.get(name, 1e-5), name
        assert value["steps"][0] == value["steps"][1], name


def test_a_resumed_run_ends_as_an_uninterrupted_one_to_the_byte(results: Results) -> None:
    assert result_of(results, "resumed") is True


def test_models_and_optimizers_from_outside_the_scope_are_refused(results: Results) -> None:
    outside = "outside-scope"
    # On tensorflow, fit enters the scope of the model by itself.
    last = outside if load_keras().config.backend() == "jax" else None
    assert results["refused"] == [outside, outside, last]


def test_another_number_of_devices_is_a_warning_or_an_error(results: Results) -> None:
    found = result_of(results, "resumed on one")
    assert isinstance(found, list)
    if load_keras().config.backend() == "jax":
        assert len(found) == 1
        assert "replicas from 2 to 1" in found[0]
    else:
        assert found[0] == "run-changed"
        assert "replicas from 2 to 1" in found[1]


def test_the_saved_model_is_the_validated_one(results: Results) -> None:
    found = result_of(results, "validated")
    assert isinstance(found, float)
    assert found < 1e-5


def test_a_classifier_is_the_same_within_and_outside_the_scope(results: Results) -> None:
    found = result_of(results, "used everywhere")
    assert isinstance(found, list)
    assert all(found)


def test_a_built_in_network_makes_one_step_a_batch(results: Results) -> None:
    assert result_of(results, "built in") == 3


def test_settings_that_cannot_run_on_replicas_are_refused(results: Results) -> None:
    found = result_of(results, "unsupported")
    assert isinstance(found, list)
    if load_keras().config.backend() == "jax":
        assert found == []
    else:
        assert len(found) == 3
        assert all(message.startswith("not-supported") for message in found)
