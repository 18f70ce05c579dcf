"""Public names and their signatures stay as ``public_names.txt`` has them.

A change to the public face is made on purpose: run ``python tests/test_public_names.py`` to
write the file anew, read the difference, and note it in CHANGELOG.md.
"""

from __future__ import annotations

import difflib
import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_origin

import shelfvision
from shelfvision.errors import ShelfVisionError, ShelfVisionWarning

PINNED = Path(__file__).with_name("public_names.txt")

MODULES = ("shelfvision", *(f"shelfvision.{name}" for name in shelfvision._SUBMODULES))
"""Every module whose names users may import."""


def public_face() -> str:
    """Return one line for every public name, and for every public member of a class."""
    return "\n".join(line for name in MODULES for line in lines_of_module(name)) + "\n"


def lines_of_module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for public in sorted(module.__all__):
        value = getattr(module, public)
        # A name that the façade only passes on is written out where it is at home.
        at_home = name != "shelfvision" or not hasattr(value, "__module__")
        yield f"{name}.{public}{described(value) if at_home else ''}"
        if at_home and inspect.isclass(value):
            yield from (f"{name}.{public}.{line}" for line in lines_of_class(value))


def lines_of_class(cls: type) -> Iterator[str]:
    fields = getattr(cls, "__dataclass_fields__", {})
    for name in sorted({*vars(cls), *inherited(cls)} - set(fields)):
        if not name.startswith("_") and not isinstance(cls, enum.EnumType):
            yield f"{name}{described(inspect.getattr_static(cls, name))}"
    for name in sorted(fields):
        if not name.startswith("_"):
            yield f"{name}: {fields[name].type}"


def inherited(cls: type) -> set[str]:
    """Return the names that a class has from base classes of this package."""
    ours = [base for base in cls.__mro__[1:] if base.__module__.startswith("shelfvision")]
    return {name for base in ours for name in vars(base)}


def described(value: object) -> str:
    if isinstance(value, ModuleType):
        return " (module)"
    if isinstance(value, property):
        returned = inspect.signature(value.fget).return_annotation if value.fget else "?"
        return f" -> {returned} (property)"
    if isinstance(value, classmethod | staticmethod):
        return f"{signature_of(value.__func__)} ({type(value).__name__})"
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__)
        return f"{signature_of(value)} ({bases})"
    return signature_of(value) if callable(value) else ""


def signature_of(value: object) -> str:
    if get_origin(value) is not None:
        # What Python reports for the alias of a type depends on its version.
        return "(...)"
    try:
        text = str(inspect.signature(value))  # type: ignore[arg-type]  # callable, as its callers see to
    except (TypeError, ValueError):
        return "(...)"
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def test_public_names_and_signatures_are_as_pinned() -> None:
    pinned = PINNED.read_text(encoding="utf-8").splitlines()
    found = public_face().splitlines()
    difference = "\n".join(difflib.unified_diff(pinned, found, "pinned", "found", "", "", 0, ""))
    assert not difference, (
        f"the public face changed; if that is meant, run python {PINNED.parent.name}/"
        f"{Path(__file__).name} and note it in CHANGELOG.md\n{difference}"
    )


def test_the_facade_lists_exactly_what_it_gives() -> None:
    assert len(set(shelfvision.__all__)) == len(shelfvision.__all__)
    assert all(hasattr(shelfvision, name) for name in shelfvision.__all__)


def test_every_public_module_says_what_is_public() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        missing = [public for public in module.__all__ if not hasattr(module, public)]
        assert not missing, f"{name}.__all__ names {missing}"


def test_every_public_class_is_final_or_made_to_be_extended() -> None:
    open_to_subclasses = set()
    for name in MODULES:
        module = importlib.import_module(name)
        values = [getattr(module, public) for public in module.__all__]
        open_to_subclasses |= {
            value.__name__
            for value in values
            if inspect.isclass(value)
            and not getattr(value, "__final__", False)
            and not issubclass(value, ShelfVisionError | ShelfVisionWarning)
            and not getattr(value, "_is_protocol", False)
        }
    assert open_to_subclasses == {"Operation"}


def test_a_changed_signature_changes_the_pinned_line() -> None:
    def old(first: int, *, second: str = "a") -> None: ...
    def new(first: int, *, second: str = "b") -> None: ...

    assert described(old) == "(first: 'int', *, second: 'str' = 'a') -> 'None'"
    assert described(old) != described(new)


if __name__ == "__main__":
    PINNED.write_text(public_face(), encoding="utf-8")
