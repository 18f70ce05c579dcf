"""How near photos are to products, and what that distance means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._random import order_for
from shelfvision.gallery._enrolled import EnrolledPhotos, Rows
from shelfvision.gallery._space import Floats, Integers, Space, space_of, sums_of

_MOST = 2000
"""How many photos spreads and distances are learned from, in whole groups chosen by lot."""
_FOLDS = 3
"""In how many parts these are held against a space that the others made."""
_TEMPERATURE = 0.05
"""What cosines are divided by where no photo can be held against others of its product."""
_ROUNDING = 1e-6
"""By how much distances may differ without being different: cosines are sums of float32 numbers,
whose last digits depend on the processor and on what else is asked at the same time."""
_BOUNDS = (0.005, 1.0)
"""What temperature can be learned: a few photos, all classified right, would ask for 0."""


# Compared by identity: equality of arrays is not one truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearness:
    """Products as points in a space, and what distances from them are usual."""

    space: Space
    """Where distances are measured."""
    products: Rows
    """The mean of each product's photos in it, at length 1, shape (k, d)."""
    temperature: float
    """What cosines are divided by before they become probabilities."""
    usual: Floats
    """Distances of enrolled photos from what their own group had no part in, rising."""
    weights: Floats
    """The weight of each, so that each group counts as one."""
    n_groups: int
    """Of how many groups these are."""
    unknown: float | None
    """Which share of known photos may be sent to review."""

    @property
    def needed(self) -> int | None:
        """How many groups would do for the share, where these do not; else None."""
        if self.unknown is None or self.unknown * (self.n_groups + 1) >= 1:
            return None
        return math.ceil(1 / self.unknown - 1e-9) - 1

    @property
    def limit(self) -> float | None:
        """The largest distance of a known photo; 0 where all are to review, None where none is."""
        if self.unknown is None:
            return None
        if self.needed is not None:
            return 0.0
        beyond = np.cumsum(self.weights[::-1]) > self.unknown * (self.n_groups + 1) - 1 + 1e-9
        return float(self.usual[::-1][int(np.argmax(beyond))])

    def known(self, distances: Floats) -> npt.NDArray[np.bool_]:
        """Tell which distances are not those of an unknown product."""
        if self.needed is not None:
            return np.zeros(len(distances), np.bool_)
        limit = self.limit
        return (
            np.ones(len(distances), np.bool_) if limit is None else distances <= limit + _ROUNDING
        )

    def familiarity(self, distances: Floats) -> Floats:
        """Return the share of groups' photos as far as this or further, one more counted in."""
        tails = np.append(np.cumsum(self.weights[::-1])[::-1], 0.0)
        places = np.searchsorted(self.usual, distances - _ROUNDING, side="left")
        return np.asarray((1 + tails[places]) / (self.n_groups + 1), dtype=np.float64)

    def answers(self, embeddings: Rows) -> tuple[Rows, Floats]:
        """Return a probability for every product, and the distance from the nearest one."""
        cosines = self.space.of(embeddings) @ self.products.T
        return softmax(cosines / self.temperature), distances_of(cosines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _NumberedPhotos:
    """EnrolledPhotos photos, their products and groups numbered from 0."""

    embeddings: Rows
    labels: Integers
    groups: Integers
    n_products: int

    @property
    def means(self) -> Floats:
        """The mean of the embeddings of each product's photos."""
        counts = np.bincount(self.labels, minlength=self.n_products)[:, None]
        return sums_of(self.embeddings, self.labels, self.n_products) / counts

    def apart(self, rows: Integers, space: Space) -> Rows:
        """Return cosines of some photos with each product's photos of other groups.

        They are -2 with a product that has no other photos.
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


def nearness_of(enrolled: EnrolledPhotos, unknown: float | None) -> Nearness:
    """Return where products lie, and how far from them their photos are used to be."""
    photos = _NumberedPhotos(
        embeddings=enrolled.embeddings,
        labels=enrolled.labels.astype(np.int64),
        groups=np.unique(enrolled.groups, return_inverse=True)[1].reshape(-1).astype(np.int64),
        n_products=len(enrolled.names),
    )
    rows = _chosen(photos.groups)
    space = space_of(photos.embeddings[rows], photos.labels[rows])
    kept, cosines = _left_out(photos, rows)
    _, own, sizes = np.unique(photos.groups[kept], return_inverse=True, return_counts=True)
    weights = np.asarray(1 / sizes[own.reshape(-1)], np.float64)
    distances = distances_of(cosines)
    rising = np.argsort(distances, kind="stable")
    return Nearness(
        space=space,
        products=space.of(photos.means.astype(np.float32)),
        temperature=_temperature(cosines, photos.labels[kept], weights),
        usual=distances[rising],
        weights=weights[rising],
        n_groups=len(sizes),
        unknown=unknown,
    )


def softmax(rows: Rows) -> Rows:
    """Return rows of probabilities."""
    raised = np.exp((rows - rows.max(axis=1, keepdims=True)).astype(np.float64))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def distances_of(cosines: Rows) -> Floats:
    """Return how far photos are from the nearest product, 0 to 2."""
    nearest = cosines.max(axis=1, initial=-1).astype(np.float64)
    return np.asarray(np.clip(1 - nearest, 0, 2), dtype=np.float64)


def _chosen(codes: Integers) -> Integers:
    """Return the rows of as many whole groups, chosen by lot, as are looked at."""
    if len(codes) <= _MOST:
        return np.arange(len(codes), dtype=np.int64)
    sizes = np.bincount(codes)
    lots = order_for(len(sizes), 0, "gallery")
    kept = np.flatnonzero(np.isin(codes, lots[np.cumsum(sizes[lots]) <= _MOST]))
    return (kept if len(kept) else np.arange(_MOST)).astype(np.int64)


def _left_out(photos: _NumberedPhotos, rows: Integers) -> tuple[Integers, Rows]:
    """Return photos, and their cosines with products in which their own group has no part.

    The space is made of other groups too, by parts; else photos would have been taken into account
    in what spread is usual, and be nearer than new ones. Photos without others of their product
    from another group are left out.
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
            # A photo whose product has no other photos says nothing.
            usable = cosines[np.arange(len(inside)), photos.labels[inside]] >= -1
            kept.append(inside[usable])
            found.append(np.maximum(cosines[usable], -1))
    return np.concatenate(kept), np.concatenate(found)


def _temperature(cosines: Rows, labels: Integers, weights: Floats) -> float:
    """Return the temperature under which the true products are most likely, groups alike."""
    from scipy.optimize import minimize_scalar

    if not len(cosines):
        return _TEMPERATURE

    def surprise(logarithm: float) -> float:
        likelihoods = softmax(cosines / math.exp(logarithm))[np.arange(len(cosines)), labels]
        return float(-(weights * np.log(np.maximum(likelihoods, 1e-12))).sum())

    bounds = tuple(math.log(end) for end in _BOUNDS)
    return float(math.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x))
