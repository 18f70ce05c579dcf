"""`Gallery`: products that a classifier was never trained on, told by photos like theirs."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import clean_name
from shelfvision._storage.sealed import Target, where_is
from shelfvision._validation import counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.errors import (
    BundleError,
    DataError,
    InvalidParameterError,
    ShelfVisionWarning,
)
from shelfvision.gallery._enrolled import Enrolled, group_codes
from shelfvision.gallery._file import Contents, checked_share, read_gallery, save_gallery
from shelfvision.gallery._looking import Looking
from shelfvision.inference import Classifier
from shelfvision.inference.digest import digest_of
from shelfvision.inference.versions import package_versions

if TYPE_CHECKING:
    from typing import Self


@final
class Gallery(Looking):
    """Products told by photos of each, so that new ones need no training.

    It is a value like a `Classifier`: `add` and `remove` return another gallery and leave this one
    as it is. Any number of threads may use it. Each product is the mean of what the classifier's
    network sees in its photos (`Classifier.embed`); a photo is answered with the nearest product,
    by the cosine from the middle of them all, and sent to review if it is near none. How photos of
    one product spread is learned from all enrolled ones, and directions in which they spread much
    count less. It is tied to the classifier by a digest of its weights, classes and image size.

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
    >>> larger = gallery.add("Pouch", pouches[:3])
    >>> gallery.class_names, larger.class_names
    (('Can', 'Jar'), ('Can', 'Jar', 'Pouch'))
    >>> len(larger.predict(pouches[3:]))
    9
    """

    __slots__ = ("_digest",)

    _digest: str

    def __init__(self) -> None:
        raise TypeError(
            "a Gallery is made by Gallery.from_dataset or Gallery.load, not by calling Gallery()"
        )

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
        _require_classifier(classifier)
        if not isinstance(photos, Dataset):
            raise InvalidParameterError(
                f"photos must be a shelfvision.Dataset, not {type(photos).__name__}; make one with "
                "Dataset.from_directory(...), or add(name, photos) to a gallery that is there",
                code="wrong-type",
                parameter="photos",
            )
        photos = _with_photos(photos)
        enrolled = Enrolled(
            names=photos.class_names,
            seen=classifier.embed(photos),
            labels=photos.labels.astype(np.int32),
            groups=group_codes(photos.groups),
        )
        return cls._of(classifier, digest_of(classifier.served), enrolled, checked_share(unknown))

    @classmethod
    def _of(
        cls, classifier: Classifier, digest: str, enrolled: Enrolled, unknown: float | None
    ) -> Self:
        self = object.__new__(cls)
        self._classifier, self._digest = classifier, digest
        self._enrolled, self._unknown = enrolled, unknown
        self._found, self._lock = None, threading.Lock()
        return self

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
        return self._of(self._classifier, self._digest, self._enrolled, checked_share(unknown))

    def add(
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
        if not isinstance(name, str) or not clean_name(name):
            raise InvalidParameterError(
                f"name must be the name of a product, not {name!r}",
                code="wrong-type",
                parameter="name",
            )
        seen = self._classifier.embed(photos)
        if not len(seen):
            raise DataError(
                f"there are no photos to know {name!r} by; give at least one",
                code="empty",
                parameter="photos",
            )
        if groups is None and isinstance(photos, Dataset):
            groups = photos.groups
        if groups is None:
            # Made of the photos themselves, so that adding them twice gives no second group.
            groups = [hashlib.sha256(seen.tobytes()).hexdigest()] * len(seen)
        if isinstance(groups, str) or len(groups) != len(seen):
            raise InvalidParameterError(
                f"groups has {len(groups)} entries for {counted(len(seen), 'photo')}; give a name "
                "for each",
                code="wrong-length",
                parameter="groups",
            )
        enrolled = self._enrolled.added(clean_name(name), seen, group_codes(list(groups)))
        return self._of(self._classifier, self._digest, enrolled, self._unknown)

    def remove(self, name: str) -> Self:
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
        enrolled = self._enrolled.removed(clean_name(str(name)))
        return self._of(self._classifier, self._digest, enrolled, self._unknown)

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
        return save_gallery(
            Contents(
                enrolled=self._enrolled,
                unknown=self._unknown,
                classifier=self._digest,
                made_for=repr(self._classifier)[:1000],
                created_with=package_versions(),
            ),
            path,
        )

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
        _require_classifier(classifier)
        found = read_gallery(path, expected_sha256=expected_sha256)
        digest = digest_of(classifier.served)
        if digest != found.classifier:
            raise BundleError(
                f"{where_is(path)} was made with another classifier, {found.made_for!r} of digest "
                f"{found.classifier[:12]}, than the one given, {classifier!r} of digest "
                f"{digest[:12]}; load that one, or enrol the photos again with this one",
                code="other-classifier",
                parameter="classifier",
            )
        return cls._of(classifier, digest, found.enrolled, found.unknown)

    def __reduce__(self) -> tuple[Callable[[bytes, Classifier], Self], tuple[bytes, Classifier]]:
        """Pickle as its file and its classifier; unpickling loads these."""
        file = io.BytesIO()
        self.save(file)
        return type(self)._from_bytes, (file.getvalue(), self._classifier)

    @classmethod
    def _from_bytes(cls, data: bytes, classifier: Classifier) -> Self:
        return cls.load(io.BytesIO(data), classifier)

    def __copy__(self) -> Self:
        """Return itself, for it never changes."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return itself, for it never changes."""
        return self

    def __repr__(self) -> str:
        """Return a line that tells how many products and photos it holds."""
        photos = counted(len(self._enrolled.seen), "photo")
        return f"<Gallery: {counted(len(self.class_names), 'product')}, {photos}>"


def _with_photos(photos: Dataset) -> Dataset:
    """Return the dataset without classes that have no photos, which no gallery can know."""
    if not len(photos):
        raise DataError(
            "photos must hold at least one photo, got none; give photos of each product",
            code="empty",
            parameter="photos",
        )
    filled = [name for name, n in photos.class_counts.items() if n]
    empty = [name for name in photos.class_names if name not in filled]
    if not empty:
        return photos
    warn_caller(
        ShelfVisionWarning(
            f"photos has none of {listed(empty)}, so the gallery will not know "
            f"{'it' if len(empty) == 1 else 'them'}; enroll photos later with add(name, photos)",
            code="missing-class",
            parameter="photos",
        )
    )
    return photos.select(class_names=filled)


def _require_classifier(classifier: object) -> None:
    if not isinstance(classifier, Classifier):
        raise InvalidParameterError(
            f"classifier must be a Classifier, not {type(classifier).__name__}; make one with "
            "Classifier.from_model or Classifier.load",
            code="wrong-type",
            parameter="classifier",
        )
