r"""Tests of one sample of photos against a profile, for photos that come in bursts.

Every test is one for independent photos, applied to *effective* counts: counts divided by their
design effect (Rao and Scott 1992), on both sides.

============ =================================================== ==================================
measure      test                                                effect
============ =================================================== ==================================
distribution two-sample Kolmogorov-Smirnov, at the values that   the largest difference of the
             the profile keeps                                   cumulated shares
share        Fisher's exact test of two proportions              the difference of the shares
classes      Pearson's chi-square test of homogeneity; classes   the share of photos that changed
             with fewer than 5 expected photos are joined        class (total variation distance)
============ =================================================== ==================================

All effects are shares of photos, 0 to 1, so that one can compare them.

References
----------
J. Rao, A. Scott, "A simple method for the analysis of clustered binary data", Biometrics 48 (1992)
577-585. J. Rao, A. Scott, "The analysis of categorical data from complex sample surveys", JASA 76
(1981) 221-230 (class shares).

Examples
--------
Of 200 validation photos 150 were accepted, of 200 photos in operation 120:

>>> found = shares_test((150, 200, 1.0), (120, 200, 1.0))
>>> round(found.effect, 2), round(found.p_value, 4)
(0.15, 0.0019)

If each burst has four equal photos, this is no evidence:

>>> round(shares_test((150, 200, 4.0), (120, 200, 4.0)).p_value, 2)
0.13
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.predictions import Distribution
from shelfvision.predictions.profile import rounded

Floats = npt.NDArray[np.float64]
_FEWEST_EXPECTED = 5
_OTHERS = "other classes"

KOLMOGOROV_SMIRNOV = "Kolmogorov-Smirnov test"
FISHER = "Fisher's exact test"
CHI_SQUARE = "chi-square test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The result of a test."""

    test: str
    effect: float
    p_value: float
    detail: str = ""


def distribution_test(known: Distribution, values: Floats, design_effect: float) -> Tested:
    """Compare values with a distribution; photos between two values of it add no evidence."""
    from scipy.stats import kstwo

    ordered, knots = np.sort(rounded(values)), np.array(known.values)
    below = np.searchsorted(ordered, knots, side="right") / len(values)
    # No photo of the profile is below its smallest value.
    lower = np.searchsorted(ordered, knots[0], side="left") / len(values)
    distance = max(float(lower), float(np.abs(below - np.array(known.shares)).max()))
    there, here = known.n_photos / known.design_effect, len(values) / design_effect
    n = max(1, int(there * here / (there + here)))
    return Tested(test=KOLMOGOROV_SMIRNOV, effect=distance, p_value=float(kstwo.sf(distance, n)))


def shares_test(
    known: tuple[int, int, float], found: tuple[int, int, float], *, only_more: bool = False
) -> Tested:
    """Compare two shares, each given as members, photos and design effect."""
    from scipy.stats import fisher_exact

    (a, n_a), (b, n_b) = _effective(*known), _effective(*found)
    table = [[b, n_b - b], [a, n_a - a]]
    p_value = float(fisher_exact(table, "greater" if only_more else "two-sided")[1])
    change = found[0] / found[1] - known[0] / known[1]
    return Tested(
        test=FISHER,
        effect=max(0.0, change) if only_more else abs(change),
        p_value=min(p_value, 1.0),
    )


def _effective(members: int, photos: int, design_effect: float) -> tuple[int, int]:
    """Return whole effective counts, with at least one photo."""
    n = max(1, int(photos / design_effect))
    return round(members / photos * n), n


def classes_test(
    known: Mapping[str, int],
    found: Mapping[str, int],
    design_effects: tuple[float, float],
) -> Tested | None:
    """Compare the shares of predicted classes; None if too few photos are expected in two."""
    from scipy.stats import chi2

    names = list(dict.fromkeys((*known, *found)))
    counts = np.array([[side.get(name, 0) for name in names] for side in (known, found)], float)
    names, counts = _joined(names, counts, design_effects)
    if len(names) < 2:
        return None
    effective = counts / np.array(design_effects)[:, None]
    expected = _expected(effective)
    statistic = float(((effective - expected) ** 2 / expected).sum())
    shares = counts / counts.sum(axis=1, keepdims=True)
    changes = shares[1] - shares[0]
    most = np.argsort(-np.abs(changes), kind="stable")[:3]
    return Tested(
        test=CHI_SQUARE,
        effect=float(np.abs(changes).sum() / 2),
        p_value=float(chi2.sf(statistic, len(names) - 1)),
        detail="; ".join(
            f"{names[place]} {shares[0, place]:.1%} -> {shares[1, place]:.1%}" for place in most
        ),
    )


def _joined(
    names: list[str], counts: Floats, design_effects: tuple[float, float]
) -> tuple[list[str], Floats]:
    """Join the classes with few expected photos to one; it may join the smallest of the rest."""
    effective = counts / np.array(design_effects)[:, None]
    order = np.argsort(-effective.sum(axis=0), kind="stable")
    names, counts = [names[place] for place in order], counts[:, order]
    few = _expected(effective).min(axis=0) < _FEWEST_EXPECTED
    kept = int((~few).sum())
    # Expected counts are in descending order, so the last classes are the few ones.
    while kept < len(names):
        rest = counts[:, kept:].sum(axis=1, keepdims=True)
        made = np.concatenate((counts[:, :kept], rest), axis=1)
        if _expected(made / np.array(design_effects)[:, None])[:, -1].min() >= _FEWEST_EXPECTED:
            return [*names[:kept], _OTHERS], made
        if kept == 0:
            return [_OTHERS], rest
        kept -= 1
    return names, counts


def _expected(counts: Floats) -> Floats:
    """Return the counts of both samples that equal shares would give, shape (2, k)."""
    total = counts.sum()
    return np.asarray(counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(total, 1e-12))
