"""Read tensors from the legacy PyTorch file format, without PyTorch and without running its code.

Such a file is a sequence of pickles, followed by the numbers. A pickle is a program for a stack
machine that can call any function. The machine in this module supports only the few instructions
that tensors need. It compares the names of functions with three known names and never imports them.
Everything else is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

import numpy as np

from shelfvision._storage.safetensors import MAX_TENSORS, Tensor
from shelfvision.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
"""The number in the first pickle of such a file."""
MAX_INSTRUCTIONS = 500_000
"""The maximum length of a pickle, in instructions."""

_Storages = Mapping[str, Tensor]
_MARK = object()
_ORDERED_DICT = "collections OrderedDict"
_REBUILD = "torch._utils _rebuild_tensor_v2"
_STORAGES: Mapping[str, np.dtype[np.generic]] = MappingProxyType(
    {
        "torch FloatStorage": np.dtype("<f4"),
        "torch LongStorage": np.dtype("<i8"),
    }
)
_NAMES = frozenset({_ORDERED_DICT, _REBUILD, *_STORAGES})


@dataclass(frozen=True, slots=True)
class _Name:
    """The name of a function or class in a pickle; it is never imported."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """A block of numbers after the pickles."""

    key: str
    dtype: np.dtype[np.generic]
    length: int


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor: offset, shape and strides in a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, storages: _Storages, where: str) -> Tensor:
        """Return the tensor as a view of its storage."""
        numbers = storages.get(self.storage.key)
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if numbers is None or 0 in self.shape or self.offset + last >= len(numbers):
            _refuse(where, "has a tensor that reaches beyond its numbers")
        steps = tuple(step * numbers.itemsize for step in self.strides)
        start = numbers[self.offset :]
        return np.lib.stride_tricks.as_strided(start, self.shape, steps, writeable=False)


def read_torch_file(data: bytes, where: str) -> dict[str, Tensor]:
    """Return the tensors of a legacy torch file by name.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        The name of the file in errors.

    Returns
    -------
    dict of str to ndarray
        The tensors, read-only.

    Raises
    ------
    ModelError
        The file has another format, contains anything except tensors, or is corrupted.
    """
    file = io.BytesIO(data)
    if _unpickled(file, where) != MAGIC:
        _refuse(where, "is not a legacy torch file", "foreign-format")
    _unpickled(file, where)  # the version of the protocol
    machine = _unpickled(file, where)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        _refuse(where, "was written on a machine with another order of bytes")
    found = _unpickled(file, where)
    views = found if isinstance(found, dict) else {}
    if not views or len(views) > MAX_TENSORS:
        _refuse(where, "holds no dictionary of tensors")
    storages = _read_storages(file, views, where)
    tensors: dict[str, Tensor] = {}
    for name, view in views.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            _refuse(where, "contains something other than tensors")
        tensors[name] = view.of(storages, where)
    return tensors


def _read_storages(file: io.BytesIO, views: Mapping[object, object], where: str) -> _Storages:
    """Return the numbers after the pickles, by the key of their storage."""
    known = {view.storage.key: view.storage for view in views.values() if isinstance(view, _View)}
    keys = _unpickled(file, where)
    if not isinstance(keys, list) or set(map(str, keys)) != set(known) or len(keys) != len(known):
        _refuse(where, "lists other storages than its tensors have")
    storages = {}
    for key in map(str, keys):
        storage = known[key]
        length = int.from_bytes(file.read(8), "little")
        numbers = file.read(storage.length * storage.dtype.itemsize)
        if length != storage.length or len(numbers) != length * storage.dtype.itemsize:
            _refuse(where, "ends early, in the middle of its numbers")
        storages[key] = np.frombuffer(numbers, dtype=storage.dtype)
    if file.read(1):
        _refuse(where, "has more bytes than its tensors take")
    return storages


def _unpickled(file: io.BytesIO, where: str) -> object:
    """Return the value of the next pickle."""
    machine = _Machine(where)
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if number > MAX_INSTRUCTIONS:
                _refuse(where, "has a pickle that is too long")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except ModelError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, OverflowError):
        _refuse(where, "has a pickle that makes no sense")
    raise AssertionError("genops ends at a STOP, or raises")


@dataclass(slots=True)
class _Machine:
    """A stack machine that creates only plain values, storages and views."""

    where: str
    stack: list[object] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)

    def step(self, instruction: str, argument: object) -> None:
        """Execute one instruction."""
        if instruction in _CONSTANTS:
            self.stack.append(_CONSTANTS[instruction])
        elif instruction in _LITERALS:
            self.stack.append(argument)
        elif instruction in _ACTIONS:
            _ACTIONS[instruction](self, argument)
        elif instruction not in {"PROTO", "FRAME"}:
            _refuse(self.where, f"has the instruction {instruction} in a pickle")

    def pop(self) -> object:
        """Pop the top value."""
        return self.stack.pop()

    def since_mark(self) -> list[object]:
        """Pop all values above the last mark."""
        values: list[object] = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def name(self, argument: object) -> None:
        """Push a name if it is one of the three known names."""
        text = str(argument)
        if text not in _NAMES:
            _refuse(self.where, f"names {text[:100]!r}, which no tensor takes")
        self.stack.append(_Name(text))

    def set_items(self, pairs: list[object]) -> None:
        """Add pairs of key and value to the dictionary on top of the stack."""
        target = self.stack[-1]
        if not isinstance(target, dict):
            _refuse(self.where, "has a pickle that makes no sense")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))

    def append(self, values: list[object]) -> None:
        """Append values to the list on top of the stack."""
        target = self.stack[-1]
        if not isinstance(target, list):
            _refuse(self.where, "has a pickle that makes no sense")
        target.extend(values)

    def reduce(self) -> None:
        """Create the value of a call of a known name."""
        arguments, called = self.pop(), self.pop()
        if called == _Name(_ORDERED_DICT) and arguments == ():
            self.stack.append({})
        elif called == _Name(_REBUILD) and isinstance(arguments, tuple):
            self.stack.append(_view(arguments, self.where))
        else:
            _refuse(self.where, "calls something that makes no tensor")

    def storage(self) -> None:
        """Push the storage of a persistent reference."""
        reference = self.pop()
        if not isinstance(reference, tuple) or len(reference) != 6:
            _refuse(self.where, "refers to something other than a storage")
        kind, name, key, _, length, view = reference
        dtype = _STORAGES.get(name.text) if isinstance(name, _Name) else None
        sound = kind == "storage" and view is None and _whole(length)
        if dtype is None or not sound or not isinstance(key, str):
            _refuse(self.where, "refers to something other than a storage")
        self.stack.append(_Storage(key, dtype, length))


_CONSTANTS = MappingProxyType(
    {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK, "EMPTY_TUPLE": ()}
)
_LITERALS = frozenset({"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"})
_ACTIONS: Mapping[str, Callable[[_Machine, object], None]] = MappingProxyType(
    {
        "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
        "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
        "GLOBAL": _Machine.name,
        "REDUCE": lambda machine, _: machine.reduce(),
        "BINPERSID": lambda machine, _: machine.storage(),
        # The attributes of a dictionary of tensors are metadata of layers, which are not needed.
        "BUILD": lambda machine, _: machine.stack.__delitem__(-1),
        "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
        "TUPLE1": lambda machine, _: machine.stack.append((machine.pop(),)),
        "TUPLE2": lambda machine, _: machine.stack.append((machine.pop(), machine.pop())[::-1]),
        "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
        "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
        "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
        "BINPUT": lambda machine, key: machine.memo.__setitem__(_number(key), machine.stack[-1]),
        "BINGET": lambda machine, key: machine.stack.append(machine.memo[_number(key)]),
        "LONG_BINPUT": lambda machine, key: machine.memo.__setitem__(
            _number(key), machine.stack[-1]
        ),
        "LONG_BINGET": lambda machine, key: machine.stack.append(machine.memo[_number(key)]),
    }
)


def _view(arguments: tuple[object, ...], where: str) -> _View:
    """Return the tensor that `_rebuild_tensor_v2` creates from its arguments."""
    storage, offset, shape, strides = arguments[:4]
    sides = (*_numbers(shape), *_numbers(strides), offset)
    if not isinstance(storage, _Storage) or not all(map(_whole, sides)):
        _refuse(where, "has a tensor that makes no sense")
    shape, strides = _numbers(shape), _numbers(strides)
    if len(shape) != len(strides) or math.prod(shape) > storage.length:
        _refuse(where, "has a tensor that makes no sense")
    return _View(storage, _number(offset), shape, strides)


def _numbers(value: object) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (-1,)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise ModelError(
        f"{where} cannot be read as weights: it {fault}; install its package again", code=code
    )
