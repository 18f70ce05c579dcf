"""`Gallery`: few-shot recognition of products by their nearest enrolled photos.

A gallery is an immutable value around one `ProductIndex`: the embeddings of the enrolled photos and
the classifier that computes embeddings. The methods here document and delegate; the other modules
of this package implement them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, SupportsFloat, final

import numpy as np
import numpy.typing as npt

from shelfvision._pages.notebook import notebook_view
from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape
from shelfvision._storage.sealed import Target
from shelfvision._validation import counted
from shelfvision.boxes import Boxes
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.gallery import _enrolling, _searching
from shelfvision.gallery._index import ProductIndex
from shelfvision.gallery._saving import load_index, save_index
from shelfvision.inference import Classifier
from shelfvision.predictions import MeasuredPhotos, Predictions
from shelfvision.protocols import OnError
from shelfvision.regions import Regions
from shelfvision.regions.predicting import BoxDetector, HasCorners, regions_of, with_crop_rule

if TYPE_CHECKING:
    from typing import Self


@final
class Gallery:
    """Products that are recognized from a few example photos each, without training.

    A gallery is immutable and thread-safe: `with_product` and `without_product` return another
    gallery. Each product is represented by a prototype, the mean of the embeddings of its photos
    (`Classifier.embed`). A photo gets the product with the most similar prototype, by the cosine
    similarity after subtracting the mean of all prototypes. A photo that is not similar to any
    product is sent to review. The within-class covariance of all enrolled photos is normalized, so
    that directions in which photos of one product vary much have less weight. A gallery belongs to
    its classifier: it stores a digest of the weights, class names and preprocessing.

    Create a gallery with `from_dataset` or `load`.

    References
    ----------
    A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for SVM-based
    speaker recognition", Interspeech 2006 (the normalization). O. Ledoit, M. Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
    Analysis 88 (2004) 365-411 (the estimate of the covariance). J. Snell, K. Swersky, R. Zemel,
    "Prototypical networks for few-shot learning", NeurIPS 2017 (the prototypes). D. Roberts et al.,
    "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
    structure", Ecography 40 (2017) 913-929 (leaving out clusters of groups).

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
        cls, classifier: Classifier, dataset: Dataset, *, unknown: float | None = 0.05
    ) -> Self:
        """Create a gallery from labelled photos, such as the training set of the classifier.

        Parameters
        ----------
        classifier : Classifier
            The classifier whose network computes embeddings. The best choice is a classifier that
            was trained on products of the same kind.
        dataset : Dataset
            Photos of each product. The classes can differ from those of the classifier; classes
            without photos are left out. The groups of the dataset must contain photos that were
            taken together (see ``dataset.group_bursts()``), because `unknown` depends on them.
        unknown : float or None, default=0.05
            The share of photos of enrolled products that may be sent to review, above 0 and below
            1; see `limit`. None sends no photo to review.

        Returns
        -------
        Gallery
            The gallery.

        Raises
        ------
        DataError
            `dataset` is empty.
        PhotoError
            A photo cannot be read.
        ModelError
            The classifier's network has no embeddings; see `Classifier.embed`.
        InvalidParameterError
            An argument has the wrong type or is out of range.

        Warns
        -----
        ShelfVisionWarning
            A class has no photos and is left out (code ``"missing-class"``).
        """
        return cls(_enrolling.index_of_dataset(classifier, dataset, unknown))

    @classmethod
    def load(
        cls, path: Target, classifier: Classifier, *, expected_sha256: str | None = None
    ) -> Self:
        """Load a gallery from a file, without running code from the file.

        Parameters
        ----------
        path : path-like or binary file
            A file that `save` wrote.
        classifier : Classifier
            The classifier that the gallery was created with. Its calibration and thresholds can
            differ.
        expected_sha256 : str, optional
            The SHA-256 that the file must have, 64 hexadecimal digits. The digests inside the file
            detect corruption; only this argument verifies that it is the file that you trust.

        Returns
        -------
        Gallery
            The gallery, which predicts like the saved one.

        Raises
        ------
        BundleNotFoundError
            The file does not exist.
        BundleError
            The file is not a gallery, is corrupted, was written by a newer version, or was created
            with another classifier.
        InvalidParameterError
            An argument has the wrong type.
        """
        return cls(load_index(path, classifier, expected_sha256=expected_sha256))

    @property
    def index(self) -> ProductIndex:
        """The enrolled photos and the fitted space, for packages that extend shelfvision."""
        return self._index

    @property
    def classifier(self) -> Classifier:
        """The classifier whose network computes embeddings."""
        return self._index.classifier

    @property
    def class_names(self) -> tuple[str, ...]:
        """The product names, sorted if the classes of the dataset were sorted."""
        return self._index.photos.names

    @property
    def counts(self) -> dict[str, int]:
        """The number of enrolled photos of each product."""
        return self._index.photos.counts

    @property
    def unknown(self) -> float | None:
        """The share of photos of enrolled products that may be sent to review; None for none."""
        return self._index.unknown

    @property
    def limit(self) -> float | None:
        """The largest distance from the nearest product at which a photo is accepted, 0 to 2.

        A distance is 1 minus a cosine similarity. The groups of each product are clustered by
        similarity, at most three clusters for a product. The distance of each enrolled photo is
        computed without the photos of its cluster, as for a photo from a new session. Photos of a
        product with only one group have no such distance. The limit is the distance that at most
        the share `unknown` of these photos exceeds. Each group has the same weight, and one
        additional group is counted beyond the limit, as in conformal p-values.

        Of the photos of enrolled products from a new session, about the share `unknown` is sent to
        review, on average over groups, and fewer of photos from the enrolled sessions. This is an
        estimate and not a bound, which needs photos that are not in the gallery. Two kinds of
        photos are sent to review more often: photos that differ more from the enrolled ones than
        the clusters of one product differ from each other, and photos of products with few
        enrolled photos. The share of unknown products that is detected is not guaranteed.

        A gallery that was saved in format 1 keeps its limit, for which only the photos of the same
        group are left out. Call `with_unknown` to measure it again.

        The limit is None if `unknown` is None. It is 0 if there are too few groups for the share;
        then all photos are sent to review.
        """
        return self._index.nearness.limit

    @property
    def measured(self) -> MeasuredPhotos | None:
        """The predictions for enrolled photos, each compared without the photos of its group.

        `take_inventory` measures confusions and rejections with them. None if no product has photos
        of two groups.
        """
        return _searching.measured_by_groups(self._index)

    def predict(self, photos: Photos, *, on_error: OnError = "raise") -> Predictions:
        """Predict the enrolled product of each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises an error, or becomes a row with its error.

        Returns
        -------
        Predictions
            One row per photo. The probabilities are a softmax over the cosine similarities with
            all products, and assume that the photo shows one of them. The temperature of the
            softmax is fitted on the enrolled photos, each compared with prototypes without its own
            group. The decision is ``"review"`` if the distance from every product exceeds `limit`.

        Raises
        ------
        PhotoError
            A photo cannot be read and ``on_error`` is ``"raise"``.
        InvalidParameterError
            An element is not a photo.

        Warns
        -----
        ShelfVisionWarning
            The enrolled photos have too few groups for the share `unknown`, so that all photos are
            sent to review.
        """
        return _searching.predict_gallery(self._index, photos, on_error)

    def predict_regions(
        self,
        photo: Photo,
        boxes: Boxes | HasCorners | BoxDetector | npt.ArrayLike,
        *,
        context: SupportsFloat | None = None,
        shape: CropShape | None = None,
        as_stored: bool | None = None,
        min_confidence: SupportsFloat | None = None,
    ) -> Regions:
        """Predict the enrolled product in each box of a photo of a shelf.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo.
        boxes : array_like, Boxes, supervision.Detections or Detector
            The boxes of products, or a detector that finds them, as in
            `Classifier.predict_regions`.
        context : float, optional
            The context margin of crops, as a share of each box. By default that of the classifier.
        shape : {"box", "image"}, optional
            The shape of crops. By default that of the classifier.
        as_stored : bool, optional
            Whether the boxes refer to the pixels as stored in the file, before the EXIF orientation
            is applied; see `Classifier.predict_regions`.
        min_confidence : float, optional
            The lowest confidence of an accepted box, 0 to 1, as in `Classifier.predict_regions`.
            By default the similarity to the enrolled products decides, as in `predict`.

        Returns
        -------
        Regions
            Labels, confidences and decisions in the order of the boxes. The decision is
            ``"review"`` for a box whose content is not similar to any enrolled product, as in
            `predict`.

        Raises
        ------
        InvalidParameterError
            A box is not finite, is empty, has swapped corners or is outside the photo, or the boxes
            belong to a photo of another size.
        PhotoError
            The photo cannot be read.
        """
        rule = self.classifier.preprocessing
        return regions_of(
            photo,
            boxes,
            with_crop_rule(rule, context=context, shape=shape),
            self.predict,
            as_stored=as_stored,
            min_confidence=min_confidence,
        )

    def familiarity(self, photos: Photos) -> npt.NDArray[np.float64]:
        """Return how typical each photo is of photos of the enrolled products.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `Classifier.predict`.

        Returns
        -------
        ndarray of float64, shape (n,)
            The share of enrolled photos whose distance is at least the distance of this photo from
            the nearest product. The distances of enrolled photos are computed as for `limit`, with
            the same weight for each group. The photo itself is included, as in a conformal p-value.
            `predict` sends photos with a familiarity of at most `unknown` to review.

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
        Statistics 49 (2021) 486-507 (why leaving photos out in this way gives an estimate and not
        a bound).
        """
        return _searching.familiarity(self._index, photos)

    def with_product(
        self,
        name: str,
        photos: Photos,
        *,
        groups: Sequence[str] | npt.NDArray[np.object_] | None = None,
    ) -> Self:
        """Return a gallery in which these photos of a product are enrolled too.

        Parameters
        ----------
        name : str
            The product name. If the gallery contains the product, the photos are added to it.
        photos : path, bytes, ndarray, Dataset, or iterable of these
            Photos of the product, as in `Classifier.predict`. One photo is enough. Five photos from
            different sides are better, and photos from different times better still. The labels of
            a dataset are ignored.
        groups : sequence of str, optional
            The group name of each photo. By default the groups of a dataset. Otherwise all photos
            of this call are one group, because photos of a new product are mostly taken together.

        Returns
        -------
        Gallery
            The larger gallery.

        Raises
        ------
        DataError
            ``photos`` is empty.
        PhotoError
            A photo cannot be read.
        InvalidParameterError
            The name is not a string or is empty, or the number of groups differs from the number of
            photos.
        """
        return type(self)(_enrolling.with_product(self._index, name, photos, groups))

    def without_product(self, name: str) -> Self:
        """Return a gallery without a product.

        Parameters
        ----------
        name : str
            The product name.

        Returns
        -------
        Gallery
            The smaller gallery.

        Raises
        ------
        InvalidParameterError
            The gallery does not contain the product, or contains no other product.
        """
        return type(self)(_enrolling.without_product(self._index, name))

    def with_unknown(self, unknown: float | None) -> Self:
        """Return a gallery with another share of photos that may be sent to review.

        The limit of a gallery from an older file is measured again by the present method.

        Parameters
        ----------
        unknown : float or None
            As in `from_dataset`.

        Returns
        -------
        Gallery
            The gallery with this share.

        Raises
        ------
        InvalidParameterError
            `unknown` is neither None nor a number above 0 and below 1.
        """
        return type(self)(_enrolling.with_unknown(self._index, unknown))

    def save(self, path: Target) -> str:
        """Save the gallery as one file, without the classifier.

        Parameters
        ----------
        path : path-like or binary file
            The file to write. An existing file is replaced atomically, or stays unchanged if
            writing fails. The file contains the embeddings of the photos, not the photos.

        Returns
        -------
        str
            The SHA-256 of the file, for the parameter ``expected_sha256`` of `load`.

        Raises
        ------
        StorageError
            The file cannot be written. An existing file is unchanged.
        InvalidParameterError
            ``path`` is neither a path nor a binary file, or the gallery exceeds 1 GiB, the largest
            size that can be loaded.
        """
        return save_index(self._index, path)

    def __reduce__(
        self,
    ) -> tuple[Callable[[bytes, Classifier], Gallery], tuple[bytes, Classifier]]:
        """Pickle the gallery as the bytes of its file and its classifier; unpickling loads them."""
        file = io.BytesIO()
        self.save(file)
        return _from_bytes, (file.getvalue(), self.classifier)

    def __copy__(self) -> Self:
        """Return the gallery itself, which is immutable."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return the gallery itself, which is immutable."""
        return self

    def _repr_html_(self) -> str:
        """Return the number of enrolled photos of each product, for notebooks."""
        photos = counted(len(self._index.photos), "photo")
        return notebook_view(
            f"Gallery: {counted(len(self.class_names), 'product')}, {photos}",
            columns=["product", "photos"],
            rows=list(self.counts.items()),
        )

    def __repr__(self) -> str:
        """Return one line with the number of products and photos."""
        photos = counted(len(self._index.photos), "photo")
        return f"<Gallery: {counted(len(self.class_names), 'product')}, {photos}>"


def _from_bytes(data: bytes, classifier: Classifier) -> Gallery:
    return Gallery.load(io.BytesIO(data), classifier)
