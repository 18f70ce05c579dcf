"""A run's state as a file: whole or refused."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision.training._state import (
    DamagedStateError,
    ForeignStateError,
    RunState,
    decode,
    encode,
)


def state(**changes: object) -> RunState:
    values: dict[str, object] = {
        "epoch": 3,
        "step": 2,
        "planned_epochs": 9,
        "stopped": False,
        "seconds": 0.5,
        "identity": {"seed": 1, "class_names": ["Müsli", 'a"b']},
        "environment": {"keras": "3"},
        "best": {"epoch": 2, "value": 0.1, "reference": 0.1, "waited": 1},
        "history": {"loss": [0.3, 0.1, 0.2]},
        "timings": {"seconds": [1.0, 2.0, 3.0]},
        "callbacks": [None, {"seen": 4}],
        "model": (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(5, dtype=np.int64)),
        "optimizer": (np.array([1, 2], dtype=np.uint32), np.zeros((0, 3), np.float16)),
        "metrics": (np.array(3.0, np.float32),),
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
    print(f"\nrun state: all {8 * len(DATA):,} single-bit flips refused")


def signed(data: bytes) -> bytes:
    """Return bytes with the digest that they ought to have."""
    start = data.index(b'{\\"sha256\\": \\"') + 15
    blank = data[:start] + b"0" * 64 + data[start + 64 :]
    return blank[:start] + hashlib.sha256(blank).hexdigest().encode() + blank[start + 64 :]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'\\"step\\": 2', b'\\"step\\": -'),
        (b'\\"step\\": 2', b'\\"stop\\": 2'),
        (b'\\"epoch\\": 3', b'\\"epoch\\": []'),
        (b'\\"stopped\\": false', b'\\"stopped\\":  null'),
        (b'\\"waited\\": 1', b'\\"wasted\\": 1'),
        (b'\\"generation\\": 7', b'\\"generation\\": -'),
        (b'\\"loss\\": [0.3', b'\\"loss\\": [{}.'),
        (b"float32", b"float99"),
        (b"[2, 3]", b"[2, 2]"),
        (b"model.00001", b"model.00009"),
    ],
)
def test_a_state_of_other_fields_is_refused_even_with_the_right_checksum(
    old: bytes, new: bytes
) -> None:
    assert old in DATA
    assert signed(DATA) == DATA
    padded = new.ljust(len(old)) if len(new) <= len(old) else new
    damaged = signed(DATA.replace(old, padded, 1))
    with pytest.raises(DamagedStateError):
        decode(damaged)


def test_a_state_of_another_format_is_told_from_a_damaged_one() -> None:
    other = signed(DATA.replace(b'\\"format\\": 2', b'\\"format\\": 1'))
    with pytest.raises(ForeignStateError, match="format 1, not 2"):
        decode(other)


def test_every_truncation_is_refused() -> None:
    for length in range(len(DATA)):
        with pytest.raises(DamagedStateError):
            decode(DATA[:length])
    print(f"\nrun state: all {len(DATA):,} truncations refused")


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    for junk in (data, DATA + data + b"!"):
        with pytest.raises(DamagedStateError):
            decode(junk)


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_history_keeps_every_digit(values: list[float]) -> None:
    found, _ = decode(encode(state(history={"loss": values}), generation=1))
    assert list(found.history["loss"]) == values
