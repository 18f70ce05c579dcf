"""`Tree`: which name lies below which, level by level."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shelfvision._identifiers import closest
from shelfvision._text import printable
from shelfvision._validation import counted, listed
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions.columns import Integers
from shelfvision.taxonomy._paths import (
    Path,
    checked_paths,
    level_names,
    paths_of_nested,
    paths_of_steps,
)
from shelfvision.taxonomy._reading import paths_of_directory, paths_of_manifest
from shelfvision.taxonomy._rolling import names_above

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Tree:
    """What every `Taxonomy` is underneath: its levels, and a path for every product."""

    levels: tuple[str, ...]
    """The names of the levels, finest first, such as ``("product", "label")``."""
    paths: tuple[tuple[str, ...], ...]
    """For every product its name on each level, sorted."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "paths", checked_paths(self.levels, self.paths))

    @classmethod
    def from_mapping(
        cls,
        mapping: Mapping[str, object] | Sequence[Mapping[str, str]],
        *,
        levels: Sequence[str] | None = None,
    ) -> Self:
        """Make a taxonomy of mappings.

        Parameters
        ----------
        mapping : mapping, or sequence of mappings
            ``{product: label}``; for more levels one mapping a step, finest first,
            ``[{product: label}, {label: department}]``; or mappings in mappings, coarsest
            outside, ``{department: {label: [products]}}``.
        levels : sequence of str, optional
            The names of the levels, finest first. By default ``product``, ``label``,
            ``department``, ``level 4`` and so on.

        Returns
        -------
        Taxonomy
            The taxonomy. Labels that no product leads to are left out.

        Raises
        ------
        DataError
            A product has two labels, a label no department, a name is empty or means two things,
            or the taxonomy goes in a circle.
        InvalidParameterError
            What is given is something else.

        Examples
        --------
        >>> import shelfvision as shv
        >>> shop = {"Dairy": {"Milk": ["Arla", "Oatly"]}, "Fruit": {"Banana": ["Banana"]}}
        >>> shv.Taxonomy.from_mapping(shop)
        <Taxonomy: 3 products, 2 labels, 2 departments>
        """
        if isinstance(mapping, Mapping):
            flat = all(isinstance(value, str) for value in mapping.values())
            if not flat:
                paths = paths_of_nested(mapping)
                return cls(
                    levels=level_names(levels, len(paths[0]) if paths else 2), paths=tuple(paths)
                )
            steps = [cast("Mapping[str, str]", mapping)]
        elif (
            isinstance(mapping, Sequence)
            and mapping
            and all(isinstance(m, Mapping) for m in mapping)
        ):
            steps = list(mapping)
        else:
            raise InvalidParameterError(
                "a taxonomy is made of a mapping {product: label} or of a list of mappings, one "
                f"for each step, got {repr(mapping)[:80]}; write one of these",
                code="wrong-type",
                parameter="mapping",
            )
        names = level_names(levels, len(steps) + 1)
        return cls(levels=names, paths=tuple(paths_of_steps(steps, names)))

    @classmethod
    def from_manifest(
        cls,
        path: str | os.PathLike[str],
        *,
        columns: Sequence[str] = ("product", "label"),
        levels: Sequence[str] | None = None,
        encoding: str | None = None,
    ) -> Self:
        """Make a taxonomy of the columns of a CSV file, such as the manifest of the photos.

        Parameters
        ----------
        path : path-like
            A CSV file with commas, semicolons, tabs or bars. A product may be in any number of
            lines.
        columns : sequence of str, default=("product", "label")
            The columns of the levels, finest first.
        levels : sequence of str, optional
            The names of the levels; by default those of the columns.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default that of its byte order
            mark, or UTF-8.

        Returns
        -------
        Taxonomy
            The taxonomy.

        Raises
        ------
        DatasetNotFoundError
            There is no such file.
        DataError
            The file lacks a column or a name, has another encoding, or says two things of a
            product.
        InvalidParameterError
            `columns` is no list of names.

        Warns
        -----
        ShelfVisionWarning
            Two spellings are one name (``"twin-names"``).
        """
        paths = paths_of_manifest(path, columns, encoding)
        return cls(levels=level_names(levels or columns, len(columns)), paths=tuple(paths))

    @classmethod
    def from_directory(
        cls, directory: str | os.PathLike[str], *, levels: Sequence[str] | None = None
    ) -> Self:
        """Make a taxonomy of nested folders, such as ``Dairy/Milk/Arla/1.jpg``.

        Parameters
        ----------
        directory : path-like
            A folder of folders; those without a folder inside are the products, and all lie
            equally deep. Hidden folders, empty ones and links to folders are left out.
        levels : sequence of str, optional
            The names of the levels, finest first; by default as for `from_mapping`.

        Returns
        -------
        Taxonomy
            The taxonomy.

        Raises
        ------
        DatasetNotFoundError
            There is no such folder.
        DataError
            Products lie at different depths, photos beside folders, or a product in two folders.
        """
        paths = paths_of_directory(directory)
        return cls(levels=level_names(levels, len(paths[0])), paths=tuple(paths))

    def names(self, level: str) -> tuple[str, ...]:
        """Return the names of a level, sorted.

        Parameters
        ----------
        level : str
            One of `levels`.

        Returns
        -------
        tuple of str
            The names.

        Raises
        ------
        InvalidParameterError
            There is no such level.
        """
        place = self._place(level)
        return tuple(sorted({path[place] for path in self.paths}))

    def mapping(self, level: str | None = None) -> dict[str, str]:
        """Return the name that every product has on a level, as ``Dataset.relabel`` takes it.

        Parameters
        ----------
        level : str, optional
            One of `levels`; by default the one above the products.

        Returns
        -------
        dict of str to str
            Names by product.

        Raises
        ------
        InvalidParameterError
            There is no such level.
        """
        return self._above(0, 1 if level is None else self._place(level))

    def __len__(self) -> int:
        """Return the number of products."""
        return len(self.paths)

    def __repr__(self) -> str:
        """Return how many names each level has."""
        told = (counted(len(self.names(level)), printable(level)) for level in self.levels)
        return f"<Taxonomy: {', '.join(told)}>"

    def _place(self, level: str) -> int:
        if level not in self.levels:
            raise InvalidParameterError(
                f"the taxonomy has no level {level!r}; its levels are {listed(self.levels)}",
                code="unknown-name",
                parameter="level",
            )
        return self.levels.index(level)

    def _above(self, low: int, high: int) -> dict[str, str]:
        return {path[low]: path[high] for path in self.paths}

    def _names(self, class_names: Sequence[str], low: int, high: int) -> Path:
        return names_above(class_names, self._above(low, high))[0]

    def _steps(self, class_names: Sequence[str]) -> list[tuple[Integers, int]]:
        """Return where every class goes on each level, and how many places that level has."""
        low = self._level_of(class_names)
        steps = []
        for high in range(low, len(self.levels)):
            above, places = names_above(class_names, self._above(low, high))
            steps.append((places, len(above)))
        return steps

    def _level_of(self, names: Sequence[str], *, at: int | None = None) -> int:
        """Return the finest level that has all of these names."""
        places = range(len(self.levels)) if at is None else [at]
        known = [{path[place] for path in self.paths} for place in places]
        for place, there in zip(places, known, strict=True):
            if there.issuperset(names):
                return place
        missing = [name for name in names if name not in known[0]]
        near = closest(missing[0], sorted(known[0]))
        hint = f" (is {near!r} meant?)" if near else ""
        raise DataError(
            f"the taxonomy has no {self.levels[places[0]]} {listed(missing)}{hint}; add "
            f"{'it' if len(missing) == 1 else 'them'}, so that every class has its place",
            code="missing-class",
        )
