"""`DerivedTable`: the same photos in other groups, with kept pixels, or as a frame."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._photos.sources import resized_source
from shelfvision._validation import as_image_size, as_number, import_package, one_of
from shelfvision.data._cache import cached_in_directory, cached_in_memory
from shelfvision.data._columns import frozen
from shelfvision.data._lineage import BURST, NEAR, GroupLink
from shelfvision.data._table import PhotoTable
from shelfvision.data.duplicates._bursts import BURST_LIKENESS, burst_pairs
from shelfvision.data.duplicates._embedded import checked_embeddings, embedded_pairs
from shelfvision.data.duplicates._grouping import join_groups
from shelfvision.data.duplicates._near import near_pairs
from shelfvision.errors import InvalidParameterError, ShelfVisionWarning
from shelfvision.protocols import PixelSource, Resize

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd


class DerivedTable(PhotoTable):
    """What a `Dataset` makes of itself."""

    __slots__ = ()

    def group_near_duplicates(
        self,
        *,
        threshold: float = 0.95,
        embeddings: npt.NDArray[np.floating] | None = None,
        embedding_threshold: float = 0.98,
    ) -> Self:
        """Return the same photos with those that look the same in one group.

        Found are copies that were re-encoded, resized, stretched, mirrored or turned by quarter
        turns, and shots of a burst that are as good as identical. Groups that the user named stay
        as they are: photos that look the same in two of them are told in `group_links`, with a
        warning. Augmented copies go with their originals. The cost grows little faster than the
        number of photos.

        Parameters
        ----------
        threshold : float, default=0.95
            The structural similarity, of 16 x 16 pixels in colour, from which on two photos are
            the same. The lower, the more of a burst is joined, and the more often two products
            that look alike.
        embeddings : ndarray of float, shape (n, d), optional
            What a network sees in each row, as ``classifier.embed(ds)`` gives it. Photos whose
            embeddings point the same way are joined as well: a network knows a photo again after
            a crop or a change of light that pixels do not forgive.
        embedding_threshold : float, default=0.98
            The cosine similarity of embeddings from which on two photos are the same.

        Returns
        -------
        Dataset
            A view whose `groups` are joined; a joined group is named ``"near:"`` and the
            smallest content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        InvalidParameterError
            `embeddings` does not have a finite row for every photo.

        Warns
        -----
        ShelfVisionWarning
            Photos of groups that the user named look the same.

        References
        ----------
        Z. Wang et al., "Image quality assessment: from error visibility to structural
        similarity", IEEE Transactions on Image Processing 13 (2004) 600-612.
        """
        least = as_number("threshold", threshold, minimum=0.5, maximum=1.0)
        originals = np.flatnonzero(self._copies == 0)
        pairs, similarity = near_pairs(self._source, self._rows[originals], least)
        if embeddings is not None:
            nearest = as_number("embedding_threshold", embedding_threshold, minimum=0, maximum=1)
            vectors = checked_embeddings(embeddings, len(self))[originals]
            more, cosines = embedded_pairs(vectors, nearest)
            pairs = np.concatenate((pairs, more))
            similarity = np.concatenate((similarity, cosines))
        regrouped = self._joined(originals[pairs], similarity, NEAR)
        if regrouped.group_links:
            warnings.warn(_links_warning(regrouped.group_links), stacklevel=2)
        return regrouped

    def group_bursts(self, *, threshold: float = BURST_LIKENESS) -> Self:
        """Return the same photos with those of one burst in one group.

        A burst is one product photographed several times in one place: the same hand, fridge and
        light. A random split deals it to both sides, and a model that remembers the fridge scores
        well. Looked for are photos of one label whose names differ in their last number alone
        (``milk_001.jpg``, ``milk_002.jpg``) and whose colours are alike; wherever things lie in
        the photo. In a series of more than 512 photos each is held against the nearest by number.
        Photos whose names have no number stay as they are, and so do groups that the user named;
        of those, what looks like one burst is told in `group_links`.

        Parameters
        ----------
        threshold : float, default=0.92
            How alike the colours of a burst's photos are on average: the Bhattacharyya
            coefficient of their distributions, 1 where they are the same. The lower, the more is
            joined.

        Returns
        -------
        Dataset
            A view whose `groups` are joined; a joined group is named ``"burst:"`` and the
            smallest content digest in it.

        Raises
        ------
        PhotoError
            A photo cannot be read.

        Warns
        -----
        ShelfVisionWarning
            Photos of groups that the user named look like one burst.

        References
        ----------
        A. Bhattacharyya, "On a measure of divergence between two multinomial populations",
        Sankhya 7 (1946) 401-406.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products({"juice": 6, "milk": 6}).group_bursts()
        >>> splits = shv.SeededSplitter(train=0.5, validation=0.25, test=0.25).split(photos)
        """
        least = as_number("threshold", threshold, minimum=0.5, maximum=1.0)
        originals = np.flatnonzero(self._copies == 0)
        pairs, similarity = burst_pairs(
            self._source,
            self._rows[originals],
            self._ids[originals].tolist(),
            self._labels[originals],
            least,
        )
        regrouped = self._joined(originals[pairs], similarity, BURST)
        if regrouped.group_links:
            warnings.warn(_links_warning(regrouped.group_links), stacklevel=2)
        return regrouped

    def _joined(
        self, pairs: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64], namespace: str
    ) -> Self:
        """Return the same rows with the groups of these pairs joined."""
        groups, links = join_groups(self.groups, self._ids, pairs, similarity, namespace=namespace)
        regrouped = self._view(slice(None))
        regrouped._lineage = self._lineage.regrouped(self._rows, groups, links)
        return regrouped

    def cached(self, directory: str | os.PathLike[str] | None = None) -> Self:
        """Return the same dataset with its pixels decoded once and kept.

        Ids, labels, groups, class names and `fingerprint` are the same. The cache holds the
        photos as they are now; photos that change afterwards do not change it.

        Parameters
        ----------
        directory : path-like, optional
            A folder for one memory-mapped file, which later runs and other processes share. It
            is named after the `fingerprint`, so a cache of other photos, or of these before they
            changed, is never taken for this one: a new one is written beside it. Where writing
            was cut off, the next call goes on (not on Windows). By default the pixels are held
            in memory.

        Returns
        -------
        Dataset
            The dataset over the kept pixels.

        Raises
        ------
        InvalidParameterError
            The dataset has copies that are made anew in every epoch.
        PhotoError
            A photo cannot be read.
        StorageError
            The cache cannot be written.
        """
        if getattr(self._source, "refresh", False):
            raise InvalidParameterError(
                "this dataset makes its copies anew in every epoch, and keeping them would freeze "
                "them; cache the photos before balancing: balancer.balance(ds.cached())",
                code="conflict",
            )
        if directory is None:
            return self._over(cached_in_memory(self._source, self._rows))
        return self._over(
            cached_in_directory(self._source, self._rows, directory, key=self.fingerprint)
        )

    def resized(self, image_size: tuple[int, int], *, resize: Resize | None = None) -> Self:
        """Return the same photos at another image size or resize rule.

        A dataset with files behind it is read from them: a view, a cached and a balanced one too,
        whose copies are rendered from originals of the new size. Of one that was given as arrays
        the pixels are resized, which is less sharp. Ids, labels, groups and class names stay; no
        photo is read until it is asked for, and nothing of it is cached.

        Parameters
        ----------
        image_size : tuple of int
            Height and width in pixels, 1 to 16384.
        resize : {"stretch", "pad", "crop"}, optional
            What happens to a photo of another shape; by default as in this dataset.

        Returns
        -------
        Dataset
            The dataset at that size.

        Raises
        ------
        InvalidParameterError
            `image_size` or `resize` are not as described.

        Notes
        -----
        A `PixelSource` of your own is asked for its method ``resized(image_size, resize)``, which
        returns another source of as many rows; without one its pixels are resized.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(2, image_size=(64, 64))
        >>> photos.resized((32, 48), resize="pad").image_size
        (32, 48)
        """
        size = as_image_size(image_size)
        rule = self.resize if resize is None else resize
        one_of("resize", rule, ("stretch", "pad", "crop"))
        if (size, rule) == (self.image_size, self.resize):
            return self
        view = self._view(slice(None))
        view._source = resized_source(self._source, size, rule)
        return view

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table of the rows: id, label, group and copy; no pixels are read.

        Groups that nobody named are digests of the photos' content, so their files are read.

        Returns
        -------
        pandas.DataFrame
            One row a photo; ``label`` is the class name, ``copy`` 0 for an original.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        names = np.array(self._class_names, dtype=object)
        columns = {"id": self._ids, "label": names[self._labels], "group": self.groups}
        return pd.DataFrame({**columns, "copy": self._copies})

    def _over(self, source: PixelSource) -> Self:
        """Return the same rows over a source that holds them one by one."""
        moved = self._view(slice(None))
        moved._source = source
        moved._lineage = self._lineage.taken(source, self._rows)
        moved._rows = frozen(np.arange(len(self), dtype=np.int64))
        return moved


def _links_warning(links: tuple[GroupLink, ...]) -> ShelfVisionWarning:
    first = links[0]
    return ShelfVisionWarning(
        f"{len(links)} pairs of photos look the same but belong to groups that you named apart, "
        f"such as {first.ids[0]!r} of {first.groups[0]!r} and {first.ids[1]!r} of "
        f"{first.groups[1]!r}; they were not joined, see group_links",
        code="named-groups",
    )
