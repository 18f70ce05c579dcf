"""Checks of names, levels and paths of a taxonomy.

A path has the name of one product on every level, finest first: ``("Oatly", "Oat milk", "Dairy")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeAlias

from shelfvision._identifiers import clean_name, spellings, warn_of_twins
from shelfvision._validation import counted, listed
from shelfvision.errors import DataError, InvalidParameterError

NamePath: TypeAlias = tuple[str, ...]
"""A product's name on every level, finest first."""

_LEVELS = ("product", "label", "department")


def level_names(levels: Sequence[str] | None, n: int) -> NamePath:
    """Return the names of `n` levels, finest first."""
    if levels is None:
        return (*_LEVELS[:n], *(f"level {number}" for number in range(len(_LEVELS) + 1, n + 1)))
    if isinstance(levels, str) or not all(isinstance(name, str) and name for name in levels):
        raise InvalidParameterError(
            f"levels must be a list of names, finest first, as in ['product', 'label'], got "
            f"{levels!r}; write it so",
            code="wrong-type",
            parameter="levels",
        )
    if len(levels) != n:
        raise InvalidParameterError(
            f"levels has {counted(len(levels), 'name')} for {n} levels; name each, finest first",
            code="wrong-length",
            parameter="levels",
        )
    return tuple(levels)


def checked_paths(levels: NamePath, paths: Sequence[Sequence[str]]) -> tuple[NamePath, ...]:
    """Return the distinct paths, sorted, or raise an error."""
    if len(set(levels)) != len(levels) or len(levels) < 2:
        raise InvalidParameterError(
            "levels must be two or more different names, got "
            f"{listed(levels) or 'none'}; name them finest first, as in ['product', 'label']",
            code="duplicate" if len(levels) > 1 else "wrong-length",
            parameter="levels",
        )
    if not paths:
        raise DataError(
            "a taxonomy must have a product, got none; give at least one product with its "
            f"{levels[1]}",
            code="empty",
        )
    for path in paths:
        _require_names(levels, path)
    for place in range(len(levels)):
        warn_of_twins(spellings(path[place] for path in paths), what=f"{levels[place]}s")
    found = tuple(sorted({tuple(clean_name(name) for name in path) for path in paths}))
    for place in range(len(levels) - 1):
        _require_one_parent(levels, place, found)
    _require_no_circle(found)
    _require_one_meaning(levels, found)
    return found


def _require_names(levels: NamePath, path: Sequence[str]) -> None:
    if isinstance(path, str) or len(path) != len(levels):
        raise DataError(
            f"{path!r} does not lead through the {len(levels)} levels {listed(levels)}; give a "
            "name for each",
            code="wrong-length",
        )
    for level, name in zip(levels, path, strict=True):
        if not isinstance(name, str) or not clean_name(name):
            known = next((n for n in path if isinstance(n, str) and clean_name(n)), None)
            of_what = "" if known is None else f" of {known!r}"
            raise DataError(
                f"the {level}{of_what} is {name!r}; give every product a name on every level, as "
                "text that is not empty",
                code="empty" if isinstance(name, str) else "wrong-type",
            )


def _require_one_parent(levels: NamePath, place: int, paths: Sequence[NamePath]) -> None:
    parents: dict[str, str] = {}
    for path in paths:
        name, parent = path[place], path[place + 1]
        first = parents.setdefault(name, parent)
        if first != parent:
            raise DataError(
                f"the {levels[place]} {name!r} has two {levels[place + 1]}s, {first!r} and "
                f"{parent!r}; keep one, or give the two different names",
                code="conflict",
            )


def _require_no_circle(paths: Sequence[NamePath]) -> None:
    above: dict[str, set[str]] = {}
    for path in paths:
        for name, parent in pairwise(path):
            if name != parent:
                above.setdefault(name, set()).add(parent)
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        # graphlib goes from a name to the names below it.
        circle = list(reversed(error.args[1]))
        shown = " in ".join(repr(name) for name in circle[:6])
        raise DataError(
            f"the taxonomy must not have a cycle, got {shown}; remove one of these relations",
            code="circle",
        ) from error


def _require_one_meaning(levels: NamePath, paths: Sequence[NamePath]) -> None:
    """Refuse a name on two levels, unless it is its own parent, such as Banana in Banana."""
    chains = [{path[place]: path[place:] for path in paths} for place in range(len(levels))]
    for low, chain in enumerate(chains):
        for high in range(low + 1, len(levels)):
            for name in sorted(chain.keys() & chains[high].keys()):
                if any(chain[name][step] != name for step in range(high - low + 1)):
                    raise DataError(
                        f"{name!r} is a {levels[low]} in {chain[name][1]!r} and also a "
                        f"{levels[high]}; give the two different names, or, where levels were "
                        "meant to follow each other, a sequence of mappings, one for each step",
                        code="ambiguous",
                    )
