"""Clusters of similar groups of a product, as a stand-in for sessions.

The bursts of one product that were taken in one session are similar: the same shelf, light and
camera. A burst that is compared with a prototype of the other bursts of its session is too close to
it, and a limit that is measured in this way rejects too many photos of later sessions. Therefore
the groups of each product are clustered, and whole clusters are left out, as in blocked
cross-validation (Roberts et al. 2017). Three clusters were chosen by comparing the share of known
photos of other sessions that is rejected with the requested share.

Clusters come from average linkage (Sokal and Michener 1958): the two clusters whose members have
the smallest mean distance are joined until three are left. The distance of two groups is 1 minus
the cosine of their mean embeddings. Of the five groups here, 0 and 1, and 3 and 4 are similar:

>>> angles = np.array([0.0, 0.1, 1.0, 2.0, 2.1])
>>> _clustered(np.stack([np.cos(angles), np.sin(angles)], axis=1)).tolist()
[0, 0, 1, 2, 2]

References
----------
D. Roberts et al., "Cross-validation strategies for data with temporal, spatial, hierarchical, or
phylogenetic structure", Ecography 40 (2017) 913-929. R. R. Sokal, C. D. Michener, "A statistical
method for evaluating systematic relationships", University of Kansas Science Bulletin 38 (1958)
1409-1438.
"""

from __future__ import annotations

import numpy as np

from shelfvision._random import order_for
from shelfvision.gallery._space import Floats, Integers, Rows, Space, sums_of

_CLUSTERS = 3
"""The largest number of clusters of a product."""
_MOST_GROUPS = 300
"""The largest number of groups of a product that are clustered; others join the nearest cluster."""


def clusters_of(embeddings: Rows, labels: Integers, groups: Integers, space: Space) -> Integers:
    """Return the cluster of each photo; photos of one group have the same cluster.

    A group with photos of several products, such as a photo of a shelf, is its own cluster.
    """
    pairs, places = np.unique(np.stack([groups, labels], 1), axis=0, return_inverse=True)
    places = places.reshape(-1)
    products_of_group = np.bincount(pairs[:, 0])
    clusters = pairs[:, 0].copy()
    single = products_of_group[pairs[:, 0]] == 1
    sizes = np.bincount(places)[:, None]
    means = space.of((sums_of(embeddings, places, len(pairs)) / sizes).astype(np.float32))
    for product in np.unique(pairs[single, 1]):
        mine = np.flatnonzero(single & (pairs[:, 1] == product))
        numbers = _clustered(means[mine].astype(np.float64))
        # The number of one of its groups names a cluster, so that no other cluster has it.
        clusters[mine] = pairs[mine, 0][np.unique(numbers, return_index=True)[1]][numbers]
    return np.unique(clusters, return_inverse=True)[1].reshape(-1)[places].astype(np.int64)


def _clustered(points: Floats) -> Integers:
    """Return the cluster of each row of length 1, from 0."""
    from scipy.cluster.hierarchy import average, cut_tree
    from scipy.spatial.distance import squareform

    n = len(points)
    if n <= _CLUSTERS:
        return np.arange(n, dtype=np.int64)
    some = np.sort(order_for(n, 0, "gallery clusters")[:_MOST_GROUPS])
    distances = np.maximum(1 - points[some] @ points[some].T, 0)
    np.fill_diagonal(distances, 0)
    tree = average(squareform(distances, checks=False))
    numbers: Integers = cut_tree(tree, n_clusters=_CLUSTERS).reshape(-1).astype(np.int64)
    if n <= _MOST_GROUPS:
        return numbers
    centers = np.stack([points[some][numbers == k].mean(axis=0) for k in range(_CLUSTERS)])
    found = np.asarray((points @ centers.T).argmax(axis=1), dtype=np.int64)
    found[some] = numbers
    return found
