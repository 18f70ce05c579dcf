"""The identity of an augmenter, the same in each process, and its name in records.

`augmenter_identity` is for fingerprints and caches: equal augmenters have equal identities.
`recipe_or_name` is for records that people read.

>>> from shelfvision.augment import Rotate
>>> augmenter_identity(Rotate(10))
'{"degrees": 10.0, "fill": "reflect", "name": "Rotate"}'
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import CellType, CodeType, FunctionType, MethodType

import numpy as np

from shelfvision.augment._recipes import Recipe, recipe_text, to_dict
from shelfvision.augment.contract import name_of
from shelfvision.errors import AugmenterError
from shelfvision.protocols import Augmenter

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEEPEST = 12


def augmenter_identity(augmenter: object) -> str:
    """Return a text that is the same for equal augmenters, in each process.

    An `Operation` is identified by all its settings. A function is identified by its name, code,
    defaults and closure, but not by the functions that it calls; its text depends on the version
    of Python. Any other object is identified by its repr or, if that contains a memory address, by
    its class name and attributes. The code of a class is not included.
    """
    return json.dumps(recipe_text(augmenter, _described), sort_keys=True)


def recipe_or_name(augmenter: Augmenter) -> Recipe | str:
    """Return the recipe of an augmenter, or its name or repr if it has no recipe.

    Parameters
    ----------
    augmenter : Augmenter
        Any augmenter.
    """
    try:
        return to_dict(augmenter)
    except AugmenterError:
        return name_of(augmenter)


def _described(value: object) -> Recipe:
    return {"other": _plain_parts(value, ())}


def _plain_parts(value: object, above: tuple[int, ...]) -> object:
    """Return a description of a value as JSON values; `above` are the ids of its containers."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if id(value) in above or len(above) > _DEEPEST:
        return _name(type(value))
    inner = functools.partial(_plain_parts, above=(*above, id(value)))
    if isinstance(value, Mapping):
        return [[inner(key), inner(item)] for key, item in value.items()]
    if isinstance(value, AbstractSet):
        return sorted(json.dumps(inner(item)) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [inner(item) for item in value]
    return [_name(_kind(value)), *map(inner, _parts(value))]


def _parts(value: object) -> tuple[object, ...]:
    """Return the parts that identify an object, in addition to its name."""
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
    """Return the object that has a name: a function or class itself, otherwise the class."""
    return value if hasattr(value, "__qualname__") else type(value)


def _name(kind: object) -> str:
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', '?')}"
