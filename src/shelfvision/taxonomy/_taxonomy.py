"""`Taxonomy`: a hierarchy of products, labels and departments."""

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
from shelfvision.protocols import Location
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
    """A hierarchy of products, labels, departments and so on; immutable.

    A name is on one level only. The exception is a name that is its own label, such as Banana.
    Make a taxonomy with `from_mapping`, `from_manifest` or `from_directory`.

    Examples
    --------
    >>> import shelfvision as shv
    >>> kinds = {"Oatly": "Oat milk", "Arla-Mild": "Milk", "Arla-Fresh": "Milk"}
    >>> taxonomy = shv.Taxonomy.from_mapping(kinds)
    >>> rows, names = [[0.1, 0.48, 0.42]], ["Oatly", "Arla-Mild", "Arla-Fresh"]
    >>> predictions = shv.Predictions(rows, names, ["1.jpg"])
    >>> str(taxonomy.answer(predictions, 0.8)[0])
    'some Milk, 0.90'
    """

    levels: tuple[str, ...]
    """The names of the levels, finest first, such as ``("product", "label")``."""
    paths: tuple[tuple[str, ...], ...]
    """The name of every product on each level, sorted."""

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
        """Return a taxonomy from mappings.

        Parameters
        ----------
        mapping : mapping, or sequence of mappings
            ``{product: label}``; for more levels one mapping for each step, finest first,
            ``[{product: label}, {label: department}]``; or nested mappings, coarsest outside,
            ``{department: {label: [products]}}``.
        levels : sequence of str, optional
            The names of the levels, finest first. By default ``product``, ``label``,
            ``department``, ``level 4`` and so on.

        Returns
        -------
        Taxonomy
            The taxonomy. Labels without products are left out.

        Raises
        ------
        DataError
            A product has two labels, a label has no department, a name is empty or is on two
            levels, or the taxonomy has a cycle.
        InvalidParameterError
            `mapping` has another type.

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
        path: Location,
        *,
        columns: Sequence[str] = ("product", "label"),
        levels: Sequence[str] | None = None,
        encoding: str | None = None,
    ) -> Self:
        """Return a taxonomy from the columns of a CSV file, such as the manifest of the photos.

        Parameters
        ----------
        path : path-like or URL
            A CSV file with commas, semicolons, tabs or bars. A product may have several lines.
        columns : sequence of str, default=("product", "label")
            The columns of the levels, finest first.
        levels : sequence of str, optional
            The names of the levels; by default the names of the columns.
        encoding : str, optional
            The encoding of the file, such as ``"cp1252"``. By default the encoding of the byte
            order mark, or UTF-8.

        Returns
        -------
        Taxonomy
            The taxonomy.

        Raises
        ------
        DatasetNotFoundError
            The file does not exist.
        DataError
            The file lacks a column or a name, has another encoding, or has two labels for a
            product.
        InvalidParameterError
            `columns` is not a list of names.

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
        """Return a taxonomy from nested folders, such as ``Dairy/Milk/Arla/1.jpg``.

        Parameters
        ----------
        directory : path-like
            A folder of folders. Folders without a subfolder are products; all must have the same
            depth. Hidden folders, empty folders and links to folders are left out.
        levels : sequence of str, optional
            The names of the levels, finest first; by default as for `from_mapping`.

        Returns
        -------
        Taxonomy
            The taxonomy.

        Raises
        ------
        DatasetNotFoundError
            The folder does not exist.
        DataError
            Products have different depths, photos are beside folders, or a product is in two
            folders.
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
        """Return the name of every product on a level, for ``Dataset.relabel``.

        Parameters
        ----------
        level : str, optional
            One of `levels`; by default the level above the products.

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
        """Return predictions, an inventory or a dataset on a coarser level.

        Parameters
        ----------
        what : Predictions, Inventory or Dataset
            For predictions, probabilities are summed and decisions are unchanged. For an
            inventory, each draw is summed: the intervals of the sums are narrower than the sums of
            the interval ends. For a dataset, labels change.
        level : str, optional
            One of `levels`; by default the next level above the names of `what`.

        Returns
        -------
        Predictions, Inventory or Dataset
            The same photos under the names of that level, sorted.

        Raises
        ------
        DataError
            Some of the names are not in the taxonomy.
        InvalidParameterError
            There is no such level, it is not coarser, or `what` has another type.
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
        """Choose the confidence threshold that guarantees a precision of the answers.

        All levels share one threshold: the answer for a photo is its finest name with at least
        this confidence. With probability `confidence_level` over the sampling of groups, at least
        `precision` of the answered groups have correct answers only. Each answer is checked on
        its own level. The guarantee is for all answers together; the precision on a single
        level may be lower.

        Parameters
        ----------
        classifier : Classifier
            A classifier with validation scores, preferably calibrated; otherwise pass `dataset`.
        precision : float
            The required share of correct answers, strictly between 0 and 1.
        dataset : Dataset, optional
            Photos of the classifier's classes that the network was not trained on. Photos of one
            group count once, as for `Thresholds.for_precision`.
        confidence_level : float, default=0.95
            The probability that the precision is reached, strictly between 0 and 1.

        Returns
        -------
        Thresholds
            The threshold for `answer`, with the number of photos it was chosen on, of answered
            photos and of wrong answers.

        Raises
        ------
        DataError
            The photos are missing to choose it on, or they have other classes.
        InvalidParameterError
            A number is out of range.

        Warns
        -----
        ShelfVisionWarning
            The photos do not support the precision, so every photo goes to review.

        References
        ----------
        The statistical tests are those of `Thresholds.for_precision`. Coarser answers at low
        confidence: J. Deng, J. Krause, A. Berg, L. Fei-Fei, "Hedging your bets: optimizing
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
        """Return an answer for each photo: its finest name with enough confidence.

        Parameters
        ----------
        predictions : Predictions
            The predictions of a classifier.
        thresholds : Thresholds or float
            The result of `thresholds_for` for this classifier, or the minimum confidence of an
            answer, 0 to 1.

        Returns
        -------
        Answers
            A name, its level and its confidence for each photo. The decision is ``"review"`` if no
            level has enough confidence or if the photo failed. The name is then the most probable
            name of the coarsest level.

        Raises
        ------
        DataError
            Some of the predicted classes are not in the taxonomy.
        InvalidParameterError
            `thresholds` has a threshold for each class instead of one, or a number is out of
            range.
        """
        return finest_answers(self.levels, self.paths, predictions, confidence_limit(thresholds))

    def correct(
        self, answers: Answers, products: Sequence[str] | npt.NDArray[np.object_]
    ) -> npt.NDArray[np.bool_]:
        """Return which answers are correct, each checked on its own level.

        Parameters
        ----------
        answers : Answers
            The result of `answer`.
        products : sequence of str, length n
            The true name of every photo, on the finest level of `answers`.

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether the name is correct on its level; False for photos that failed.

        Raises
        ------
        DataError
            A product is not in the taxonomy, or the number of products and answers differs.
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
        """Evaluate a classifier of products on every level; photos are predicted once.

        Parameters
        ----------
        classifier : Classifier
            The classifier, as for `shelfvision.evaluate`.
        dataset : Dataset
            Photos of its classes that it was not trained on, such as the test set.
        confidence_level : float, default=0.95
            The level of the confidence intervals.
        resamples : int, default=1000
            The number of bootstrap resamples of the groups.
        seed : int, default=42
            The seed of the bootstrap.

        Returns
        -------
        dict of str to EvaluationReport
            A report for each level, finest first. The predicted name of a level has the largest
            sum of probabilities.

        Raises
        ------
        DataError
            The classes are not in the taxonomy, or the dataset has other classes.
        InvalidParameterError
            A number is out of range.
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
        """Return the number of names on each level."""
        counts = (counted(len(self.names(level)), printable(level)) for level in self.levels)
        return f"<Taxonomy: {', '.join(counts)}>"
