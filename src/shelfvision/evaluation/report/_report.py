"""`EvaluationReport`: how good a classifier's predictions are, to print, draw and pass on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, SupportsIndex, final

import numpy as np
import numpy.typing as npt

from shelfvision._storage import write_atomically
from shelfvision._validation import as_integer, as_path, counted, import_package
from shelfvision.auditing import AuditReport
from shelfvision.errors import InvalidParameterError
from shelfvision.evaluation.report._about import About
from shelfvision.evaluation.report._pictures import draw_mistakes
from shelfvision.evaluation.report._plain import ReportDict, plain_report
from shelfvision.evaluation.report._scored import Scored
from shelfvision.evaluation.report._table import as_frame, as_html, as_text
from shelfvision.evaluation.report.writing._card import as_card
from shelfvision.evaluation.report.writing._page import as_page
from shelfvision.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@final
class EvaluationReport(Scored):
    """How good predictions are, how sure that is, and the mistakes themselves; immutable.

    `evaluate` makes one from a classifier and a dataset; this makes one from predictions at hand.
    A report of `evaluate` keeps no pixels: it reads the few photos that it shows again, from the
    dataset it was given. A pickled report leaves dataset and classifier behind.

    Parameters
    ----------
    predictions : Predictions
        What was predicted. Rows with an error are listed in `failed` and left out of the scores.
    labels : array_like of int, shape (n,)
        The true class number of every row.
    groups : sequence of str, length n, optional
        What belongs together, such as a session; groups are drawn anew whole for `intervals`.
        By default every row stands alone.
    slices : mapping of str to column, optional
        A name and a value for every row, or a function from a photo's id to the value.
    confidence_level : float, default=0.95
        How sure the intervals shall be, strictly between 0 and 1.
    resamples : int, default=1000
        How often the groups are drawn anew.
    seed : int, default=42
        What they are drawn with; the same gives the same intervals.

    Raises
    ------
    DataError
        There is no row to judge, or the labels or groups do not fit the predictions.
    InvalidParameterError
        A slice has not one value a row, or a setting is out of its range.

    Notes
    -----
    A precision, recall or F1 that would divide by zero is 0. `macro_f1` is the mean over the
    classes that have photos here, so a class without any neither helps nor hurts.

    For the intervals, a bootstrap over groups tells how much a score varies; the interval is then
    Clopper and Pearson's for as many independent photos as vary so much, with a correction for few
    groups, and with one trial a group where nothing varies because all is right. Percentiles of
    the bootstrap, which are more usual, hold the true score less often than they say.

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

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what it is made of; made anew, its arrays are read-only again."""
        settings = asdict(self._settings) | {"groups": self._groups, "slices": self._columns}
        return _remade, (self._predictions, self._labels, settings, self._about.to_be_sent())

    def plot_mistakes(
        self,
        k: SupportsIndex = 12,
        *,
        heat_maps: bool = False,
        n_columns: SupportsIndex = 6,
        ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
    ) -> npt.NDArray[np.object_]:
        """Draw the most confident mistakes.

        Parameters
        ----------
        k : int, default=12
            How many at most.
        heat_maps : bool, default=False
            Whether to lay `explain`'s heat map of the predicted class over each photo.
        n_columns : int, default=6
            How many stand side by side.
        ax : Axes or sequence of Axes, optional
            An axes for every photo, or one whose place the grid takes. By default a new figure.

        Returns
        -------
        ndarray of Axes, shape (number of mistakes,)
            The axes of the photos.

        Raises
        ------
        DataError
            There are no mistakes, or the report was not made by `evaluate` or was pickled.
        MissingDependencyError
            matplotlib is not installed.
        """
        return draw_mistakes(
            self.top_mistakes(k), self._about, heat_maps=heat_maps, n_columns=n_columns, ax=ax
        )

    def to_dict(self) -> ReportDict:
        """Return every number in plain types that ``json.dumps`` takes.

        Returns
        -------
        dict
            Everything that the properties give, by their names; of `per_class`, `slices` and the
            like a dictionary by name, of `confusion` a list of rows, of an interval a list of
            two numbers.
        """
        return plain_report(self, self._about)

    def to_frame(self) -> pd.DataFrame:
        """Return the scores per class as a pandas table.

        Returns
        -------
        pandas.DataFrame
            A row for every class; columns ``precision``, ``recall``, ``f1`` and ``support``, then
            ``precision_low``, ``precision_high`` and so on, the ends of the intervals.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        return as_frame(self, import_package("pandas", purpose="to_frame", pip="pandas"))

    def model_card(
        self, *, title: str = "", intended_use: str = "", audit: AuditReport | None = None
    ) -> str:
        """Return the report as Markdown, to be kept beside the model.

        Parameters
        ----------
        title : str, optional
            The heading; by default one made of the classes.
        intended_use : str, optional
            What the model is for and what not, in your words.
        audit : AuditReport, optional
            What `audit` said of the data.

        Returns
        -------
        str
            Markdown, with tables in the way of GitHub.

        References
        ----------
        M. Mitchell et al., "Model cards for model reporting", FAT* 2019, 220-229.
        """
        return as_card(self, self._about, title=title, intended_use=intended_use, audit=audit)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "",
        intended_use: str = "",
        audit: AuditReport | None = None,
        examples: SupportsIndex = 12,
        heat_maps: bool = True,
    ) -> None:
        """Save the report as one HTML file that stands alone, or as a model card.

        Nothing in the file is fetched from elsewhere, and it runs no script.

        Parameters
        ----------
        path : path-like
            Where the file shall stand: ``.html`` for a page, ``.md`` for the model card.
        title : str, optional
            The heading; by default one made of the classes.
        intended_use : str, optional
            What the model is for and what not, in your words.
        audit : AuditReport, optional
            What `audit` said of the data.
        examples : int, default=12
            How many mistakes the page shows, where the report was made by `evaluate`.
        heat_maps : bool, default=True
            Whether the page shows `explain`'s heat maps beside them.

        Raises
        ------
        InvalidParameterError
            The name ends in neither ``.html`` nor ``.md``.
        StorageError
            The file could not be written; whatever stood there before is unchanged.
        """
        kind = os.path.splitext(as_path(path))[1].lower()
        most = as_integer("examples", examples, minimum=0)
        if kind in (".html", ".htm"):
            text = as_page(
                self, self._about, title=title, intended_use=intended_use, audit=audit,
                examples=most, heat_maps=heat_maps,
            )  # fmt: skip
        elif kind == ".md":
            text = self.model_card(title=title, intended_use=intended_use, audit=audit)
        else:
            raise InvalidParameterError(
                f"a report is saved as 'report.html' or 'card.md', but {os.fspath(path)!r} ends in "
                f"{kind!r}; use one of these endings, or to_dict() for JSON",
                code="not-an-option",
                parameter="path",
            )
        write_atomically(path, text.encode("utf-8", "backslashreplace"))

    def __str__(self) -> str:
        """Return the report as an aligned table."""
        return as_text(self)

    def __repr__(self) -> str:
        """Return the report in one line."""
        return (
            f"<EvaluationReport: accuracy {self.accuracy:.3f}, macro F1 {self.macro_f1:.3f}, "
            f"{counted(self.n, 'photo')} of {counted(len(self.class_names), 'class')}>"
        )

    def _repr_html_(self) -> str:
        return as_html(self)


def _remade(
    predictions: Predictions,
    labels: npt.NDArray[np.int64],
    settings: Mapping[str, Any],
    about: About,
) -> EvaluationReport:
    return EvaluationReport(predictions, labels, **settings)._with(about)
