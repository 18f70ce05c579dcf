"""`EvaluationReport`: the scores of a classifier, as an object, table, chart and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, counted, import_package
from shelfvision.auditing import AuditReport
from shelfvision.errors import DataError
from shelfvision.evaluation.report._context import EvaluationContext, without_pixels
from shelfvision.evaluation.report._dictionary import ReportDict, report_dict
from shelfvision.evaluation.report._mistake_photos import mistake_photos
from shelfvision.evaluation.report._summary import report_frame, report_table, report_text
from shelfvision.evaluation.report.writing._card import model_card_text
from shelfvision.evaluation.report.writing._saving import save_report
from shelfvision.evaluation.scores._intervals import Intervals, intervals_of
from shelfvision.evaluation.scores._leakage import LeakageCheck
from shelfvision.evaluation.scores._metrics import (
    ClassScores,
    ConfusedPair,
    class_scores_of,
    confused_pairs,
    confusion_of,
)
from shelfvision.evaluation.scores._mistakes import Mistake, mistakes_at, wrong_rows
from shelfvision.evaluation.scores._outcomes import outcomes_of, require_groups, require_labels
from shelfvision.evaluation.scores._reliability import ReliabilityBin, reliability_of
from shelfvision.evaluation.scores._resampling import Bootstrap, bootstrap_of
from shelfvision.evaluation.scores._review import ReviewScores, review_of
from shelfvision.evaluation.scores._slices import Column, SliceScores, columns_of, slices_of
from shelfvision.evaluation.scores._unknown import UnknownScores
from shelfvision.predictions import Predictions, expected_calibration_error
from shelfvision.protocols import Images, Location

if TYPE_CHECKING:
    import pandas as pd


@final
class EvaluationReport:
    """Scores of predictions with confidence intervals, and the mistakes; immutable.

    `evaluate` returns a report for a classifier and a dataset. The constructor makes one from
    existing predictions. A report of `evaluate` keeps the dataset but no pixels: it reads the
    photos that it shows again. A pickled report contains neither the dataset nor the classifier.

    Parameters
    ----------
    predictions : Predictions
        The predictions. Rows with an error are listed in `failed` and are not scored.
    labels : array_like of int, shape (n,)
        The true class number of every row.
    groups : sequence of str, length n, optional
        The group of each row, such as a session. `intervals` uses a cluster bootstrap, which
        resamples whole groups. By default every row is a group.
    slices : mapping of str to column, optional
        Columns to compute scores for: a value for every row, or a function that maps a photo's id
        to its value.
    confidence_level : float, default=0.95
        The level of the confidence intervals, strictly between 0 and 1.
    resamples : int, default=1000
        The number of bootstrap resamples of the groups.
    seed : int, default=42
        The seed of the bootstrap; the same seed gives the same intervals.
    context : EvaluationContext, optional
        The dataset and the model, as `evaluate` describes them.

    Raises
    ------
    DataError
        No row can be scored, or labels or groups do not match the predictions.
    InvalidParameterError
        A slice does not have one value for each row, or a number is out of range.

    Notes
    -----
    A precision, recall or F1 with a zero denominator is 0. `macro_f1` is the mean over the classes
    that have photos here; classes without photos are left out.

    A cluster bootstrap over groups estimates the variance of each score. The effective sample size
    is the number of independent photos with the same variance, corrected for few groups. The
    interval is the Clopper-Pearson interval for that sample size. If a score does not vary, because
    all predictions are correct, each group counts as one trial. The more common percentile
    intervals of a bootstrap contain the true score less often than their level claims.

    References
    ----------
    E. Korn, B. Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", Survey Methodology 24 (1998) 193-201. C. Field,
    A. Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69 (2007)
    369-390.

    Examples
    --------
    >>> import shelfvision as shv
    >>> rows = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]
    >>> found = shv.Predictions(rows, ["can", "jar"], ["a.jpg", "b.jpg", "c.jpg"])
    >>> report = shv.EvaluationReport(found, [0, 1, 1])
    >>> report
    <EvaluationReport: accuracy 0.667, macro F1 0.667, 3 photos of 2 classes>
    >>> print(report.top_mistakes(1)[0])
    b.jpg: labelled 'jar', predicted 'can' (60 %)
    """

    __slots__ = (
        "_bootstrap",
        "_confusion",
        "_context",
        "_groups",
        "_intervals",
        "_labels",
        "_outcomes",
        "_per_class",
        "_predictions",
        "_slice_columns",
        "_slices",
    )

    def __init__(
        self,
        predictions: Predictions,
        labels: npt.NDArray[np.integer] | list[int],
        *,
        groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
        slices: Mapping[str, Column] | None = None,
        confidence_level: SupportsFloat = 0.95,
        resamples: SupportsIndex = 1000,
        seed: SupportsIndex = 42,
        context: EvaluationContext | None = None,
    ) -> None:
        names = predictions.class_names
        self._bootstrap = bootstrap_of(confidence_level, resamples, seed)
        self._predictions = predictions
        self._labels = require_labels(labels, n=len(predictions), n_classes=len(names))
        self._groups = require_groups(groups, n=len(predictions))
        self._slice_columns = columns_of(slices or {}, predictions.ids)
        self._context = EvaluationContext() if context is None else context
        self._outcomes = outcomes_of(predictions, self._labels, self._groups)
        if not len(self._outcomes):
            raise DataError(
                f"predictions must have a photo that could be read, got none of "
                f"{len(predictions)}; give at least one that can be read",
                code="empty",
                parameter="predictions",
            )
        true, predicted = self._outcomes.true, self._outcomes.predicted
        self._confusion = confusion_of(true, predicted, len(names))
        scores = class_scores_of(true, predicted, len(names))
        self._per_class = dict(zip(names, scores, strict=True))
        # Bootstraps, computed on first use.
        self._intervals: Intervals | None = None
        self._slices: dict[str, dict[str, SliceScores]] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the constructor's arguments, so that unpickled arrays are read-only again."""
        settings = asdict(self._bootstrap) | {
            "groups": self._groups,
            "slices": self._slice_columns,
            "context": without_pixels(self._context),
        }
        return _remade, (self._predictions, self._labels, settings)

    @property
    def predictions(self) -> Predictions:
        """The predictions of all photos, including those that failed."""
        return self._predictions

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The true class number of every row of `predictions`, shape (n,), read-only."""
        return self._labels

    @property
    def true_names(self) -> npt.NDArray[np.object_]:
        """The true class name of every row of `predictions`, ``str``, shape (n,)."""
        return np.array(self.class_names, dtype=object)[self._labels]

    @property
    def groups(self) -> npt.NDArray[np.object_] | None:
        """The group of every row of `predictions`, ``str``, read-only; None without groups."""
        return self._groups

    @property
    def bootstrap(self) -> Bootstrap:
        """How the intervals are computed: confidence level, resamples and seed."""
        return self._bootstrap

    @property
    def context(self) -> EvaluationContext:
        """The dataset and the model; empty if the report was not made by `evaluate`."""
        return self._context

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        return self._predictions.class_names

    @property
    def n(self) -> int:
        """The number of scored photos; photos that failed are not counted."""
        return int(self._confusion.sum())

    @property
    def n_groups(self) -> int:
        """The number of groups of these photos; without groups, the number of photos."""
        return self._outcomes.n_groups

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """The id of every photo that could not be scored, with the reason."""
        pairs = zip(self._predictions.ids.tolist(), self._predictions.errors, strict=True)
        return tuple((str(name), reason) for name, reason in pairs if reason is not None)

    @property
    def accuracy(self) -> float:
        """The share of photos that are predicted correctly, 0 to 1."""
        return float(np.trace(self._confusion)) / self.n

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have photos here, 0 to 1."""
        return self._outcomes.macro_f1

    @property
    def intervals(self) -> Intervals:
        """The confidence intervals of the scores, computed on first use by a cluster bootstrap."""
        if self._intervals is None:
            self._intervals = intervals_of(self._outcomes, self.class_names, self._bootstrap)
        return self._intervals

    @property
    def per_class(self) -> dict[str, ClassScores]:
        """Precision, recall, F1 and support of every class, by name, in the order of classes."""
        return dict(self._per_class)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """The confusion matrix: counts, shape (k, k), read-only, true classes in rows."""
        return self._confusion

    @property
    def majority_class(self) -> str:
        """The class with the most photos here; the first of several with equally many."""
        return self.class_names[int(self._confusion.sum(axis=1).argmax())]

    @property
    def baseline(self) -> float:
        """The accuracy of always predicting `majority_class`, which a classifier must exceed."""
        return int(self._confusion.sum(axis=1).max()) / self.n

    @property
    def nearest_baseline(self) -> float | None:
        """The accuracy of predicting the class of the most similar training photo.

        One nearest neighbour on thumbnails of 16 x 16 pixels. None if `evaluate` was called without
        the training set.
        """
        return self._context.nearest_baseline

    @property
    def leakage(self) -> LeakageCheck | None:
        """Data leakage: the photos that are also in the training set; None without that set."""
        return self._context.leakage

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """The bins of the reliability diagram: accuracy for each range of confidence."""
        return reliability_of(self._outcomes)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (ECE): the mean gap between confidence and accuracy."""
        rows = self._predictions.probabilities[self._outcomes.rows]
        return expected_calibration_error(rows, self._outcomes.true)

    @property
    def review(self) -> ReviewScores | None:
        """Coverage and accuracy of accepted photos; None if every photo was accepted."""
        return review_of(self._outcomes, self._bootstrap)

    @property
    def unknown(self) -> UnknownScores | None:
        """The scores of photos of unknown classes; None without ``evaluate(unknown="reject")``."""
        return self._context.unknown

    @property
    def slices(self) -> dict[str, dict[str, SliceScores]]:
        """The scores for every value of every column of `slices`, by name and value."""
        if self._slices is None:
            self._slices = slices_of(self._outcomes, self._slice_columns, self._bootstrap)
        return {name: dict(parts) for name, parts in self._slices.items()}

    def top_k(self, k: SupportsIndex) -> float:
        """Return the share of photos whose class is among the `k` most probable.

        Parameters
        ----------
        k : int
            The number of classes, at least 1.

        Returns
        -------
        float
            The share, 0 to 1.
        """
        return float((self._outcomes.ranks < as_integer("k", k, minimum=1)).mean())

    def most_confused(self, n: SupportsIndex = 10) -> tuple[ConfusedPair, ...]:
        """Return the pairs of classes that were confused most often.

        Parameters
        ----------
        n : int, default=10
            The maximum number of pairs.

        Returns
        -------
        tuple of ConfusedPair
            Pairs of true and predicted class, the most frequent first.
        """
        return confused_pairs(self._confusion, self.class_names, as_integer("n", n, minimum=1))

    def mistakes(self) -> npt.NDArray[np.int64]:
        """Return the rows with a wrong prediction, the most confident first.

        Returns
        -------
        ndarray of int64
            Row numbers in `predictions` and in the evaluated dataset, without photos that failed.
        """
        return wrong_rows(self._outcomes)

    def top_mistakes(self, k: SupportsIndex = 20) -> tuple[Mistake, ...]:
        """Return the most confident mistakes, which include most photos with wrong labels.

        Parameters
        ----------
        k : int, default=20
            The maximum number of mistakes.

        Returns
        -------
        tuple of Mistake
            The most confident first.
        """
        rows = self.mistakes()[: as_integer("k", k, minimum=1)].tolist()
        return mistakes_at(rows, self._predictions, self._labels)

    def mistake_photos(self, k: SupportsIndex = 12, *, heat_maps: bool = False) -> Images:
        """Return the pixels of the most confident mistakes, in the order of `top_mistakes`.

        Parameters
        ----------
        k : int, default=12
            The maximum number of mistakes.
        heat_maps : bool, default=False
            Whether to draw the heat map of the predicted class, from `explain`, over each photo.

        Returns
        -------
        ndarray of uint8, shape (number of mistakes, height, width, 3)
            The photos, read again from the evaluated dataset.

        Raises
        ------
        DataError
            The report has no mistakes, or the report was not made by `evaluate` or was pickled.
        PhotoError
            A photo can no longer be read.

        See Also
        --------
        shelfvision.plot.mistakes : The same with names and confidences, as a figure.
        """
        return mistake_photos(self.top_mistakes(k), self._context, heat_maps=heat_maps)

    def to_dict(self) -> ReportDict:
        """Return the report in plain types for ``json.dumps``.

        Returns
        -------
        dict
            The values of all properties, by name. `per_class`, `slices` and similar ones are
            dictionaries by name, `confusion` is a list of rows, and an interval is a list of two
            numbers.
        """
        return report_dict(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the scores per class as a pandas table.

        Returns
        -------
        pandas.DataFrame
            A row for every class. Columns are ``precision``, ``recall``, ``f1`` and ``support``,
            then the ends of their intervals: ``precision_low``, ``precision_high`` and so on.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        return report_frame(self, import_package("pandas", purpose="to_frame", pip="pandas"))

    def model_card(
        self, *, title: str = "", intended_use: str = "", audit: AuditReport | None = None
    ) -> str:
        """Return a model card: the report as Markdown.

        Parameters
        ----------
        title : str, optional
            The heading; by default it names the number of classes.
        intended_use : str, optional
            A text about the intended use of the model.
        audit : AuditReport, optional
            The result of `audit` on the data.

        Returns
        -------
        str
            Markdown with tables of GitHub's syntax.

        References
        ----------
        M. Mitchell et al., "Model cards for model reporting", FAT* 2019, 220-229.
        """
        return model_card_text(self, title=title, intended_use=intended_use, audit=audit)

    def save(
        self,
        path: Location,
        *,
        title: str = "",
        intended_use: str = "",
        audit: AuditReport | None = None,
        examples: SupportsIndex = 12,
        heat_maps: bool = True,
    ) -> None:
        """Save the report as a self-contained HTML file, or as a model card.

        The HTML file loads nothing from other files or servers and runs no script.

        Parameters
        ----------
        path : path-like or URL
            The path of the file: ``.html`` for a page, ``.md`` for the model card.
        title : str, optional
            The heading; by default it names the number of classes.
        intended_use : str, optional
            A text about the intended use of the model.
        audit : AuditReport, optional
            The result of `audit` on the data.
        examples : int, default=12
            The number of mistakes on the page, if the report was made by `evaluate`.
        heat_maps : bool, default=True
            Whether the page shows the heat maps of `explain` beside the mistakes.

        Raises
        ------
        InvalidParameterError
            The suffix is neither ``.html`` nor ``.md``.
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        save_report(
            self,
            path,
            title=title,
            intended_use=intended_use,
            audit=audit,
            examples=as_integer("examples", examples, minimum=0),
            heat_maps=heat_maps,
        )

    def __str__(self) -> str:
        """Return the report as an aligned table."""
        return report_text(self)

    def __repr__(self) -> str:
        """Return the report in one line."""
        return (
            f"<EvaluationReport: accuracy {self.accuracy:.3f}, macro F1 {self.macro_f1:.3f}, "
            f"{counted(self.n, 'photo')} of {counted(len(self.class_names), 'class')}>"
        )

    def _repr_html_(self) -> str:
        return report_table(self)


def _remade(
    predictions: Predictions, labels: npt.NDArray[np.int64], settings: Mapping[str, Any]
) -> EvaluationReport:
    return EvaluationReport(predictions, labels, **settings)
