"""What tells one augmenter from another, in every process: for fingerprints and caches."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence, Set
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
    if isinstance(value, Set):
        return sorted(json.dumps(inner(item)) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [inner(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), list(value.shape), digest]
    return _told_object(value, inner)


def _told_object(value: object, inner: Callable[[object], object]) -> object:
    if isinstance(value, FunctionType):
        parts = (value.__code__, value.__defaults__, value.__kwdefaults__, value.__closure__)
        return [_name(value), *map(inner, parts)]
    if isinstance(value, CodeType):
        return [value.co_code.hex(), inner(value.co_names), inner(value.co_consts)]
    if isinstance(value, CellType):
        return inner(getattr(value, "cell_contents", None))
    if isinstance(value, MethodType):
        return [inner(value.__func__), inner(value.__self__)]
    if isinstance(value, functools.partial):
        return ["partial", inner(value.func), inner(value.args), inner(value.keywords)]
    if hasattr(value, "__qualname__"):
        return _name(value)
    text = repr(value)
    if _ADDRESS.search(text):
        return [_name(type(value)), inner(value.__getstate__())]
    return [_name(type(value)), text]


def _name(kind: object) -> str:
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', '?')}"
