"""Find, in the source, every code that an error or a warning can have, and of which types.

Codes stand where an error is made (``code="empty"``), where a helper that makes it is called
(``_refuse(where, fault, "damaged")``), as a helper's default, or in a variable called ``code``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.messages import KINDS, PACKAGE

MANY = "ShelfVisionError"
"""The type of codes whose helper is told by its caller which error to make."""
GIVEN = frozenset({"error", "make", "missing", "kind"})
"""Names of parameters that a caller gives a type of errors in."""
LOW_FOLDERS = frozenset({"_storage"})
"""Folders of low modules, whose callers choose the type; other low modules lie in the root."""
NO_ERRORS = frozenset({"Finding", "SkippedFile", "_skip", "_reported", "_table"})
"""What takes codes of findings, skipped files and sections, which are no errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A function or method with a parameter `code`."""

    kinds: frozenset[str]
    """The types of errors that it makes itself."""
    place: int | None
    """The position of `code` among the arguments of a call, or None where it is given by name."""


def codes(root: Path = PACKAGE) -> set[tuple[str, str]]:
    """Return the type and the code of everything that the package can raise or warn of."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))
    }
    own = {path: dict(_helpers(tree)) for path, tree in trees.items()}
    # Functions are known by their import, methods by their name.
    low = {path: helpers for path, helpers in own.items() if _is_low(path, root)}
    shared = {name: one for helpers in own.values() for name, one in helpers.items() if one.kinds}
    shared |= {name: one for helpers in low.values() for name, one in helpers.items()}
    # Why a file of boxes cannot be read, which becomes an error.
    faults = ("_LineError", "_XMLError")
    shared |= dict.fromkeys(faults, Helper(kinds=frozenset({"DataError"}), place=0))
    # The readers of JSON are told what to call with a code and a fault.
    called = dict.fromkeys(("fail", "refuse", "JSONFaultError"), Helper(kinds=frozenset(), place=0))
    return {
        pair
        for path, tree in trees.items()
        for pair in _codes_in(
            tree,
            shared | (called if path in low else {}) | _imported(tree, own, root) | own[path],
            is_low=path in low,
        )
    }


def _is_low(path: Path, root: Path) -> bool:
    folder = path.parent
    return folder == root or (folder.parent == root and folder.name in LOW_FOLDERS)


def _imported(tree: ast.AST, own: dict[Path, dict[str, Helper]], root: Path) -> dict[str, Helper]:
    """Return the helpers that a file imports by name."""
    found: dict[str, Helper] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shelfvision."):
            place = root.joinpath(*(node.module or "").split(".")[1:]).with_suffix(".py")
            there = own.get(place, {})
            found |= {
                alias.asname or alias.name: there[alias.name]
                for alias in node.names
                if alias.name in there
            }
    return found


def _helpers(tree: ast.AST) -> Iterator[tuple[str, Helper]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            every = [*names, *(argument.arg for argument in node.args.kwonlyargs)]
            if "code" in every:
                bound = names[1:] if names[:1] in (["self"], ["cls"]) else names
                place = bound.index("code") if "code" in bound else None
                yield node.name, Helper(kinds=frozenset(_kinds(node)), place=place)


def _kinds(node: ast.AST) -> Iterator[str]:
    """Yield the types of errors that are made below a node."""
    for below in ast.walk(node):
        if isinstance(below, ast.Call):
            kind = ast.unparse(below.func).rpartition(".")[2]
            if kind in KINDS:
                yield kind


def _codes_in(
    tree: ast.AST, helpers: dict[str, Helper], *, is_low: bool
) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _codes_of_call(node, helpers)
        elif isinstance(node, ast.FunctionDef) and (is_low or set(_kinds(node))):
            yield from _codes_of_function(node)


def _codes_of_call(node: ast.Call, helpers: dict[str, Helper]) -> Iterator[tuple[str, str]]:
    called = ast.unparse(node.func).rpartition(".")[2]
    named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
    helper = helpers.get(called)
    if helper is not None and called == "refuse" and isinstance(node.func, ast.Attribute):
        return
    place = helper.place if helper is not None else None
    placed = node.args[place : place + 1] if place is not None else []
    kinds = {called} if called in KINDS else set(helper.kinds if helper else ()) or {MANY}
    makes = called in KINDS or (helper is not None and called not in NO_ERRORS)
    if makes or called in GIVEN:
        for kind in kinds:
            yield from ((kind, code) for value in (*named, *placed) for code in _texts(value))


def _codes_of_function(node: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield codes in variables called `code`, and defaults of parameters of this name."""
    kinds = set(_kinds(node)) or {MANY}
    arguments = [*node.args.posonlyargs, *node.args.args]
    defaults = list(zip(arguments[::-1], node.args.defaults[::-1], strict=False))
    defaults += [
        (name, value)
        for name, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if value is not None
    ]
    values = [value for argument, value in defaults if argument.arg == "code"]
    for below in ast.walk(node):
        if isinstance(below, ast.Assign) and ast.unparse(below.targets[0]) == "code":
            values.append(below.value)
        if node.name.endswith("code_of") and isinstance(below, ast.Return) and below.value:
            values.append(below.value)
    yield from ((kind, code) for kind in kinds for value in values for code in _texts(value))


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
