"""Distances of embeddings from product prototypes, and the limit for unknown products.

1. `space_of` fits a space in which cosine similarities are computed (see ``_space``).
2. Each product is a prototype, the mean of its embeddings (Snell et al. 2017, equation 1).
3. Each enrolled photo is compared with prototypes without the photos of the same group, in a space
   that is fitted without this group. This simulates photos from a new group. The cosines give the
   temperature of the softmax by maximum likelihood.
4. Each enrolled photo is also compared without the groups of its product that are similar to its
   own (see ``_sessions``). This simulates photos from a new session. These distances, with equal
   weight for each group, give the limit for unknown products as a conformal quantile (Vovk et al.
   2005; Dunn et al. 2023 for groups).

The quantile counts the new photo as one more group. Four groups have the distances 0.1, 0.2, 0.3
and 0.4, and the share of known photos that may be rejected is 0.4. If a new group is like these,
each place among the five distances is equally probable. So the new distance is one of the two
largest with a probability of 0.4, and the limit is 0.3: only distances above all but one of the
four are beyond it.

References
----------
J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", NeurIPS 2017.
V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer 2005.
R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer hierarchical
models", JASA 118 (2023) 2491-2502.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._random import order_for
from shelfvision.gallery._enrolled import EnrolledPhotos, Rows
from shelfvision.gallery._sessions import clusters_of
from shelfvision.gallery._space import Floats, Integers, Space, space_of, sums_of

HeldOut: TypeAlias = Literal["group", "similar groups"]
"""What the limit is measured without: the own group of a photo, or similar groups, too."""

_MOST = 2000
"""The largest number of photos that are used for fitting: a random sample of whole groups."""
_FOLDS = 3
"""The number of folds. The space for the photos of one fold is fitted on the others."""
_TEMPERATURE = 0.05
"""The default temperature, if no product has photos of two groups."""
_ROUNDING = 1e-6
"""The tolerance for equal distances. Cosines are sums of float32 numbers, whose last digits depend
on the processor and on the batch size."""
_BOUNDS = (0.005, 1.0)
"""The range of the temperature. Without it, a few photos, all correct, would give 0."""


# Compared by identity, because comparing arrays does not give a single truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """Enrolled photos, compared with prototypes that do not contain them."""

    cosines: Rows
    """The cosine similarities with prototypes without their own group, shape (n, k)."""
    distances: Floats
    """The distances that the limit is measured with, shape (n,)."""
    labels: Integers
    """The product of each photo, shape (n,)."""
    groups: Integers
    """The group of each photo, shape (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearness:
    """The prototypes of the products, and the typical distances from them."""

    space: Space
    """The space in which distances are computed."""
    products: Rows
    """The normalized prototype of each product in this space, shape (k, d)."""
    temperature: float
    """The temperature of the softmax over cosine similarities."""
    usual: Floats
    """The distances of enrolled photos from prototypes without held-out groups, ascending."""
    weights: Floats
    """The weight of each distance; the weights of one group have the sum 1."""
    n_groups: int
    """The number of groups that these distances come from."""
    left_out: LeftOut
    """The photos that these distances belong to."""
    unknown: float | None
    """The share of photos of enrolled products that may be sent to review; None for none."""

    @property
    def needed(self) -> int | None:
        """The required number of groups if there are too few for the share; otherwise None."""
        if self.unknown is None or self.unknown * (self.n_groups + 1) >= 1:
            return None
        return math.ceil(1 / self.unknown - 1e-9) - 1

    @property
    def limit(self) -> float | None:
        """The largest accepted distance; 0 sends all photos to review, None sends no photos."""
        if self.unknown is None:
            return None
        if self.needed is not None:
            return 0.0
        beyond = np.cumsum(self.weights[::-1]) > self.unknown * (self.n_groups + 1) - 1 + 1e-9
        return float(self.usual[::-1][int(np.argmax(beyond))])

    def known(self, distances: Floats) -> npt.NDArray[np.bool_]:
        """Return which distances are within the limit."""
        if self.needed is not None:
            return np.zeros(len(distances), np.bool_)
        limit = self.limit
        return (
            np.ones(len(distances), np.bool_) if limit is None else distances <= limit + _ROUNDING
        )

    def familiarity(self, distances: Floats) -> Floats:
        """Return the conformal p-value of each distance, with equal weight for each group."""
        tails = np.append(np.cumsum(self.weights[::-1])[::-1], 0.0)
        places = np.searchsorted(self.usual, distances - _ROUNDING, side="left")
        return np.asarray((1 + tails[places]) / (self.n_groups + 1), dtype=np.float64)

    def answers(self, embeddings: Rows) -> tuple[Rows, Floats]:
        """Return the probabilities of all products, and the distances from the nearest product."""
        cosines = self.space.of(embeddings) @ self.products.T
        return softmax(cosines / self.temperature), distances_of(cosines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _NumberedPhotos:
    """Enrolled photos with consecutive product and group numbers from 0."""

    embeddings: Rows
    labels: Integers
    groups: Integers
    n_products: int

    @property
    def means(self) -> Floats:
        """The mean embedding of each product, shape (n_products, d)."""
        counts = np.bincount(self.labels, minlength=self.n_products)[:, None]
        return sums_of(self.embeddings, self.labels, self.n_products) / counts

    def apart(self, rows: Integers, space: Space) -> Rows:
        """Return the cosines of some photos with prototypes without the photos' own group.

        The cosine is -2 for a product that has no photos of other groups.
        """
        pairs, first, places, sizes = np.unique(
            self.groups * self.n_products + self.labels,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        labels, groups = self.labels[first], self.groups[first]
        counts = np.bincount(self.labels, minlength=self.n_products)
        rest = counts[labels] - sizes
        sums = self.means[labels] * counts[labels][:, None]
        sums -= sums_of(self.embeddings, places.reshape(-1), len(pairs))
        points = space.of((sums / np.maximum(rest, 1)[:, None]).astype(np.float32))
        mine = space.of(self.embeddings[rows])
        cosines = mine @ space.of(self.means.astype(np.float32)).T
        asked = set(self.groups[rows].tolist())
        for pair in range(len(pairs)):
            if groups[pair] in asked:
                here = self.groups[rows] == groups[pair]
                gone = rest[pair] == 0
                cosines[here, labels[pair]] = -2 if gone else mine[here] @ points[pair]
        return np.asarray(cosines, np.float32)


def nearness_of(
    enrolled: EnrolledPhotos, unknown: float | None, held_out: HeldOut = "similar groups"
) -> Nearness:
    """Return the nearness that is fitted on enrolled photos."""
    photos = _NumberedPhotos(
        embeddings=enrolled.embeddings,
        labels=enrolled.labels.astype(np.int64),
        groups=np.unique(enrolled.groups, return_inverse=True)[1].reshape(-1).astype(np.int64),
        n_products=len(enrolled.names),
    )
    rows = _chosen(photos.groups)
    space = space_of(photos.embeddings[rows], photos.labels[rows])
    kept, cosines = _left_out(photos, rows)
    distances = distances_of(cosines)
    if held_out == "similar groups":
        clusters = clusters_of(photos.embeddings, photos.labels, photos.groups, space)
        # A product of several groups has several clusters, so the same photos are kept.
        distances = distances_of(_left_out(replace(photos, groups=clusters), rows)[1])
    _, own, sizes = np.unique(photos.groups[kept], return_inverse=True, return_counts=True)
    weights = np.asarray(1 / sizes[own.reshape(-1)], np.float64)
    labels = photos.labels[kept]
    rising = np.argsort(distances, kind="stable")
    return Nearness(
        space=space,
        products=space.of(photos.means.astype(np.float32)),
        temperature=_temperature(cosines, labels, weights),
        usual=distances[rising],
        weights=weights[rising],
        n_groups=len(sizes),
        left_out=LeftOut(
            cosines=cosines, distances=distances, labels=labels, groups=photos.groups[kept]
        ),
        unknown=unknown,
    )


def softmax(rows: Rows) -> Rows:
    """Return the softmax of each row."""
    raised = np.exp((rows - rows.max(axis=1, keepdims=True)).astype(np.float64))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def distances_of(cosines: Rows) -> Floats:
    """Return the distance from the nearest product for each row of cosines, 0 to 2."""
    nearest = cosines.max(axis=1, initial=-1).astype(np.float64)
    return np.asarray(np.clip(1 - nearest, 0, 2), dtype=np.float64)


def _chosen(codes: Integers) -> Integers:
    """Return the rows of a random sample of whole groups; all rows if there are few."""
    if len(codes) <= _MOST:
        return np.arange(len(codes), dtype=np.int64)
    sizes = np.bincount(codes)
    lots = order_for(len(sizes), 0, "gallery")
    kept = np.flatnonzero(np.isin(codes, lots[np.cumsum(sizes[lots]) <= _MOST]))
    return (kept if len(kept) else np.arange(_MOST)).astype(np.int64)


def _left_out(photos: _NumberedPhotos, rows: Integers) -> tuple[Integers, Rows]:
    """Return photos in order, and their cosines with prototypes without the photos' own group.

    The space is also fitted without these groups, by cross-fitting over folds of groups. Otherwise
    the space would be adapted to these photos, and their distances would be smaller than those of
    new photos. Photos are dropped if their product has no photos of another group.
    """
    groups = photos.groups[rows]
    lots = order_for(int(photos.groups.max()) + 1, 0, "gallery parts")
    part = np.empty(len(lots), np.int64)
    part[lots] = np.arange(len(lots)) % _FOLDS
    kept: list[Integers] = [np.empty(0, np.int64)]
    found: list[Rows] = [np.empty((0, photos.n_products), np.float32)]
    for fold in range(_FOLDS):
        inside, others = rows[part[groups] == fold], rows[part[groups] != fold]
        if len(inside) and len(others):
            space = space_of(photos.embeddings[others], photos.labels[others])
            cosines = photos.apart(inside, space)
            # Without photos of another group of its product, a photo has no distance.
            usable = cosines[np.arange(len(inside)), photos.labels[inside]] >= -1
            kept.append(inside[usable])
            found.append(np.maximum(cosines[usable], -1))
    numbers = np.concatenate(kept)
    order = np.argsort(numbers)
    return numbers[order], np.concatenate(found)[order]


def _temperature(cosines: Rows, labels: Integers, weights: Floats) -> float:
    """Return the maximum-likelihood temperature, with equal weight for each group."""
    from scipy.optimize import minimize_scalar

    if not len(cosines):
        return _TEMPERATURE

    def surprise(logarithm: float) -> float:
        likelihoods = softmax(cosines / math.exp(logarithm))[np.arange(len(cosines)), labels]
        return float(-(weights * np.log(np.maximum(likelihoods, 1e-12))).sum())

    bounds = tuple(math.log(end) for end in _BOUNDS)
    return float(math.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x))
