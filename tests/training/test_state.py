"""A run's state as a file: whole or refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision.training._state import DamagedStateError, RunState, decode, encode


def state(**changes: object) -> RunState:
    values: dict[str, object] = {
        "epoch": 3,
        "planned_epochs": 9,
        "stopped": False,
        "identity": {"seed": 1, "class_names": ["Müsli", 'a"b']},
        "environment": {"keras": "3"},
        "best": {"epoch": 2, "value": 0.1, "reference": 0.1, "waited": 1},
        "history": {"loss": [0.3, 0.1, 0.2]},
        "timings": {"seconds": [1.0, 2.0, 3.0]},
        "callbacks": [None, {"seen": 4}],
        "model": (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(5, dtype=np.int64)),
        "optimizer": (np.array([1, 2], dtype=np.uint32), np.zeros((0, 3), np.float16)),
        "best_model": (np.ones((2, 3), np.float32), np.array(4, dtype=np.int64)),
    }
    return RunState(**(values | changes))  # type: ignore[arg-type]  # a test's shorthand


DATA = encode(state(), generation=7)


def test_a_state_comes_back_with_every_bit_and_its_generation() -> None:
    found, generation = decode(DATA)
    wanted = state()
    assert generation == 7
    for field in dataclasses.fields(RunState):
        value = getattr(wanted, field.name)
        if isinstance(value, tuple):
            for array, back in zip(value, getattr(found, field.name), strict=True):
                assert (back.dtype, back.shape) == (array.dtype, array.shape)
                assert back.tobytes() == array.tobytes()
        else:
            assert getattr(found, field.name) == value


def test_the_same_state_gives_the_same_bytes() -> None:
    assert encode(state(), generation=7) == DATA


def test_it_is_a_safetensors_file() -> None:
    from safetensors.numpy import load

    assert load(DATA)["model.00000"].tobytes() == np.arange(6, dtype=np.float32).tobytes()


def test_every_flipped_bit_is_refused() -> None:
    for position in range(len(DATA)):
        for bit in range(8):
            damaged = bytearray(DATA)
            damaged[position] ^= 1 << bit
            with pytest.raises(DamagedStateError):
                decode(bytes(damaged))


def test_every_truncation_is_refused() -> None:
    for length in range(len(DATA)):
        with pytest.raises(DamagedStateError):
            decode(DATA[:length])


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    for junk in (data, DATA + data + b"!"):
        with pytest.raises(DamagedStateError):
            decode(junk)


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_history_keeps_every_digit(values: list[float]) -> None:
    found, _ = decode(encode(state(history={"loss": values}), generation=1))
    assert list(found.history["loss"]) == values
