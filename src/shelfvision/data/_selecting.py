"""Select, rename and renumber the classes of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from shelfvision._class_names import as_class_names
from shelfvision._identifiers import clean_name
from shelfvision._product_codes import codes_for, codes_of_classes
from shelfvision._validation import listed, require_texts
from shelfvision.data.finding._classes import accepted_classes
from shelfvision.data.table import PhotoTable, taken
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames


def selected(table: PhotoTable, class_names: ClassNames) -> PhotoTable:
    """Return the rows of some classes, numbered in the order given."""
    chosen = as_class_names(class_names)
    if set(chosen).isdisjoint(table.class_names):
        _require_classes(table, chosen, "class_names")
    accepted_classes(chosen, table.class_names, of="the dataset")
    return renumbered(table, chosen)


def with_codes(table: PhotoTable, codes: Mapping[str, str] | None) -> PhotoTable:
    """Return the same rows with these product codes of the classes."""
    return replace(table, product_codes=codes_for(codes, table.class_names))


def relabelled(table: PhotoTable, names: Mapping[str, str]) -> PhotoTable:
    """Return the same rows with renamed or merged classes; the new names are sorted."""
    if not isinstance(names, Mapping):
        raise InvalidParameterError(
            f"names must be a mapping of old name to new name, got {names!r}; write "
            '{"Oat-Milk": "Plant drink"}',
            code="wrong-type",
            parameter="names",
        )
    cleaned = {clean_name(old) if isinstance(old, str) else old: names[old] for old in names}
    _require_classes(table, tuple(cleaned), "names")
    require_texts("class_names", names.values())
    full = {name: clean_name(cleaned.get(name, name)) for name in table.class_names}
    return renumbered(table, as_class_names(sorted(set(full.values()))), renamed=full)


def renumbered(
    table: PhotoTable, class_names: tuple[str, ...], *, renamed: Mapping[str, str] | None = None
) -> PhotoTable:
    """Return the rows whose class is in `class_names`, with the numbers of this order.

    `renamed` maps each old class name to its new name; by default names do not change.
    """
    number = {name: index for index, name in enumerate(class_names)}
    names = table.class_names if renamed is None else [renamed[old] for old in table.class_names]
    labels = np.array([number.get(name, -1) for name in names], dtype=np.int64)[table.labels]
    kept = labels >= 0
    return replace(
        taken(table, kept),
        labels=labels[kept],
        class_names=class_names,
        product_codes=codes_of_classes(table.product_codes, class_names, renamed=renamed),
    )


def _require_classes(table: PhotoTable, names: Sequence[str], parameter: str) -> None:
    unknown = [name for name in names if name not in table.class_names]
    if unknown:
        raise InvalidParameterError(
            f"{parameter} must be classes of the dataset, got {listed(unknown)}; its classes are "
            f"{listed(table.class_names, limit=50)}",
            code="unknown-name",
            parameter=parameter,
        )
