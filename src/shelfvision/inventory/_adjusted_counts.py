"""Adjusted counts: predicted counts corrected for confusions between classes (quantification).

If a tenth of the milk is predicted as yoghurt, a shelf of 100 and 100 gets the predicted counts 90
and 110. For two classes, the adjusted count of Forman (2008) inverts this: with ``q`` the share of
photos predicted as a class, its share is ``(q - fpr) / (tpr - fpr)``. For k classes and a confusion
matrix, `maximum_likelihood_counts` iterates the EM algorithm of Saerens, Latinne and Decaestecker
(2002, equation 2.9), on predicted classes in place of probabilities:

>>> import numpy as np
>>> confusion = np.array([[0.9, 0.1], [0.0, 1.0]])  # true classes in rows
>>> maximum_likelihood_counts(np.array([90, 110]), confusion).round(1)
array([100., 100.])

`sample_counts` is the basis of confidence intervals. For each of many samples of the confusion
matrix, it draws counts and class shares in turn (Gibbs sampling), as in the generative models of
Keith and O'Connor (2018).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_MOST_ITERATIONS = 1000
_GIBBS_STEPS = 30
_PRIOR = 1.0
"""The pseudo-count of each class: a uniform prior over class shares."""
_TINY = 1e-300


def maximum_likelihood_counts(predicted: Counts, confusion: Floats) -> Floats:
    """Return the counts under which the predicted counts are most likely, shape (k,).

    Parameters
    ----------
    predicted : ndarray of int, shape (k,)
        How many photos were predicted as each class.
    confusion : ndarray of float, shape (k, k)
        The share of each class (row) that is predicted as each class.
    """
    counts = np.full(len(predicted), predicted.sum() / len(predicted))
    for _ in range(_MOST_ITERATIONS):
        expected = counts @ confusion
        new = counts * (confusion @ (predicted / np.maximum(expected, _TINY)))
        if np.abs(new - counts).max() < 1e-6 * max(1, predicted.sum()):
            return np.asarray(new, dtype=np.float64)
        counts = new
    return np.asarray(counts, dtype=np.float64)


def effective_groups(
    predicted: Counts, confusion: Floats, *, in_groups: Counts | None, group_sizes: Floats
) -> Floats:
    """Return how many groups of equal size the photos of each class are worth, shape (k,).

    With the photos of a class in each group, it is ``sum(n) ** 2 / sum(n ** 2)``, the effective
    sample size of Kish (1965).

    Parameters
    ----------
    predicted, confusion : ndarray
        As for `maximum_likelihood_counts`.
    in_groups : ndarray of int, shape (groups, k), optional
        The predicted counts of each group.
    group_sizes : ndarray of float, shape (k,)
        The size of groups of each class where `in_groups` is None.
    """
    counts = maximum_likelihood_counts(predicted, confusion)
    if in_groups is None:
        return np.maximum(counts / group_sizes, 1)
    joint = counts[:, None] * confusion
    # The share of each class (row) among photos that were predicted as each class.
    sources = joint / np.maximum(joint.sum(axis=0), _TINY)
    by_group = in_groups @ sources.T
    squares = np.maximum((by_group**2).sum(axis=0), _TINY)
    return np.asarray(np.maximum(by_group.sum(axis=0) ** 2 / squares, 1), dtype=np.float64)


def sample_counts(predicted: Counts, confusions: Floats, rng: np.random.Generator) -> Counts:
    """Return samples of the counts, one for each confusion matrix, shape (n, k).

    Parameters
    ----------
    predicted : ndarray of int, shape (k,)
        How many photos were predicted as each class.
    confusions : ndarray of float, shape (n, k, k)
        Samples of the confusion matrix.
    rng : Generator
        The random generator.
    """
    seen = np.flatnonzero(predicted)
    start = maximum_likelihood_counts(predicted, confusions.mean(axis=0)) + _PRIOR
    shares = np.tile(start, (len(confusions), 1))
    likelihoods = confusions[:, :, seen].transpose(0, 2, 1)
    counts = np.empty((len(confusions), len(predicted)), dtype=np.int64)
    for _ in range(_GIBBS_STEPS):
        # The true classes of the photos predicted as each class, given the shares.
        odds = np.maximum(likelihoods * shares[:, None, :], _TINY)
        odds /= odds.sum(axis=2, keepdims=True)
        counts = rng.multinomial(predicted[seen], odds).sum(axis=1)
        # The shares, given these counts: a Dirichlet distribution up to its scale.
        shares = np.maximum(rng.standard_gamma(counts + _PRIOR), 1e-12)
    return counts
