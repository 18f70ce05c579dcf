"""`Taxonomy`: which label a product has, and which department a label."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsFloat, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.evaluation import EvaluationReport, PredictsDataset
from shelfvision.inference import Classifier
from shelfvision.inventory import Inventory
from shelfvision.predictions import Predictions, Thresholds
from shelfvision.taxonomy._answers import Answers
from shelfvision.taxonomy._checks import checked_paths, level_names
from shelfvision.taxonomy._evaluation import reports_of_levels
from shelfvision.taxonomy._files import paths_of_directory, paths_of_manifest
from shelfvision.taxonomy._hierarchy import names_on, parents, place_of
from shelfvision.taxonomy._levels import correct_answers, finest_answers
from shelfvision.taxonomy._mappings import levels_and_paths
from shelfvision.taxonomy._sums import rolled_up
from shelfvision.taxonomy._thresholds import choose_thresholds, confidence_limit

if TYPE_CHECKING:
    from typing import Self


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Taxonomy:
    """Which label a product has, which department a label, and so on: a value, never changed.

    A name stands on one level only, or on several if it is its own label, as a banana may be.
    Make one with `from_mapping`, `from_manifest` or `from_directory`.

    Examples
    --------
    >>> import shelfvision as shv
    >>> kinds = {"Oatly": "Oat milk", "Arla-Mild": "Milk", "Arla-Fresh": "Milk"}
    >>> taxonomy = shv.Taxonomy.from_mapping(kinds)
    >>> said = shv.Predictions([[0.1, 0.48, 0.42]], ["Oatly", "Arla-Mild", "Arla-Fresh"], ["1.jpg"])
    >>> str(taxonomy.answer(said, 0.8)[0])
    'some Milk, 0.90'
    """

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
        names, paths = levels_and_paths(mapping, levels)
        return cls(levels=names, paths=paths)

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
        return names_on(self.paths, place_of(self.levels, level))

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
        return parents(self.paths, 0, 1 if level is None else place_of(self.levels, level))

    @overload
    def roll_up(self, what: Predictions, level: str | None = None) -> Predictions: ...
    @overload
    def roll_up(self, what: Inventory, level: str | None = None) -> Inventory: ...
    @overload
    def roll_up(self, what: Dataset, level: str | None = None) -> Dataset: ...

    def roll_up(
        self, what: Predictions | Inventory | Dataset, level: str | None = None
    ) -> Predictions | Inventory | Dataset:
        """Return the same on a coarser level.

        Parameters
        ----------
        what : Predictions, Inventory or Dataset
            Of predictions, probabilities are added up, and decisions stay as they are. Of an
            inventory, each of its draws is added up: intervals of the sums follow from these, and
            are narrower than sums of ends. Of a dataset, labels change.
        level : str, optional
            One of `levels`; by default the next one above what its names are of.

        Returns
        -------
        Predictions, Inventory or Dataset
            The same photos under the names of that level, sorted.

        Raises
        ------
        DataError
            Some of the names are not in the taxonomy.
        InvalidParameterError
            There is no such level, it is not coarser, or `what` is something else.
        """
        return rolled_up(self.levels, self.paths, what, level)

    def thresholds_for(
        self,
        classifier: Classifier,
        precision: SupportsFloat,
        *,
        dataset: Dataset | None = None,
        confidence_level: SupportsFloat = 0.95,
    ) -> Thresholds:
        """Choose from which confidence on names are given, so that enough of them are right.

        One threshold serves all levels: a photo is answered with its finest name whose
        confidence reaches it. With probability `confidence_level`, over the draw of the groups,
        at least `precision` of the groups that are answered have right answers alone, each judged
        on the level it was given on. This is a promise about all answers together; those on one
        level alone may be right less often.

        Parameters
        ----------
        classifier : Classifier
            One that keeps scores of validation photos, calibrated best; or give `dataset`.
        precision : float
            The share of answers that shall be right, strictly between 0 and 1.
        dataset : Dataset, optional
            Photos that the network was not trained on, of the classifier's classes. Photos of one
            group count once, as for `Thresholds.for_precision`.
        confidence_level : float, default=0.95
            How probable it shall be that the precision is reached, strictly between 0 and 1.

        Returns
        -------
        Thresholds
            The threshold, for `answer`; with it how many photos it was chosen on, how many of
            these are answered, and how many wrong.

        Raises
        ------
        DataError
            There are no photos to learn from, or they are of other classes.
        InvalidParameterError
            A number is out of range.

        Warns
        -----
        ShelfVisionWarning
            The photos do not support the precision, so every photo goes to review.

        References
        ----------
        The tests are those of `Thresholds.for_precision`. Answering on a coarser level when
        unsure: J. Deng, J. Krause, A. Berg, L. Fei-Fei, "Hedging your bets: optimizing
        accuracy-specificity trade-offs in large scale visual recognition", CVPR 2012.
        """
        return choose_thresholds(
            self.levels,
            self.paths,
            classifier,
            dataset,
            precision=precision,
            confidence_level=confidence_level,
        )

    def answer(self, predictions: Predictions, thresholds: Thresholds | SupportsFloat) -> Answers:
        """Answer each photo with its finest name that is sure enough.

        Parameters
        ----------
        predictions : Predictions
            What a classifier says of the photos.
        thresholds : Thresholds or float
            What `thresholds_for` chose for this classifier, or the confidence from which on a
            name is given, 0 to 1.

        Returns
        -------
        Answers
            A name, its level and its confidence for each photo. Where no level is sure enough,
            and where a photo failed, the decision is ``"review"``; what stands there is the best
            name of the coarsest level.

        Raises
        ------
        DataError
            Some of the predicted classes are not in the taxonomy.
        InvalidParameterError
            There is a threshold for each class instead of one, or a number is out of range.
        """
        return finest_answers(self.levels, self.paths, predictions, confidence_limit(thresholds))

    def correct(
        self, answers: Answers, products: Sequence[str] | npt.NDArray[np.object_]
    ) -> npt.NDArray[np.bool_]:
        """Tell which answers are right, each on the level it was given on.

        Parameters
        ----------
        answers : Answers
            What `answer` gave.
        products : sequence of str, length n
            The true name of every photo, of the finest level that was answered on.

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether the name is the true one's on that level; False for photos that failed.

        Raises
        ------
        DataError
            A product is not in the taxonomy, or they are not as many as the answers.
        """
        return correct_answers(self.levels, self.paths, answers, products)

    def evaluate(
        self,
        classifier: PredictsDataset,
        dataset: Dataset,
        *,
        confidence_level: SupportsFloat = 0.95,
        resamples: int = 1000,
        seed: int = 42,
    ) -> dict[str, EvaluationReport]:
        """Judge a classifier of products on every level; photos are predicted once.

        Parameters
        ----------
        classifier : Classifier
            What to judge, as for `shelfvision.evaluate`.
        dataset : Dataset
            Photos that it was not trained on, of its classes.
        confidence_level : float, default=0.95
            How sure the intervals shall be.
        resamples : int, default=1000
            How often the groups are drawn anew.
        seed : int, default=42
            What they are drawn with.

        Returns
        -------
        dict of str to EvaluationReport
            A report for each level, finest first: accuracy, macro F1, confusion and so on of the
            names with the largest sums of probabilities.

        Raises
        ------
        DataError
            The classes are not in the taxonomy, or the dataset does not fit the classifier.
        InvalidParameterError
            A setting is out of its range.
        """
        return reports_of_levels(
            self.levels,
            self.paths,
            classifier,
            dataset,
            confidence_level=confidence_level,
            resamples=resamples,
            seed=seed,
        )

    def __len__(self) -> int:
        """Return the number of products."""
        return len(self.paths)

    def __repr__(self) -> str:
        """Return how many names each level has."""
        counts = (counted(len(self.names(level)), printable(level)) for level in self.levels)
        return f"<Taxonomy: {', '.join(counts)}>"
