"""`drift`: compare photos in operation with the profile of validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, SupportsFloat, SupportsIndex, final

from shelfvision._validation import (
    as_integer,
    as_number,
    import_package,
    listed,
    one_of,
    received,
)
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation.operation._checks import (
    MEASURES,
    MIN_EFFECTS,
    Correction,
    DriftCheck,
    Measure,
    Rules,
    checks_of,
)
from shelfvision.evaluation.operation._incoming import By, Incoming, Table, incoming_of
from shelfvision.evaluation.operation._page import drift_view
from shelfvision.evaluation.operation._writing import COLUMNS, drift_text, plain_check, save_drift
from shelfvision.predictions import Predictions, Profile
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import pandas as pd

_CORRECTIONS: Final = ("holm", "benjamini-hochberg")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The comparison of photos in operation with a profile; prints as a table.

    `drift` returns it. A check is drift if its adjusted p-value is at most `alpha` and its effect
    is large enough.
    """

    checks: tuple[DriftCheck, ...]
    """The checks of all photos, then those of each slice."""
    by: tuple[str, ...]
    """The columns whose values divide the photos into slices."""
    n_photos: int
    """The number of photos, including unreadable ones."""
    n_slices: int
    """The number of slices; 0 without `by`."""
    profile: Profile
    """The profile that the photos are compared with."""
    alpha: float
    """The level of the tests, such as 0.01."""
    correction: Correction
    """How p-values are adjusted for the number of checks."""
    notes: tuple[str, ...]
    """What was not compared, and which assumptions were made, one sentence each."""

    @property
    def drifted(self) -> bool:
        """Whether any check found drift."""
        return bool(self.alarms)

    @property
    def alarms(self) -> tuple[DriftCheck, ...]:
        """The checks that found drift, the largest effect first."""
        found = [one for one in self.checks if one.status == "drift"]
        return tuple(sorted(found, key=lambda one: -(one.effect or 0)))

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain JSON values."""
        return {
            "drifted": self.drifted,
            "by": list(self.by),
            "n_photos": self.n_photos,
            "n_slices": self.n_slices,
            "alpha": self.alpha,
            "correction": self.correction,
            "notes": list(self.notes),
            "checks": [plain_check(self.by, one) for one in self.checks],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table with one row for each check.

        Returns
        -------
        pandas.DataFrame
            A column for each column of `by`, and one for each field of `DriftCheck`. The values of
            `by` are None in the rows of all photos.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        rows = [plain_check(self.by, one) for one in self.checks]
        return pd.DataFrame(rows, columns=[*self.by, *COLUMNS])

    def save(self, path: Location) -> None:
        """Save the result as an HTML page, JSON or CSV, by the suffix of the path.

        Parameters
        ----------
        path : path-like or URL
            The file to write, with the suffix ``.html``, ``.json`` or ``.csv``; an existing file
            is replaced atomically.

        Raises
        ------
        InvalidParameterError
            The suffix is not known.
        StorageError
            The file cannot be written.
        """
        save_drift(self, path)

    def _repr_html_(self) -> str:
        """Return the alarms and the checks of all photos, for notebooks."""
        return drift_view(self)

    def __str__(self) -> str:
        """Return the checks of all photos and the alarms of slices, as tables."""
        return drift_text(self)

    def __repr__(self) -> str:
        """Return one line with the number of photos, checks and alarms."""
        return (
            f"<Drift: {self.n_photos} photos, {len(self.checks)} checks, {len(self.alarms)} drift>"
        )


def drift(
    predictions: Predictions | Table,
    *,
    by: By | None = None,
    metadata: Table | None = None,
    groups: str | Sequence[object] | None = None,
    profile: Profile | None = None,
    checks: Sequence[Measure] | None = None,
    alpha: SupportsFloat = 0.01,
    min_effect: SupportsFloat | Mapping[str, float] | None = None,
    min_photos: SupportsIndex = 30,
    correction: Correction = "holm",
) -> Drift:
    """Compare photos in operation with the profile of the classifier.

    Photo quality, confidence, coverage, class shares and the rate of unreadable photos are compared
    with those of the validation photos. Drift does not need labels, and does not tell whether the
    accuracy changed: review a sample of photos after an alarm.

    Parameters
    ----------
    predictions : Predictions, DataFrame, Arrow table or mapping of columns
        The predictions for the photos that came in. Predict with ``quality=True`` and
        ``on_error="skip"``, so that quality and unreadable photos are compared. A table of scores
        has the columns ``label`` and ``confidence``, and optionally ``id``, ``decision`` and
        ``error``, as `Predictions.save` and `Scorer` write them. Only `Predictions.to_frame` adds
        the measures of quality.
    by : str, sequence of str, or mapping of str to column, optional
        Columns that divide the photos into slices, such as ``["store", "week"]``: one slice for
        each combination of values. Names are columns of `metadata` or of the table; a mapping
        contains the columns, with one value for each photo.
    metadata : DataFrame, Arrow table or mapping of columns, optional
        A table with the column ``id`` and the columns that `by` and `groups` name. It must have one
        row for each photo; other rows are ignored.
    groups : str or sequence, optional
        The group of each photo, or the name of its column: photos of one burst are not independent.
        A photo without one is a group of its own. By default, groups are unknown, and the photos
        are expected in bursts like those of validation: the design effects of the profile apply.
    profile : Profile, optional
        The profile to compare with. By default that of the classifier, `Predictions.profile`.
    checks : sequence of str, optional
        The measures to compare: ``"brightness"``, ``"contrast"``, ``"sharpness"``, ``"warmth"``,
        ``"confidence"``, ``"coverage"``, ``"classes"`` and ``"unreadable"``. By default all that
        both sides have. Stores with different assortments differ in ``"classes"``.
    alpha : float, default=0.01
        The level of the tests, above 0 and below 1. With Holm's correction it is the probability of
        one or more false alarms in the whole result, over all checks of all slices.
    min_effect : float or mapping of str to float, optional
        The smallest effect that is drift, as a share of photos, for all measures or by measure. By
        default 0.1, for ``"coverage"`` 0.05 and for ``"unreadable"`` 0.02. With many photos, tests
        also find differences that do not matter.
    min_photos : int, default=30
        The smallest number of groups of a check. A slice with fewer gets ``"not enough photos"``.
    correction : {"holm", "benjamini-hochberg"}, default="holm"
        How p-values are adjusted for the number of checks. ``"holm"`` bounds the probability of a
        false alarm, for any dependence between checks. ``"benjamini-hochberg"`` bounds the share of
        false alarms among the alarms and finds more, for a person who looks at each of many stores.

    Returns
    -------
    Drift
        The checks, their p-values and effects.

    Raises
    ------
    DataError
        There are no photos, no profile (code ``"no-profile"``), no measure that both sides have, or
        `metadata` lacks a photo or a column.
    InvalidParameterError
        A parameter has the wrong type, length or range.

    Notes
    -----
    Distributions are compared by a two-sample Kolmogorov-Smirnov test, shares by Fisher's exact
    test, and classes by Pearson's chi-square test. All of them assume that groups are independent,
    and that validation photos are a sample of good operation. Photos of one group are not
    independent: counts are divided by their design effects, which are estimated from the groups
    (Rao and Scott 1992). Unreadable photos are only drift if there are more of them.

    References
    ----------
    J. Rao, A. Scott, "A simple method for the analysis of clustered binary data", Biometrics 48
    (1992) 577-585. S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6 (1979) 65-70. Y. Benjamini, Y. Hochberg, "Controlling the false
    discovery rate", Journal of the Royal Statistical Society B 57 (1995) 289-300.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> rng = np.random.default_rng(0)
    >>> def week(sharpness):
    ...     rows = rng.dirichlet([4, 1], 200)
    ...     return shv.Predictions(rows, ["juice", "milk"], [str(row) for row in range(200)],
    ...                            quality={"sharpness": rng.normal(sharpness, 0.05, 200)})
    >>> profile = shv.Profile.from_predictions(week(0.5))
    >>> found = shv.drift(week(0.4), profile=profile)
    >>> found.drifted, found.alarms[0].measure
    (True, 'sharpness')
    """
    rules = _rules(checks, alpha, min_effect, min_photos, correction)
    known = _profile(predictions, profile)
    incoming = incoming_of(predictions, by=by, metadata=metadata, groups=groups)
    found = checks_of(incoming, known, rules)
    if not found:
        raise DataError(
            f"checks must have a measure that predictions and profile have, got "
            f"{listed(rules.measures, limit=8)}; predict with quality=True, or leave checks out",
            code="missing-column",
            parameter="checks",
        )
    return Drift(
        checks=found,
        by=incoming.by,
        n_photos=len(incoming),
        n_slices=len(incoming.slice_values),
        profile=known,
        alpha=rules.alpha,
        correction=rules.correction,
        notes=tuple(_notes(incoming, known, found, rules)),
    )


def _profile(predictions: object, given: object) -> Profile:
    profile = given
    if profile is None and isinstance(predictions, Predictions):
        profile = predictions.profile
    if profile is None:
        raise DataError(
            "predictions must have a profile to compare with, got none; pass profile=, or predict "
            "with a classifier.with_profile(photos)",
            code="no-profile",
            parameter="profile",
        )
    if not isinstance(profile, Profile):
        raise InvalidParameterError(
            f"profile must be a Profile, got {received(profile)}; pass classifier.profile",
            code="wrong-type",
            parameter="profile",
        )
    return profile


def _rules(
    checks: object,
    alpha: SupportsFloat,
    min_effect: SupportsFloat | Mapping[str, float] | None,
    min_photos: SupportsIndex,
    correction: Correction,
) -> Rules:
    names = MEASURES if checks is None else [checks] if isinstance(checks, str) else checks
    chosen = tuple(one_of("checks", name, MEASURES) for name in names)  # type: ignore[attr-defined]
    effects = dict(MIN_EFFECTS)
    if isinstance(min_effect, Mapping):
        for name, value in min_effect.items():
            one_of("min_effect", name, MEASURES)
            effects[name] = as_number("min_effect", value, minimum=0, maximum=1)
    elif min_effect is not None:
        effects = dict.fromkeys(MEASURES, as_number("min_effect", min_effect, minimum=0, maximum=1))
    one_of("correction", correction, _CORRECTIONS)
    return Rules(
        measures=tuple(name for name in MEASURES if name in chosen),
        alpha=as_number("alpha", alpha, minimum=0, maximum=1, exclusive=True),
        min_effects=effects,
        min_photos=as_integer("min_photos", min_photos, minimum=2),
        correction=correction,
    )


def _notes(
    incoming: Incoming, profile: Profile, found: Sequence[DriftCheck], rules: Rules
) -> list[str]:
    """Return what was not compared, and which assumptions were made."""
    notes = []
    if not any(one.p_value is not None for one in found):
        notes.append(
            f"Not enough photos for any check: each needs {rules.min_photos} groups of photos here "
            f"and in the profile, which has {profile.n_groups}."
        )
    if set(rules.measures) & {"brightness", "contrast", "sharpness", "warmth"}:
        if not profile.quality:
            notes.append("The profile has no photo quality, so quality was not compared.")
        elif not incoming.quality:
            notes.append(
                "Photo quality was not measured, so it was not compared; predict with quality=True."
            )
    if "coverage" in rules.measures and (profile.n_accepted is None or incoming.accepted is None):
        notes.append("Without thresholds there is no coverage to compare.")
    if incoming.groups is None and profile.n_groups < profile.n_photos:
        notes.append(
            "Groups of photos were not given; bursts are expected to be like those of the profile, "
            f"with {profile.n_photos / profile.n_groups:.1f} photos on average."
        )
    return notes
