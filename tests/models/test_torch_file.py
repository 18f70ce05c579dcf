"""The legacy files of torch: tensors come out, anything else is refused, and nothing is run."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import numpy as np
import pytest

from shelfvision.errors import ModelError
from shelfvision.models.pretrained._torch_file import read_torch_file
from support import refuses


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def whole(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def storage(key: str, length: int, kind: str = "FloatStorage") -> bytes:
    fields = text("storage") + name("torch", kind) + text(key) + text("cpu") + whole(length)
    return b"(" + fields + b"Nt" + b"Q"


def tensor(reference: bytes, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    sizes, steps = (b"(" + b"".join(map(whole, some)) + b"t" for some in (shape, strides))
    hooks = name("collections", "OrderedDict") + b")R"
    arguments = b"(" + reference + whole(0) + sizes + steps + b"\x89" + hooks + b"t"
    return name("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


HEADER = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    b"\x80\x02M\xe9\x03."
    b"\x80\x02}" + text("little_endian") + b"\x88s."
)


def file_of(
    tensors: bytes, numbers: bytes = b"", keys: tuple[str, ...] = (), header: bytes = HEADER
) -> bytes:
    """Return a file whose dictionary is filled by these instructions."""
    listed = b"\x80\x02](" + b"".join(map(text, keys)) + b"e."
    dictionary = b"\x80\x02" + name("collections", "OrderedDict") + b")R(" + tensors + b"u."
    return header + dictionary + listed + numbers


VALUES = np.arange(6, dtype="<f4")
NUMBERS = (6).to_bytes(8, "little") + VALUES.tobytes()
ROWS = text("rows") + tensor(storage("7", 6), (2, 3), (3, 1))
COLUMNS = text("columns") + tensor(storage("7", 6), (3, 2), (1, 3))
GOOD = file_of(ROWS + COLUMNS, NUMBERS, ("7",))


def test_tensors_come_out_with_their_names_shapes_and_order_of_axes() -> None:
    tensors = read_torch_file(GOOD, "'a.pth'")
    assert list(tensors) == ["rows", "columns"]
    assert np.array_equal(tensors["rows"], VALUES.reshape(2, 3))
    assert np.array_equal(tensors["columns"], VALUES.reshape(2, 3).T)
    assert not tensors["rows"].flags.writeable


EVIL = {
    "a call of the shell": name("os", "system") + b"(" + text("touch pwned") + b"tR",
    "a builtin": name("builtins", "eval") + b"(" + text("1") + b"tR",
    "another function of torch": name("torch._utils", "_rebuild_parameter") + b")R",
    "a name on the stack": text("os") + text("system") + b"\x93",
    "an object": b"(" + name("subprocess", "Popen") + b"o",
    "an instance": b"(isubprocess\nPopen\n",
    "a new object": name("collections", "OrderedDict") + b")\x81",
    "an extension": b"\x82\x01",
    "a call of the dictionary with arguments": name("collections", "OrderedDict")
    + b"("
    + text("x")
    + b"tR",
    "a call of a storage": name("torch", "FloatStorage") + b")R",
    "a list inside": b"]",
    "text inside": text("words"),
    "a storage that is no tensor": storage("7", 6),
    "a type that is not read": tensor(storage("7", 6, "HalfStorage"), (6,), (1,)),
    "a view beyond the end": tensor(storage("7", 6), (2, 3), (4, 1)),
    "a view before the start": tensor(storage("7", 6), (2, 3), (-3, 1)),
    "a tensor too large": tensor(storage("7", 6), (2**20, 2**20), (0, 0)),
    "shape and strides that differ": tensor(storage("7", 6), (2, 3), (1,)),
}


@pytest.mark.parametrize("what", EVIL)
def test_what_makes_no_tensor_is_refused(what: str) -> None:
    data = file_of(text("rows") + EVIL[what], NUMBERS, ("7",))
    with refuses(ModelError, "damaged"):
        read_torch_file(data, "'a.pth'")


DAMAGE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"milk, juice, bread",
    "another magic number": lambda: GOOD.replace(b"l\xfc", b"m\xfc"),
    "another order of bytes": lambda: GOOD.replace(b"\x88s.", b"\x89s."),
    "a storage that no tensor has": lambda: file_of(ROWS, NUMBERS, ("8",)),
    "a storage twice": lambda: file_of(ROWS, NUMBERS, ("7", "7")),
    "a storage of another length": lambda: file_of(ROWS, (5).to_bytes(8, "little"), ("7",)),
    "more bytes than told": lambda: GOOD + b"\0",
    "no tensors": lambda: file_of(b"", b"", ()),
    "a name from an empty memo": lambda: file_of(b"h\x05" + b"N", NUMBERS, ("7",)),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused(what: str) -> None:
    with refuses(ModelError, "foreign-format" if "magic" in what else "damaged"):
        read_torch_file(DAMAGE[what](), "'a.pth'")


def test_every_truncation_is_refused() -> None:
    for length in range(len(GOOD)):
        with refuses(ModelError, "damaged"):
            read_torch_file(GOOD[:length], "'a.pth'")


@pytest.mark.fuzz
def test_a_changed_file_gives_tensors_or_one_kind_of_error(
    fuzz_count: Callable[[int, int], int],
) -> None:
    chance = random.Random(0)
    for _ in range(fuzz_count(3_000, 200_000)):
        data = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            tensors = read_torch_file(bytes(data), "'a.pth'")
        except ModelError:
            continue
        assert all(isinstance(value, np.ndarray) for value in tensors.values())
