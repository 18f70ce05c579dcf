"""`EnrolledPhotos`: the embeddings, products and groups of the photos in a gallery.

The columns are read-only arrays with one row per photo. Changes return another object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import as_class_names
from shelfvision._validation import listed
from shelfvision.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing import Self

MAX_PHOTOS = 100_000
"""The largest number of photos in a gallery."""

Rows = npt.NDArray[np.float32]


# Compared by identity, because comparing arrays does not give a single truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnrolledPhotos:
    """The embeddings of enrolled photos, one row per photo, read-only."""

    names: tuple[str, ...]
    """The product names."""
    embeddings: Rows
    """The embeddings, shape (n, d)."""
    labels: npt.NDArray[np.int32]
    """The product number of each photo, shape (n,); each product has at least one photo."""
    groups: npt.NDArray[np.int64]
    """The group number of each photo, shape (n,)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", as_class_names(self.names))
        n = len(self.embeddings)
        if n > MAX_PHOTOS:
            raise InvalidParameterError(
                f"a gallery holds at most {MAX_PHOTOS} photos, not {n}; a few dozen of each "
                "product, from different moments, do as well",
                code="too-large",
                parameter="photos",
            )
        for name, kind in (("embeddings", np.float32), ("labels", np.int32), ("groups", np.int64)):
            column = np.array(getattr(self, name), dtype=kind)
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.embeddings)

    @property
    def counts(self) -> dict[str, int]:
        """The number of photos of each product."""
        found = np.bincount(self.labels, minlength=len(self.names)).tolist()
        return dict(zip(self.names, found, strict=True))

    def added(self, name: str, embeddings: Rows, groups: npt.NDArray[np.int64]) -> Self:
        """Return a copy with photos of a new or known product; sorted names stay sorted."""
        names = self.names if name in self.names else (*self.names, name)
        if list(self.names) == sorted(self.names):
            names = tuple(sorted(names))
        place = np.array([names.index(known) for known in self.names], dtype=np.int32)
        new = np.full(len(embeddings), names.index(name), np.int32)
        return type(self)(
            names=names,
            embeddings=np.concatenate([self.embeddings, embeddings]),
            labels=np.concatenate([place[self.labels], new]),
            groups=np.concatenate([self.groups, groups]),
        )

    def removed(self, name: str) -> Self:
        """Return a copy without a product."""
        if name not in self.names:
            raise InvalidParameterError(
                f"the gallery has no product {name!r}; its products are {listed(self.names)}",
                code="unknown-name",
                parameter="name",
            )
        if len(self.names) == 1:
            raise InvalidParameterError(
                f"{name!r} is the only product of the gallery, which cannot be empty; add another "
                "before you remove it",
                code="last-product",
                parameter="name",
            )
        gone = self.names.index(name)
        kept = self.labels != gone
        labels = self.labels[kept]
        return type(self)(
            names=tuple(known for known in self.names if known != name),
            embeddings=self.embeddings[kept],
            labels=labels - (labels > gone).astype(np.int32),
            groups=self.groups[kept],
        )


def group_codes(names: Iterable[object]) -> npt.NDArray[np.int64]:
    """Return a number for each group, a hash of its name that is the same in each gallery."""
    codes: dict[object, int] = {}
    for name in names:
        if name not in codes:
            digest = hashlib.sha256(str(name).encode("utf-8", "backslashreplace")).digest()
            codes[name] = int.from_bytes(digest[:8], "little", signed=True)
    return np.array([codes[name] for name in names], dtype=np.int64)
