"""A run's state as a file: whole or refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision.training.run._state import (
    DamagedStateError,
    ForeignStateError,
    RunState,
    decode,
    encode,
)
from support import refuses
from support.run_states import run_state

DATA = encode(run_state(), generation=7)


def test_a_state_comes_back_with_every_bit_and_its_generation() -> None:
    found, generation = decode(DATA)
    wanted = run_state()
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
    assert encode(run_state(), generation=7) == DATA


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", -1),
        ("epoch", True),
        ("step", 1.0),
        ("planned_epochs", "9"),
        ("stopped", 0),
        ("seconds", -0.5),
        ("seconds", float("inf")),
        ("seconds", "1"),
        ("identity", {}),
        ("environment", None),
        ("best", {}),
        ("best", {"epoch": 1, "value": True, "reference": 0, "waited": 0}),
        ("best", {"epoch": 1, "value": 0, "reference": 0, "waited": 0, "more": 0}),
        ("history", [0.5]),
        ("history", {"loss": 0.5}),
        ("history", {"loss": [0.5, None]}),
        ("timings", {"seconds": [False]}),
        ("callbacks", {"seen": 4}),
    ],
)
def test_a_field_of_another_kind_is_told(field: str, value: object) -> None:
    with pytest.raises(DamagedStateError) as caught:
        decode(encode(run_state(**{field: value}), generation=1))
    assert str(caught.value) == f"its {field} is {value!r}"


@pytest.mark.parametrize("generation", [-1, True, 1.0])
def test_a_generation_that_is_no_count_is_told(generation: int) -> None:
    with refuses(DamagedStateError, "damaged"):
        decode(encode(run_state(), generation=generation))


def test_a_run_that_has_not_begun_has_a_state() -> None:
    judgement = {"epoch": 0, "value": 0, "reference": 0, "waited": 0}
    nothing: dict[str, object] = {"model": (), "optimizer": (), "metrics": (), "best_model": ()}
    nothing |= {"epoch": 0, "step": 0, "planned_epochs": 0, "seconds": 0, "callbacks": []}
    nothing |= {"identity": "", "environment": {}, "history": {}, "timings": {"seconds": []}}
    begun = run_state(**nothing, stopped=True, best=judgement)
    assert decode(encode(begun, generation=0)) == (begun, 0)


def forged(change: Callable[[dict[str, Any]], object], more: bytes = b"") -> bytes:
    """Return the state with a changed header, signed as if that were right."""
    length = int.from_bytes(DATA[:8], "little")
    header = json.loads(DATA[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    return signed(len(raw).to_bytes(8, "little") + raw + DATA[8 + length :] + more)


def none_at_the_end(header: dict[str, Any]) -> dict[str, object]:
    """Return the field of an empty tensor after all others."""
    end = max(field["data_offsets"][1] for name, field in header.items() if "." in name)
    return {"dtype": "U8", "shape": [0], "data_offsets": [end, end]}


def moved(header: dict[str, Any], name: str, first: int, last: int) -> None:
    """Let a tensor begin and end elsewhere."""
    begin, end = header[name]["data_offsets"]
    header[name]["data_offsets"] = [begin + first, end + last]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            forged(lambda header: header.update({"model.00009": header.pop("model.00001")})),
            "the header must have exactly its entries, and 'model.00001'",
        ),
        (
            forged(lambda header: header.update(more=none_at_the_end(header))),
            "the header must have exactly its entries, and 'more' differs",
        ),
        (
            signed(DATA.replace(b'\\"metrics\\": [[', b'\\"measure\\": [[')),
            "the layout must have exactly its entries, and 'measure' differs",
        ),
        (
            signed(DATA.replace(b'\\"step\\": 2', b'\\"stop\\": 2')),
            "the manifest must have exactly its entries, and 'step' differs",
        ),
        (forged(lambda header: None, more=b"!"), "its arrays do not fill the file"),
        (forged(lambda header: moved(header, "model.00000", 4, 4)), "its header is damaged"),
        (forged(lambda header: moved(header, "model.00000", 0, -4)), "its header is damaged"),
        (forged(lambda header: header.pop("model.00001")), "its header is damaged"),
        (forged(lambda header: header.update(more={})), "its header is damaged"),
        (signed(DATA.replace(b'"dtype":"U8"', b'"dtype":"F9"', 1)), "its header is damaged"),
        (signed(DATA.replace(b"model.00001", b"model.00000", 1)), "its header is damaged"),
        (signed(DATA.replace(b"float32", b"float99")), "it is not laid out as a run state ("),
        (DATA[:-1] + b"!", "its checksum does not match its content"),
        (b"", "it is not a run state"),
        (DATA[: DATA.index(b"sha256") + 64], "it is not a run state"),
    ],
)
def test_what_is_wrong_with_a_state_is_told(data: bytes, sentence: str) -> None:
    with pytest.raises(DamagedStateError) as caught:
        decode(data)
    assert str(caught.value).startswith(sentence)


def test_a_state_of_another_format_is_told_from_a_damaged_one() -> None:
    other = signed(DATA.replace(b'\\"format\\": 4', b'\\"format\\": 3'))
    with refuses(ForeignStateError, "foreign-format"):
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
    found, _ = decode(encode(run_state(history={"loss": values}), generation=1))
    assert list(found.history["loss"]) == values


@pytest.mark.parametrize("callbacks", [b"[" * 10**5, b"[1" + b"9" * 5000, b"[1e999", b"[]]"])
def test_a_signed_state_of_any_content_is_refused(callbacks: bytes) -> None:
    odd = DATA.replace(b'[null, {\\"seen\\": 4}]', callbacks)
    size = struct.unpack("<Q", DATA[:8])[0] + len(odd) - len(DATA)
    with refuses(DamagedStateError, "damaged"):
        decode(signed(struct.pack("<Q", size) + odd[8:]))
