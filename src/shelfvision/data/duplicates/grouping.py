"""Join the groups of related photos (union-find), but never two groups that the user named.

Related photos are pairs, but groups are sets: if the first photo is a near-duplicate of the second
and the second of the third, all three are one group. Each group points to another one or is a root.
Joining two groups lets one root point to the other, and halves the paths on the way (Tarjan and van
Leeuwen 1984), so that a million pairs take about as many steps. A root that the user named stays a
root. A pair of two such groups becomes a link instead.

>>> forest = GroupForest(np.array(["user:shelf 1", "user:shelf 2", "photo:a"], dtype=object))
>>> forest.join("photo:a", "user:shelf 1"), forest.join("photo:a", "user:shelf 2")
(True, False)
>>> forest.names(NEAR)["photo:a"]
'user:shelf 1'

References
----------
R. E. Tarjan, J. van Leeuwen, "Worst-case analysis of set union algorithms", Journal of the ACM 31
(1984) 245-281.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from shelfvision.data._lineage import NEAR, USER, GroupLink, content_group


class GroupForest:
    """A union-find forest of groups; each tree has at most one group that a user named."""

    def __init__(self, groups: npt.NDArray[np.object_]) -> None:
        self._parent = {group: group for group in groups.tolist()}

    def root(self, group: str) -> str:
        """Return the representative of all groups that were joined with this one."""
        while self._parent[group] != group:
            self._parent[group] = self._parent[self._parent[group]]
            group = self._parent[group]
        return group

    def join(self, one: str, other: str) -> bool:
        """Join two groups; return False if both are named by the user."""
        first, second = sorted((self.root(one), self.root(other)), key=_rank)
        if first != second and second.startswith(USER):
            return False
        self._parent[second] = first
        return True

    def names(self, namespace: str) -> dict[str, str]:
        """Return the new name of each group; joined groups get the namespace."""
        joined = {self.root(group) for group in self._parent if self.root(group) != group}
        return {group: _name(self.root(group), joined, namespace) for group in self._parent}


def _rank(group: str) -> tuple[bool, str]:
    """Return a sort key: named groups first, then the smallest digest."""
    return not group.startswith(USER), group.partition(":")[2]


def _name(root: str, joined: set[str], namespace: str) -> str:
    if root in joined and not root.startswith(USER):
        return namespace + root.partition(":")[2]
    return root


def join_groups(
    groups: npt.NDArray[np.object_],
    ids: npt.NDArray[np.object_],
    pairs: npt.NDArray[np.int64],
    similarity: npt.NDArray[np.float64],
    *,
    namespace: str = NEAR,
) -> tuple[list[str], tuple[GroupLink, ...]]:
    """Return the group of each row after joining pairs, and links for pairs of named groups."""
    forest = GroupForest(groups)
    links = []
    for (one, other), score in zip(pairs.tolist(), similarity.tolist(), strict=True):
        if not forest.join(groups[one], groups[other]):
            named = (forest.root(groups[one]), forest.root(groups[other]))
            links.append(GroupLink(ids=(ids[one], ids[other]), groups=named, similarity=score))
    names = forest.names(namespace)
    return [names[group] for group in groups.tolist()], tuple(links)


def joined_contents(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the group of each digest of these pairs, after joining the pairs.

    The groups are those that `join_groups` gives to photos without named groups.

    Examples
    --------
    >>> joined_contents([("aa", "bb"), ("bb", "cc")])
    {'aa': 'near:aa', 'bb': 'near:aa', 'cc': 'near:aa'}
    """
    listed = list(pairs)
    digests = list(dict.fromkeys(digest for pair in listed for digest in pair))
    group = {digest: content_group(digest) for digest in digests}
    forest = GroupForest(np.array(list(group.values()), dtype=object))
    for one, other in listed:
        forest.join(group[one], group[other])
    names = forest.names(NEAR)
    return {digest: names[group[digest]] for digest in digests}
