"""What tells one augmenter from another, in every process: for fingerprints and caches."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import CellType, CodeType, FunctionType, MethodType

import numpy as np

from shelfvision.augment._recipes import Recipe, written

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEEPEST = 12


def identity_of(augmenter: object) -> str:
    """Return a text that is the same for equal augmenters, in every process.

    Our operations are known by all their settings. A function is known by its name and its own
    code, with its defaults and what it encloses, but not by what it calls; its text is another
    under another version of Python. Any other object is known by its printed form or, where that
    holds an address, by the name of its class and its attributes; the code of a class goes unseen.
    """
    return json.dumps(written(augmenter, _described), sort_keys=True)


def _described(value: object) -> Recipe:
    return {"other": _told(value, ())}


def _told(value: object, above: tuple[int, ...]) -> object:
    """Return what there is to say about a value that stands within others, as JSON has it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if id(value) in above or len(above) > _DEEPEST:
        return _name(type(value))
    inner = functools.partial(_told, above=(*above, id(value)))
    if isinstance(value, Mapping):
        return [[inner(key), inner(item)] for key, item in value.items()]
    if isinstance(value, AbstractSet):
        return sorted(json.dumps(inner(item)) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [inner(item) for item in value]
    return [_name(_kind(value)), *map(inner, _parts(value))]


def _parts(value: object) -> tuple[object, ...]:
    """Return what an object is made of, beside its kind or its own name."""
    parts: tuple[object, ...] = ()
    if isinstance(value, FunctionType):
        parts = (value.__code__, value.__defaults__, value.__kwdefaults__, value.__closure__)
    elif isinstance(value, CodeType):
        parts = (value.co_code.hex(), value.co_names, value.co_consts)
    elif isinstance(value, CellType):
        parts = (getattr(value, "cell_contents", None),)
    elif isinstance(value, MethodType):
        parts = (value.__func__, value.__self__)
    elif isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        pixels = hashlib.sha256(np.ascontiguousarray(value).tobytes())
        parts = (str(value.dtype), value.shape, pixels.hexdigest())
    elif _kind(value) is not value:
        text = repr(value)
        parts = (value.__getstate__() if _ADDRESS.search(text) else text,)
    return parts


def _kind(value: object) -> object:
    """Return what has the name: a function or class itself, or the class of anything else."""
    return value if hasattr(value, "__qualname__") else type(value)


def _name(kind: object) -> str:
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', '?')}"
