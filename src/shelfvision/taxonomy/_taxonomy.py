"""`Taxonomy`: which label a product has, and which department a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat, final, overload

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._validation import as_number, counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.evaluation import EvaluationReport, PredictsDataset, evaluate
from shelfvision.inference import Classifier
from shelfvision.inventory import Inventory
from shelfvision.predictions import Predictions, Thresholds
from shelfvision.taxonomy._answers import Answers, frozen
from shelfvision.taxonomy._choosing import (
    Mask,
    chosen,
    finest,
    learned_from,
    levels_of,
    limit_of,
)
from shelfvision.taxonomy._rolling import rolled_inventory, rolled_predictions
from shelfvision.taxonomy._tree import Tree


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Taxonomy(Tree):
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
        if not isinstance(what, Predictions | Inventory | Dataset):
            raise InvalidParameterError(
                "what must be Predictions, an Inventory or a Dataset, got "
                f"{type(what).__name__}; pass what a classifier predicted",
                code="wrong-type",
                parameter="what",
            )
        low = self._level_of(what.class_names)
        high = low + 1 if level is None else self._place(level)
        if not low <= high < len(self.levels):
            raise InvalidParameterError(
                f"names of the level {self.levels[low]!r} cannot be rolled up to "
                f"{level or 'a coarser one'!r}; the levels are {listed(self.levels)}, finest first",
                code="not-in-range",
                parameter="level",
            )
        parents = self._above(low, high)
        if isinstance(what, Predictions):
            return rolled_predictions(what, parents)
        if isinstance(what, Inventory):
            return rolled_inventory(what, parents)
        return what.relabel({name: parents[name] for name in what.class_names})

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
        sure = as_number("precision", precision, minimum=0, maximum=1, exclusive=True)
        level = as_number(
            "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
        )
        rows, labels, groups = learned_from(classifier, dataset)
        steps = self._steps(classifier.class_names)
        said = levels_of(rows, steps)
        wrong: list[Mask] = [
            one.winners != places[labels] for one, (places, _) in zip(said, steps, strict=True)
        ]
        found = chosen(said, wrong, groups, precision=sure, confidence_level=level)
        if found.values[0] is None:
            more = found.needed[0]
            remedy = "ask for less" if more is None else f"about {more} groups would do"
            warn_caller(
                ShelfVisionWarning(
                    f"the {counted(found.n_groups, 'group')} of photos do not support a precision "
                    f"of {sure:.4g} on any level, so every photo goes to review; {remedy}",
                    code="too-few-photos",
                    parameter="precision",
                )
            )
        return found

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
        limit = limit_of(thresholds)
        low = self._level_of(predictions.class_names)
        steps = self._steps(predictions.class_names)
        said = levels_of(predictions.probabilities, steps)
        place = finest(said, limit)
        failed = np.array([reason is not None for reason in predictions.errors], dtype=np.bool_)
        shown = np.where(place < 0, len(said) - 1, place)
        columns = np.full((3, len(predictions)), None, dtype=object)
        confidences = np.full(len(predictions), np.nan)
        for number, level in enumerate(said):
            here = (shown == number) & ~failed
            names = np.array(self._names(predictions.class_names, low, low + number), dtype=object)
            columns[0, here] = names[level.winners[here]]
            columns[1, here] = self.levels[low + number]
            confidences[here] = level.confidences[here]
        columns[2] = np.where((place >= 0) & ~failed, "accept", "review")
        return Answers(
            level_names=self.levels[low:],
            ids=predictions.ids,
            names=frozen(columns[0]),
            levels=frozen(columns[1]),
            confidences=frozen(confidences),
            decisions=frozen(columns[2]),
            errors=predictions.errors,
        )

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
        names = [clean_name(name) for name in products]
        if len(names) != len(answers):
            raise DataError(
                f"products has {counted(len(names), 'name')} for {counted(len(answers), 'answer')};"
                " give the true product of each",
                code="wrong-length",
                parameter="products",
            )
        low = self._level_of(sorted(set(names)), at=self._place(answers.level_names[0]))
        above = {level: self._above(low, self._place(level)) for level in answers.level_names}
        pairs = zip(names, answers.names, answers.levels, strict=True)
        right = [level is not None and above[level][true] == name for true, name, level in pairs]
        return np.array(right, dtype=np.bool_)

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
        low = self._level_of(tuple(classifier.class_names))
        settings = {"confidence_level": confidence_level, "resamples": resamples, "seed": seed}
        report = evaluate(classifier, dataset, **settings)  # type: ignore[arg-type]  # by name
        reports = {self.levels[low]: report}
        for name in self.levels[low + 1 :]:
            said = self.roll_up(report.predictions, name)
            photos = self.roll_up(dataset, name)
            reports[name] = evaluate(_Said(said), photos, **settings)  # type: ignore[arg-type]
        return reports


@dataclass(frozen=True, slots=True)
class _Said:
    """A classifier that has said already what it says."""

    predictions: Predictions

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.predictions.class_names

    def predict(self, _photos: Dataset, /) -> Predictions:
        return self.predictions
