"""Paths from mappings: one mapping for each step between levels, or nested mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from shelfvision._identifiers import clean_name, closest
from shelfvision._validation import counted
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.taxonomy._checks import NamePath, level_names

Steps = Mapping[str, object] | Sequence[Mapping[str, str]]


def levels_and_paths(
    mapping: Steps, levels: Sequence[str] | None
) -> tuple[NamePath, tuple[NamePath, ...]]:
    """Return the names of the levels and the paths that mappings describe."""
    if isinstance(mapping, Mapping):
        if not all(isinstance(value, str) for value in mapping.values()):
            nested = _paths_of_nested(mapping)
            return level_names(levels, len(nested[0]) if nested else 2), tuple(nested)
        steps = [cast("Mapping[str, str]", mapping)]
    elif isinstance(mapping, Sequence) and mapping and all(isinstance(m, Mapping) for m in mapping):
        steps = list(mapping)
    else:
        raise InvalidParameterError(
            "mapping must be a mapping {product: label} or a list of mappings, one for each step, "
            f"got {repr(mapping)[:80]}; write one of these",
            code="wrong-type",
            parameter="mapping",
        )
    names = level_names(levels, len(steps) + 1)
    return names, tuple(_paths_of_steps(steps, names))


def _paths_of_steps(steps: Sequence[Mapping[str, str]], levels: NamePath) -> list[NamePath]:
    """Return the paths from mappings of each level to the next."""
    for step in steps:
        odd = [one for pair in step.items() for one in pair if not isinstance(one, str)]
        if odd:
            raise InvalidParameterError(
                f"mapping must go from names to names, got {odd[0]!r}; give text, as in "
                "[{'Oatly': 'Oat milk'}, {'Oat milk': 'Dairy'}]",
                code="wrong-type",
                parameter="mapping",
            )
    above = [_by_clean_name(step, levels[place : place + 2]) for place, step in enumerate(steps)]
    paths = []
    for product in steps[0]:
        path = [product]
        for place, step in enumerate(above):
            name = clean_name(path[-1])
            if name not in step:
                near = closest(name, step)
                remedy = f"is {near!r} meant, or add it" if near else "add it"
                raise DataError(
                    f"the {levels[place]} {name!r} must have a {levels[place + 1]}, but the "
                    f"mapping from one to the other lacks it; {remedy}",
                    code="missing-class",
                    parameter="mapping",
                )
            path.append(step[name])
        paths.append(tuple(path))
    return paths


def _by_clean_name(step: Mapping[str, str], levels: NamePath) -> dict[str, str]:
    """Return a step by clean names; all spellings of a name must have the same parent."""
    found: dict[str, str] = {}
    for name, parent in step.items():
        first = found.setdefault(clean_name(name), parent)
        if clean_name(first) != clean_name(parent):
            raise DataError(
                f"the {levels[0]} {clean_name(name)!r} has two {levels[1]}s, {first!r} and "
                f"{parent!r}; keep one, or give the two different names",
                code="conflict",
                parameter="mapping",
            )
    return found


def _paths_of_nested(nested: Mapping[str, object]) -> list[NamePath]:
    """Return the paths of nested mappings, coarsest level outside, lists of products inside."""
    paths: list[NamePath] = []

    def walk(node: object, above: NamePath) -> None:
        if len(above) > 32:
            raise DataError(
                "the mappings are nested more than 32 deep; give fewer levels",
                code="too-deep",
                parameter="mapping",
            )
        if isinstance(node, Mapping):
            for name, inner in node.items():
                walk(inner, (name, *above))
        elif isinstance(node, Sequence | set | frozenset) and not isinstance(node, str):
            paths.extend((name, *above) for name in node)
        else:
            raise InvalidParameterError(
                f"{above[0]!r} holds {node!r}, which is neither a mapping nor a list of products; "
                "give {department: {label: [products]}}, every branch as deep as the others",
                code="wrong-type",
                parameter="mapping",
            )

    walk(nested, ())
    depths = {len(path): path for path in paths}
    if len(depths) > 1:
        short, long = (depths[depth] for depth in sorted(depths)[:2])
        raise DataError(
            f"{short[0]!r} has {counted(len(short), 'level')} and {long[0]!r} has {len(long)}; "
            "give every product as many",
            code="inconsistent",
            parameter="mapping",
        )
    return paths
