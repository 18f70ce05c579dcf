"""Correct probabilities for label shift: class proportions that differ from those of training.

A network that was trained on as many jars as cans gives both classes 0.5 for an ambiguous photo. On
a shelf with nine cans for each jar, the can is more probable. By Bayes' rule each probability is
multiplied by the new prior of its class and divided by the prior of training, and the row is
normalized to a sum of 1 (Saerens, Latinne and Decaestecker 2002, equation 2.4)::

    p'(c | x) = p(c | x) * new(c) / old(c)  /  sum over d of p(d | x) * new(d) / old(d)

If the new prior is unknown, `estimated_prior` computes its maximum-likelihood estimate by
expectation maximization (equation 2.9): correct the rows with the current prior, use the mean of
the corrected rows as the next prior, and repeat until it converges.

>>> import numpy as np
>>> unsure = np.array([[0.5, 0.5]], np.float32)
>>> reweighted(unsure, known=np.array([0.5, 0.5]), prior=np.array([0.9, 0.1])).tolist()
[[0.8999999761581421, 0.10000000149011612]]

M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
probabilities: a simple procedure", Neural Computation 14 (2002) 21-41.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._validation import as_number, listed
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions.columns import Floats

ClassPrior: TypeAlias = Mapping[str, float] | Literal["estimate"] | None
"""Shares or counts by class name, ``"estimate"`` to estimate them, None for no correction."""

_ROUNDS = 1000
_SMALLEST = 1e-6


def as_prior(shares: Mapping[str, float], class_names: Sequence[str]) -> Floats:
    """Return the prior of each class, normalized to a sum of 1, from shares or counts by name."""
    shares = {clean_name(str(name)): value for name, value in shares.items()}
    missing = [name for name in class_names if name not in shares]
    unknown = [str(name) for name in shares if name not in class_names]
    if missing or unknown:
        faults = (("lacks", missing), ("names", unknown))
        fault = " and ".join(f"{verb} {listed(names)}" for verb, names in faults if names)
        code = "missing-class" if missing else "unknown-name"
        raise InvalidParameterError(
            f"class_prior must have a share or count for each of the classifier's classes and no "
            f"others, but it {fault}; write the names of the classes, and 0 for an absent "
            "class",
            code=code,
            parameter="class_prior",
        )
    prior = np.array([_share(name, shares[name]) for name in class_names])
    if prior.sum() <= 0:
        raise InvalidParameterError(
            "class_prior must have a share or count above 0, got only zeros; pass those of the "
            "classes that occur",
            code="empty",
            parameter="class_prior",
        )
    return np.asarray(prior / prior.sum(), dtype=np.float64)


def _share(name: str, value: float) -> float:
    try:
        return as_number("class_prior", value, minimum=0)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"class_prior must have finite numbers >= 0, got {value!r:.40} for {name!r}",
            code=error.code,
            parameter="class_prior",
        ) from error


def reweighted(
    rows: npt.NDArray[np.float32], known: Floats, prior: Floats
) -> npt.NDArray[np.float32]:
    """Return probabilities corrected from the prior `known` to `prior`."""
    products = rows.astype(np.float64) * (prior / np.maximum(known, _SMALLEST))
    totals = products.sum(axis=1, keepdims=True)
    # A row with probability 0 for every class of the prior has no information; use the prior.
    alone = np.broadcast_to(prior, products.shape).copy()
    found = np.divide(products, totals, out=alone, where=~(totals <= 0))
    return np.asarray(found, dtype=np.float32)


def estimated_prior(rows: npt.NDArray[np.float32], known: Floats) -> Floats:
    """Return the maximum-likelihood class prior of these photos, by expectation maximization."""
    likelihoods = rows.astype(np.float64) / np.maximum(known, _SMALLEST)
    prior = known.copy()
    for _ in range(_ROUNDS):
        products = likelihoods * prior
        totals = products.sum(axis=1, keepdims=True)
        new = (products / np.maximum(totals, 1e-300)).mean(axis=0)
        new /= new.sum()
        if np.abs(new - prior).max() < 1e-7:
            return np.asarray(new, dtype=np.float64)
        prior = new
    return np.asarray(prior, dtype=np.float64)


def with_prior(
    rows: npt.NDArray[np.float32],
    class_prior: ClassPrior,
    known: Floats,
    class_names: Sequence[str],
) -> tuple[npt.NDArray[np.float32], Floats]:
    """Return probabilities corrected for a prior, and the prior; rows of NaN stay NaN."""
    if isinstance(class_prior, Mapping):
        prior = as_prior(class_prior, class_names)
    elif class_prior == "estimate":
        readable = rows[~np.isnan(rows).any(axis=1)]
        prior = estimated_prior(readable, known) if len(readable) else known
    else:
        raise InvalidParameterError(
            'class_prior must be shares by class name, "estimate" or None, got '
            f"{class_prior!r:.100}",
            code="wrong-type",
            parameter="class_prior",
        )
    return reweighted(rows, known, prior), prior
