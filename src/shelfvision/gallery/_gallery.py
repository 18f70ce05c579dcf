"""`Gallery`: products that a classifier was never trained on, told by photos like theirs."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._storage.sealed import Target
from shelfvision._validation import counted
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.gallery import _enrolling, _searching
from shelfvision.gallery._index import ProductIndex
from shelfvision.gallery._saving import load_index, save_index
from shelfvision.inference import Classifier
from shelfvision.predictions import Predictions
from shelfvision.protocols import OnError

if TYPE_CHECKING:
    from typing import Self


@final
class Gallery:
    """Products told by photos of each, so that new ones need no training.

    It is a value like a `Classifier`: `with_product` and `without_product` return another gallery
    and leave this one as it is. Any number of threads may use it. Each product is the mean of what
    the classifier's network sees in its photos (`Classifier.embed`); a photo is answered with the
    nearest product, by the cosine from the middle of them all, and sent to review if it is near
    none. How photos of one product spread is learned from all enrolled ones, and directions in
    which they spread much count less. It is tied to the classifier by a digest of its weights,
    classes and preprocessing.

    Make one with `from_dataset` or `load`.

    References
    ----------
    A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for SVM-based
    speaker recognition", Interspeech 2006 (the space). O. Ledoit, M. Wolf, "A well-conditioned
    estimator for large-dimensional covariance matrices", Journal of Multivariate Analysis 88 (2004)
    365-411. J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", NeurIPS
    2017 (the means).

    Examples
    --------
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products(12, class_names=["Can", "Jar", "Pouch"], seed=1)
    >>> model = shv.build_model(2, image_size=photos.image_size)
    >>> classifier = shv.Classifier.from_model(model, class_names=["Can", "Jar"])
    >>> gallery = shv.Gallery.from_dataset(classifier, photos.select(class_names=["Can", "Jar"]))
    >>> pouches = photos.select(class_names=["Pouch"])
    >>> larger = gallery.with_product("Pouch", pouches[:3])
    >>> gallery.class_names, larger.class_names
    (('Can', 'Jar'), ('Can', 'Jar', 'Pouch'))
    >>> len(larger.predict(pouches[3:]))
    9
    """

    __slots__ = ("_index",)

    _index: ProductIndex

    def __init__(self, index: ProductIndex) -> None:
        if not isinstance(index, ProductIndex):
            raise TypeError(
                "a Gallery is made by Gallery.from_dataset or Gallery.load, not by calling "
                "Gallery()"
            )
        self._index = index

    @classmethod
    def from_dataset(
        cls, classifier: Classifier, photos: Dataset, *, unknown: float | None = 0.05
    ) -> Self:
        """Make a gallery of labelled photos, such as those that the classifier was trained on.

        Parameters
        ----------
        classifier : Classifier
            Whose network looks at the photos. What it was trained to tell apart serves best for
            products of the same kind.
        photos : Dataset
            Photos of each product; classes need not be the classifier's, and those without photos
            are left out. Its groups say which
            photos were taken together (``photos.group_bursts()``), which is what `unknown` rests
            on.
        unknown : float or None, default=0.05
            Which share of photos of enrolled products may be sent to review, strictly between 0
            and 1; `limit` says what follows. None sends none.

        Returns
        -------
        Gallery
            The gallery.

        Raises
        ------
        DataError
            There are no photos.
        PhotoError
            A photo cannot be read.
        ModelError
            The classifier's network does not show what it sees (`Classifier.embed`).
        InvalidParameterError
            An argument is something else.

        Warns
        -----
        ShelfVisionWarning
            A class has no photos and is left out (code ``"missing-class"``).
        """
        return cls(_enrolling.index_of_dataset(classifier, photos, unknown))

    @classmethod
    def load(
        cls, path: Target, classifier: Classifier, *, expected_sha256: str | None = None
    ) -> Self:
        """Load a gallery that was saved; no code in the file is ever run.

        Parameters
        ----------
        path : path-like or binary file
            What `save` wrote.
        classifier : Classifier
            The classifier that it was made with; calibrating it or giving it thresholds makes no
            difference.
        expected_sha256 : str, optional
            The SHA-256 that the file must have, 64 hexadecimal digits. Its own digests find
            damage; only this tells whether it is the file that you trust.

        Returns
        -------
        Gallery
            The gallery, which answers as the one that was saved.

        Raises
        ------
        BundleNotFoundError
            There is no such file.
        BundleError
            The file is no gallery, is damaged, comes from a newer version, or was made with
            another classifier.
        InvalidParameterError
            An argument is something else.
        """
        return cls(load_index(path, classifier, expected_sha256=expected_sha256))

    @property
    def index(self) -> ProductIndex:
        """The enrolled photos and what is learned from them, for packages that extend ours."""
        return self._index

    @property
    def classifier(self) -> Classifier:
        """Whose network looks at the photos."""
        return self._index.classifier

    @property
    def class_names(self) -> tuple[str, ...]:
        """The products; sorted, unless those it was made of were not."""
        return self._index.photos.names

    @property
    def counts(self) -> dict[str, int]:
        """How many photos each product is known by."""
        return self._index.photos.counts

    @property
    def unknown(self) -> float | None:
        """Which share of photos of enrolled products may be sent to review; None: of none."""
        return self._index.unknown

    @property
    def limit(self) -> float | None:
        """The largest distance from the nearest product that a photo may have, 0 to 2.

        A distance is 1 minus a cosine. Each enrolled photo is held against products in which its
        own group has no part; a product whose photos are all of one group cannot be held so, and
        takes no part. The limit is such that of these photos, groups counting alike, at most a
        share of `unknown` lies beyond it, one more group imagined there, as conformal p-values
        are formed. So of photos of enrolled products from a new group about that share is sent to
        review, on average over groups, as far as new photos differ from the enrolled ones as
        these do from each other. It is an estimate by leaving out, not a bound: that would take
        photos that had no part in the gallery at all. Photos of another shop or season differ
        more, and products known by a few photos are further from their next photo than those known
        by many: both are sent to review more often. Nothing is promised of how many unknown
        products are caught. None where `unknown` is None; 0, and every photo is to review, where
        the groups are too few for the share.
        """
        return self._index.nearness.limit

    def predict(self, photos: Photos, *, on_error: OnError = "raise") -> Predictions:
        """Tell which enrolled product each photo shows.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises, or becomes a row with its error.

        Returns
        -------
        Predictions
            One row a photo. Probabilities follow from its cosine with each product, sharpened so
            that they fit the enrolled photos when each is held against products in which its group
            has no part; they suppose that it shows one of the products. The decision is
            ``"review"`` where it is further from all of them than `limit`.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo.

        Warns
        -----
        ShelfVisionWarning
            The enrolled photos are of too few groups for the share `unknown`, so every photo goes
            to review.
        """
        return _searching.predict_gallery(self._index, photos, on_error)

    def familiarity(self, photos: Photos) -> npt.NDArray[np.float64]:
        """Tell how usual each photo is among photos of the enrolled products.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.

        Returns
        -------
        ndarray of float64, shape (n,)
            The share of enrolled photos, groups counting alike, that are as far from what their
            group had no part in as this photo is from the nearest product, or further; the photo
            itself counted in, as in a conformal p-value. `predict` sends to review what is at most
            `unknown`.

        Raises
        ------
        PhotoError
            A photo cannot be read.

        References
        ----------
        V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer
        (2005). R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer
        hierarchical models", JASA 118 (2023) 2491-2502 (groups). R. Barber, E. Candes,
        A. Ramdas, R. Tibshirani, "Predictive inference with the jackknife+", Annals of
        Statistics 49 (2021) 486-507 (why leaving out as it is done here estimates, and warrants no
        bound).
        """
        return _searching.familiarity(self._index, photos)

    def with_product(
        self,
        name: str,
        photos: Photos,
        *,
        groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
    ) -> Self:
        """Return another gallery that also knows a product by these photos; this one stays.

        Parameters
        ----------
        name : str
            The product; of one that is there already these are more photos.
        photos : path, bytes, ndarray, Dataset, or iterable of these
            Photos of it, as for `Classifier.predict`. One will do; five from different sides are
            better, and other moments better still. Labels of a dataset play no part.
        groups : sequence of str, optional
            What was taken together, a name for every photo. By default all photos of this call,
            for photos of a new product are mostly taken in one go; of a dataset, its groups.

        Returns
        -------
        Gallery
            The larger gallery.

        Raises
        ------
        DataError
            There are no photos.
        PhotoError
            A photo cannot be read.
        InvalidParameterError
            The name is no text or is empty, or groups are not as many as photos.
        """
        return type(self)(_enrolling.with_product(self._index, name, photos, groups))

    def without_product(self, name: str) -> Self:
        """Return another gallery without a product; this one stays as it is.

        Parameters
        ----------
        name : str
            The product.

        Returns
        -------
        Gallery
            The smaller gallery.

        Raises
        ------
        InvalidParameterError
            There is no such product, or no other.
        """
        return type(self)(_enrolling.without_product(self._index, name))

    def with_unknown(self, unknown: float | None) -> Self:
        """Return the same gallery, which sends another share of known photos to review.

        Parameters
        ----------
        unknown : float or None
            As for `from_dataset`.

        Returns
        -------
        Gallery
            Another gallery.

        Raises
        ------
        InvalidParameterError
            It is no such share.
        """
        return type(self)(_enrolling.with_unknown(self._index, unknown))

    def save(self, path: Target) -> str:
        """Save the gallery, without the classifier, as one file that runs no code when loaded.

        Parameters
        ----------
        path : path-like or binary file
            Where to. A file that stands there is replaced at once when all is written, or left
            as it is. It holds what the network sees in each photo, not the photos.

        Returns
        -------
        str
            The SHA-256 of the file, for `load`'s `expected_sha256`.

        Raises
        ------
        StorageError
            The file cannot be written; whatever stood there is unchanged.
        InvalidParameterError
            `path` is neither, or the gallery is larger than what may be loaded, 1 GiB.
        """
        return save_index(self._index, path)

    def __reduce__(
        self,
    ) -> tuple[Callable[[bytes, Classifier], Gallery], tuple[bytes, Classifier]]:
        """Pickle as its file and its classifier; unpickling loads these."""
        file = io.BytesIO()
        self.save(file)
        return _from_bytes, (file.getvalue(), self.classifier)

    def __copy__(self) -> Self:
        """Return itself, for it never changes."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return itself, for it never changes."""
        return self

    def __repr__(self) -> str:
        """Return a line that tells how many products and photos it holds."""
        photos = counted(len(self._index.photos), "photo")
        return f"<Gallery: {counted(len(self.class_names), 'product')}, {photos}>"


def _from_bytes(data: bytes, classifier: Classifier) -> Gallery:
    return Gallery.load(io.BytesIO(data), classifier)
