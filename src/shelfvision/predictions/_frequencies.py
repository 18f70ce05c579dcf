"""Corrects probabilities for a mix of products that is not the one that was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._validation import as_number, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._columns import Floats

ClassFrequencies: TypeAlias = Mapping[str, float] | Literal["estimate"] | None
"""Shares or counts by class name, ``"estimate"`` to find them out, None to leave them alone."""

_ROUNDS = 1000
_SMALLEST = 1e-6


def shares_of(frequencies: Mapping[str, float], class_names: Sequence[str]) -> Floats:
    """Return the share of every class, adding up to 1, of shares or counts by name."""
    frequencies = {clean_name(str(name)): value for name, value in frequencies.items()}
    given = set(frequencies)
    missing = [name for name in class_names if name not in given]
    unknown = [str(name) for name in frequencies if name not in class_names]
    if missing or unknown:
        fault = f"lacks {listed(missing)}" if missing else f"names {listed(unknown)}"
        code = "missing-class" if missing else "unknown-name"
        raise InvalidParameterError(
            f"class_frequencies must have a share or count for each of the classifier's classes "
            f"and no others, but it {fault}; give 0 for a class that is not there",
            code=code,
            parameter="class_frequencies",
        )
    shares = np.array([_frequency(name, frequencies[name]) for name in class_names])
    if shares.sum() <= 0:
        raise InvalidParameterError(
            "class_frequencies are all 0; give the share or count of the classes that are there",
            code="empty",
            parameter="class_frequencies",
        )
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _frequency(name: str, value: float) -> float:
    try:
        return as_number("class_frequencies", value, minimum=0)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"class_frequencies must be finite numbers, 0 or more, got {value!r:.40} for {name!r}",
            code=error.code,
            parameter="class_frequencies",
        ) from error


def reweighted(
    rows: npt.NDArray[np.float32], known: Floats, shares: Floats
) -> npt.NDArray[np.float32]:
    """Return what rows of probabilities are under another mix (Bayes' rule)."""
    weights = shares / np.maximum(known, _SMALLEST)
    raised = rows.astype(np.float64) * weights
    totals = raised.sum(axis=1, keepdims=True)
    # Where every class that is said to be there was ruled out, the mix alone speaks.
    alone = np.broadcast_to(shares, raised.shape).copy()
    found = np.divide(raised, totals, out=alone, where=~(totals <= 0))
    return np.asarray(found, dtype=np.float32)


def estimated_shares(rows: npt.NDArray[np.float32], known: Floats) -> Floats:
    """Return the mix under which these photos are most likely (Saerens et al., by EM)."""
    said = rows.astype(np.float64) / np.maximum(known, _SMALLEST)
    shares = known.copy()
    for _ in range(_ROUNDS):
        raised = said * shares
        totals = raised.sum(axis=1, keepdims=True)
        new = (raised / np.maximum(totals, 1e-300)).mean(axis=0)
        new /= new.sum()
        if np.abs(new - shares).max() < 1e-7:
            return np.asarray(new, dtype=np.float64)
        shares = new
    return np.asarray(shares, dtype=np.float64)


def for_mix(
    rows: npt.NDArray[np.float32],
    frequencies: ClassFrequencies,
    known: Floats,
    class_names: Sequence[str],
) -> tuple[npt.NDArray[np.float32], Floats]:
    """Return rows of probabilities under another mix, and that mix; rows of NaN stay."""
    if isinstance(frequencies, Mapping):
        shares = shares_of(frequencies, class_names)
    elif frequencies == "estimate":
        readable = rows[~np.isnan(rows).any(axis=1)]
        shares = estimated_shares(readable, known) if len(readable) else known
    else:
        raise InvalidParameterError(
            'class_frequencies must be shares by class name, "estimate" or None, not '
            f"{frequencies!r:.100}",
            code="wrong-type",
            parameter="class_frequencies",
        )
    return reweighted(rows, known, shares), shares
