"""`promotion`: whether a new classifier may replace the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex, final

from shelfvision._validation import (
    as_integer,
    as_number,
    as_seed,
    counted,
    import_package,
    listed,
)
from shelfvision.data import Dataset
from shelfvision.data.arguments import require_dataset
from shelfvision.data.splitting.leaks import OnLeak
from shelfvision.evaluation._predicting import (
    PredictsDataset,
    require_photos,
    require_predicting,
)
from shelfvision.evaluation.promoting._differences import (
    ClassDifference,
    ScoreDifference,
    accuracy_of,
    classes_of,
    scores_of,
)
from shelfvision.evaluation.promoting._page import promotion_view
from shelfvision.evaluation.promoting._sides import Sides, sides_of
from shelfvision.evaluation.promoting._training import checked_for_leakage
from shelfvision.evaluation.promoting._verdict import Rules, Verdict, verdict_of
from shelfvision.evaluation.promoting._writing import (
    COLUMNS,
    plain_class,
    plain_promotion,
    promotion_text,
    save_promotion,
)
from shelfvision.evaluation.scores._resampling import Bootstrap
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The verdict of a promotion gate, with the scores behind it; prints as a table.

    `promotion` returns it.
    """

    verdict: Verdict
    """``"promote"``, ``"keep"`` (the old classifier) or ``"undecided"``."""
    reasons: tuple[str, ...]
    """Why, one sentence each."""
    scores: tuple[ScoreDifference, ...]
    """The scores of both classifiers. The first is the accuracy."""
    classes: tuple[ClassDifference, ...]
    """The classes that have photos, in the order of the old classifier, then new classes."""
    n_photos: int
    """The number of photos that both classifiers could read."""
    n_groups: int
    """The number of groups of these photos."""
    n_unreadable: int
    """The number of photos that were left out, because they could not be read."""
    only_old: int
    """The number of photos on which only the old classifier is right."""
    only_new: int
    """The number of photos on which only the new classifier is right."""
    p_value: float
    """The probability of a difference in accuracy at least this large if both are equally good."""
    margin: float
    """The largest loss of accuracy that is accepted."""
    class_margin: float
    """The largest loss of recall that is accepted for one class."""
    confidence_level: float
    """The confidence level of the intervals, such as 0.95."""
    notes: tuple[str, ...]
    """What to know about the photos and the classes, one sentence each."""

    @property
    def worse(self) -> tuple[ClassDifference, ...]:
        """The classes for which the new classifier is worse, the largest loss first."""
        found = [one for one in self.classes if one.status == "worse"]
        return tuple(sorted(found, key=lambda one: one.difference))

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain JSON values."""
        return plain_promotion(self)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table with one row for each class, and the fields of `ClassDifference`.

        Returns
        -------
        pandas.DataFrame
            The column `interval` is divided into ``low`` and ``high``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        return pd.DataFrame([plain_class(one) for one in self.classes], columns=COLUMNS)

    def save(self, path: Location) -> None:
        """Save the result as an HTML page, JSON or CSV, by the suffix of the path.

        Parameters
        ----------
        path : path-like or URL
            The file to write, with the suffix ``.html``, ``.json`` or ``.csv`` (one row for each
            class); an existing file is replaced atomically.

        Raises
        ------
        InvalidParameterError
            The suffix is not known.
        StorageError
            The file cannot be written.
        """
        save_promotion(self, path)

    def _repr_html_(self) -> str:
        """Return the verdict and the scores, for notebooks."""
        return promotion_view(self)

    def __str__(self) -> str:
        """Return the verdict, and tables of scores and classes."""
        return promotion_text(self)

    def __repr__(self) -> str:
        """Return one line with the verdict and the difference in accuracy."""
        return (
            f"<Promotion: {self.verdict}, accuracy {self.scores[0].difference:+.3f} on "
            f"{counted(self.n_photos, 'photo')}>"
        )


def promotion(
    old: PredictsDataset,
    new: PredictsDataset,
    dataset: Dataset,
    *,
    training: Dataset | Sequence[Dataset] | None = None,
    on_leak: OnLeak = "raise",
    margin: SupportsFloat = 0.01,
    class_margin: SupportsFloat = 0.05,
    min_groups: SupportsIndex = 30,
    confidence_level: SupportsFloat = 0.95,
    resamples: SupportsIndex = 1000,
    seed: SupportsIndex = 42,
) -> Promotion:
    """Decide whether a new classifier may replace the old one, on the same labelled photos.

    The verdict is

    - ``"promote"`` if the new classifier loses less accuracy than `margin`, at `confidence_level`,
      and no class is significantly worse by more than `class_margin`;
    - ``"keep"`` if the accuracy is significantly lower, or a class is worse;
    - ``"undecided"`` otherwise, or with fewer than `min_groups` groups of photos.

    Classes are matched by name. Photos of a class that only one classifier has count as wrong for
    the other one. If classes differ, the accuracy on the shared classes must pass as well, so that
    new products cannot hide a loss on the others. Leave out discontinued products with
    ``dataset.select``.

    Parameters
    ----------
    old, new : Classifier, Predictor or PredictsDataset
        The classifier in operation and the candidate.
    dataset : Dataset
        Photos that neither classifier was trained on. Each classifier reads them at its own image
        size and resize rule. Groups, such as bursts, are resampled as a whole.
    training : Dataset or sequence of Dataset, optional
        Training photos of either classifier, to check for data leakage: photos of `dataset` with
        the group or the content of a training photo.
    on_leak : {"raise", "drop", "allow"}, default="raise"
        What to do about data leakage: raise an error, leave these photos out, or only warn. The
        notes of the result contain the number of photos.
    margin : float, default=0.01
        The largest loss of accuracy that is accepted, 0 to 1.
    class_margin : float, default=0.05
        The largest loss of recall that is accepted for one class, 0 to 1; 1 switches the check of
        classes off.
    min_groups : int, default=30
        The smallest number of groups of photos for a verdict other than ``"undecided"``.
    confidence_level : float, default=0.95
        The level of the confidence intervals, strictly between 0 and 1. Classes are tested at one
        minus this level, after Holm's correction for the number of classes.
    resamples : int, default=1000
        The number of bootstrap resamples of the groups.
    seed : int, default=42
        The seed of the bootstrap; the same seed gives the same result.

    Returns
    -------
    Promotion
        The verdict, its reasons, and the differences of scores and classes.

    Raises
    ------
    InvalidParameterError
        A classifier or `dataset` has the wrong type, or a number is out of range.
    LeakageError
        The dataset has training photos, and `on_leak` is ``"raise"``.
    DataError
        The dataset is empty or has only training photos, a class is in neither classifier (code
        ``"unknown-class"``), or no photo could be read.

    Warns
    -----
    LeakageWarning
        The dataset has training photos, and `on_leak` is ``"allow"``.
    ShelfVisionWarning
        Arrays were resized to a classifier's image size (code ``"resized-arrays"``).

    Notes
    -----
    Both limits of an interval count: a 95 % interval leaves 2.5 % below its lower limit. Coverage
    and precision use each classifier's own thresholds; a classifier without thresholds accepts
    every photo. They and the calibration error are reported and do not change the verdict.

    Per class, an exact permutation test swaps whole groups; for single photos it is McNemar's test.
    A class whose groups are too few for any significant result is ``"not enough photos"`` (Tarone
    1990), and does not count in the correction.

    References
    ----------
    R. Newcombe, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17 (1998) 2635-2650. G. Zou, A. Donner,
    "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008)
    1693-1702. R. Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990)
    515-522.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> class Says:
    ...     class_names = ("Can", "Jar")
    ...
    ...     def __init__(self, can):
    ...         self.can = can
    ...
    ...     def predict(self, photos):
    ...         rows = np.tile([self.can, 1 - self.can], (len(photos), 1))
    ...         return shv.Predictions(rows, self.class_names, photos.ids)
    >>> photos = shv.samples.render_products({"Can": 30, "Jar": 10})
    >>> result = shv.promotion(Says(0.9), Says(0.1), photos)
    >>> result.verdict, result.worse[0].name, result.scores[0].difference
    ('keep', 'Can', -0.5)
    """
    rules = Rules(
        margin=as_number("margin", margin, minimum=0, maximum=1),
        class_margin=as_number("class_margin", class_margin, minimum=0, maximum=1),
        min_groups=as_integer("min_groups", min_groups, minimum=2),
    )
    settings = Bootstrap(
        confidence_level=as_number(
            "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
        ),
        resamples=as_integer("resamples", resamples, minimum=1),
        seed=as_seed(seed),
    )
    require_predicting(old, parameter="old")
    require_predicting(new, parameter="new")
    require_dataset("dataset", dataset)
    require_photos(dataset)
    photos, leakage = checked_for_leakage(dataset, training, on_leak)
    return _promotion(sides_of(old, new, photos), settings, rules, leakage)


def _promotion(
    sides: Sides, settings: Bootstrap, rules: Rules, leakage: Sequence[str]
) -> Promotion:
    accuracy = accuracy_of(sides, settings)
    scores = scores_of(sides, accuracy, settings)
    classes = classes_of(sides, settings, class_margin=rules.class_margin)
    verdict, reasons = verdict_of(scores, classes, accuracy.n_groups, rules)
    return Promotion(
        verdict=verdict,
        reasons=reasons,
        scores=scores,
        classes=classes,
        n_photos=accuracy.n,
        n_groups=accuracy.n_groups,
        n_unreadable=sides.n_unreadable,
        only_old=accuracy.only_first,
        only_new=accuracy.only_second,
        p_value=accuracy.p_value,
        margin=rules.margin,
        class_margin=rules.class_margin,
        confidence_level=settings.confidence_level,
        notes=(*leakage, *_notes(sides, classes, rules, alpha=1 - settings.confidence_level)),
    )


def _notes(
    sides: Sides, classes: Sequence[ClassDifference], rules: Rules, *, alpha: float
) -> list[str]:
    """Return what to know about the photos and the classes."""
    notes = []
    for names, has, lacks in ((sides.only_old, "old", "new"), (sides.only_new, "new", "old")):
        if names:
            notes.append(
                f"Only the {has} classifier has {listed(names)}; their photos count as wrong for "
                f"the {lacks} one."
            )
    if sides.n_unreadable:
        notes.append(f"{counted(sides.n_unreadable, 'photo')} could not be read.")
    few = [one for one in classes if one.status == "not enough photos"]
    if few:
        notes.append(
            f"Not enough photos to test {counted(len(few), 'class')}: "
            f"{listed(one.name for one in few)}."
        )
    suspects = [
        one.name
        for one in classes
        if one.status != "worse" and one.p_value <= alpha and one.difference < -rules.class_margin
    ]
    if suspects:
        notes.append(
            f"Without the correction for the number of classes, {listed(suspects)} would be worse; "
            "evaluate more photos of them."
        )
    return notes
