"""Adjust p-values for many tests.

`holm` bounds the probability of one or more false alarms among all tests (Holm 1979). It holds for
any dependence between the tests. `benjamini_hochberg` bounds the expected share of false alarms
among all alarms (Benjamini and Hochberg 1995). It finds more, and holds for tests that are
independent or positively dependent.

References
----------
S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6 (1979) 65-70. Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate",
Journal of the Royal Statistical Society B 57 (1995) 289-300.

Examples
--------
>>> holm([0.01, 0.04, 0.03]).tolist()
[0.03, 0.06, 0.06]
>>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
[0.03, 0.04, 0.04]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return p-values adjusted by Holm's method, in the given order."""
    order, sorted_, back = _sorted(p_values)
    factors = np.arange(len(order), 0, -1)
    return np.asarray(np.minimum(np.maximum.accumulate(sorted_ * factors), 1)[back])


def benjamini_hochberg(p_values: Sequence[float] | Floats) -> Floats:
    """Return p-values adjusted by the method of Benjamini and Hochberg, in the given order."""
    order, sorted_, back = _sorted(p_values)
    scaled = sorted_ * len(order) / np.arange(1, len(order) + 1)
    return np.asarray(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)[back])


def _sorted(
    p_values: Sequence[float] | Floats,
) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.intp]]:
    """Return the order, the sorted values, and the order that undoes it."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    return order, values[order], np.argsort(order, kind="stable")
