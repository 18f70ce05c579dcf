"""`Classifier`: a trained network with everything that serving it needs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_class_names, one_of
from shelfvision.errors import ModelError
from shelfvision.inference._bundle import Builder, Target, load_bundle, save_bundle
from shelfvision.inference._manifest import RESIZES, Manifest, package_versions, plain
from shelfvision.inference._network import FrozenNetwork
from shelfvision.inference._photos import Batch, Photos, Reader
from shelfvision.models._spec import ModelSpec, spec_of
from shelfvision.predictions import Predictions
from shelfvision.protocols import OnError, Resize

if TYPE_CHECKING:
    from typing import Self

    import keras


@final
class Classifier:
    """A trained network, its class names, and how photos are brought to it.

    It is immutable and safe to use from any number of threads. It holds a snapshot of the
    network's weights, so training the model further does not change it. It does not survive a
    fork: load it in the process that uses it, or send it there pickled, which sends its bundle.
    Make one with `from_model` or `load`, or take ``result.classifier`` from training.
    """

    __slots__ = ("_class_names", "_network", "_provenance", "_resize", "_spec")

    _network: FrozenNetwork
    _class_names: tuple[str, ...]
    _resize: Resize
    _provenance: Mapping[str, object]
    _spec: ModelSpec | None

    def __init__(self) -> None:
        raise TypeError(
            "a Classifier is made by Classifier.from_model or Classifier.load, not by calling "
            "Classifier()"
        )

    @classmethod
    def from_model(
        cls,
        model: keras.Model,
        *,
        class_names: Iterable[str],
        resize: Resize = "stretch",
        provenance: Mapping[str, object] | None = None,
    ) -> Self:
        """Make a classifier of a trained model.

        Parameters
        ----------
        model : keras.Model
            One input of shape (None, height, width, 3) that takes pixels from 0 to 255, one
            output of shape (None, k) of probabilities. Its weights are copied.
        class_names : iterable of str, length k
            The classes in the order of the outputs.
        resize : {"stretch", "pad", "crop"}, default="stretch"
            How photos of another shape are brought to the model's image size; the same as in
            the dataset that it was trained on.
        provenance : mapping, optional
            Where the classifier came from, as plain JSON values; it is saved with it.

        Returns
        -------
        Classifier
            The classifier.

        Raises
        ------
        ModelError
            The model takes or gives something else, or the names are not as many as its outputs.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as sv
        >>> model = sv.build_model(2)
        >>> classifier = sv.Classifier.from_model(model, class_names=["juice", "milk"])
        >>> classifier.predict_proba(np.zeros((4, 100, 100, 3), np.uint8)).shape
        (4, 2)
        """
        names = as_class_names(class_names)
        self = object.__new__(cls)
        self._network = FrozenNetwork(model)
        if len(names) != self._network.num_classes:
            raise ModelError(
                f"class_names has {len(names)} names, but the model gives "
                f"{self._network.num_classes} probabilities; name each of them"
            )
        self._class_names = names
        self._resize = cast("Resize", one_of("resize", resize, RESIZES))
        self._provenance = MappingProxyType(plain(provenance or {}))
        self._spec = spec_of(model)
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the columns of probabilities."""
        return self._class_names

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, that photos are brought to."""
        return self._network.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are brought to `image_size`."""
        return self._resize

    @property
    def provenance(self) -> Mapping[str, object]:
        """Where the classifier came from, as plain values, read-only."""
        return self._provenance

    def predict(self, photos: Photos, *, on_error: OnError = "raise") -> Predictions:
        """Tell which class each photo shows.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            One photo as a path, as an encoded file's bytes, or as ``uint8`` pixels of shape
            (height, width, 3); a batch of pixels (n, height, width, 3); a `Dataset`; or any
            iterable of single photos, which is read batch by batch. Pixels of another size are
            resized as photos are.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises, or becomes a row with its error while the
            rest goes on.

        Returns
        -------
        Predictions
            One row a photo, in order. The ids are paths as given, the ids of a dataset, and
            ``"0"``, ``"1"``, … for pixels and bytes.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo: an array that is not ``uint8`` RGB, a folder.
        ModelError
            The model gives numbers that are no probabilities, or this process was forked from
            the one that made the classifier.
        """
        ids: list[str] = []
        errors: list[str | None] = []
        rows: list[npt.NDArray[np.float32]] = []
        for batch in self._batches(photos, on_error):
            ids.extend(batch.ids)
            errors.extend(batch.errors)
            rows.append(self._network.probabilities(batch.images))
        scores = np.full((len(ids), len(self._class_names)), np.nan, dtype=np.float32)
        readable = [row for row, error in enumerate(errors) if error is None]
        if readable:
            scores[readable] = np.concatenate(rows)
        return Predictions(scores, self._class_names, ids, errors)

    def predict_proba(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        found = [self._network.probabilities(b.images) for b in self._batches(photos, "raise")]
        if not found:
            return np.empty((0, len(self._class_names)), dtype=np.float32)
        return np.concatenate(found)

    def embed(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return what the network sees in each photo: the values before its last dense layer.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, d)
            One row a photo; photos of like products have like rows.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        ModelError
            The model has no last dense layer that can be seen from outside.
        """
        found = [self._network.embed(batch.images) for batch in self._batches(photos, "raise")]
        if not found:
            return self._network.embed(np.empty((0, *self.image_size, 3), dtype=np.uint8))
        return np.concatenate(found)

    def save(self, path: Target) -> str:
        """Save the classifier as one file: its weights, and a manifest of all else.

        Parameters
        ----------
        path : path-like or binary file
            Where to. A file that stands there is replaced at once when all is written, or left
            as it is; an open binary file is written to from where it stands.

        Returns
        -------
        str
            The SHA-256 of the file, for `load`'s `expected_sha256`.

        Raises
        ------
        StorageError
            The file cannot be written; whatever stood there is unchanged.
        ModelError
            The weights are not finite numbers, or of a type that a bundle cannot hold.
        InvalidParameterError
            `path` is neither, or names and provenance take more than a bundle may hold.
        """
        return save_bundle(self._manifest(), self._network.weights, path)

    @classmethod
    def load(
        cls,
        path: Target,
        *,
        expected_sha256: str | None = None,
        builder: Builder | None = None,
    ) -> Self:
        """Load a classifier that was saved; no code in the file is ever run.

        Parameters
        ----------
        path : path-like or binary file
            What `save` wrote.
        expected_sha256 : str, optional
            The SHA-256 that the file must have, 64 hexadecimal digits. A bundle's own digests
            find damage; only this tells whether it is the file that you trust.
        builder : callable, optional
            For a model of your own architecture: a function that takes a `ModelSpec` and returns
            the model, as it was saved. For ours it is not needed.

        Returns
        -------
        Classifier
            The classifier, which gives the same probabilities as the one that was saved.

        Raises
        ------
        BundleNotFoundError
            There is no such file.
        BundleError
            The file is not a bundle, is damaged, comes from a newer version, or needs `builder`.
        InvalidParameterError
            `path` is neither a path nor a binary file, or another argument is no such thing.

        Examples
        --------
        >>> import io
        >>> import shelfvision as sv
        >>> model = sv.build_model(2)
        >>> file = io.BytesIO()
        >>> digest = sv.Classifier.from_model(model, class_names=["juice", "milk"]).save(file)
        >>> _ = file.seek(0)
        >>> sv.Classifier.load(file, expected_sha256=digest)
        <Classifier: grocery_cnn, 2 classes, 100 x 100>
        """
        manifest, model = load_bundle(path, expected_sha256=expected_sha256, builder=builder)
        return cls.from_model(
            model,
            class_names=manifest.class_names,
            resize=manifest.resize,
            provenance=manifest.provenance,
        )

    def _manifest(self) -> Manifest:
        network = self._network
        spec = self._spec or ModelSpec(
            architecture=network.model.name or "model",
            num_classes=network.num_classes,
            image_size=network.image_size,
        )
        return Manifest(
            spec=spec,
            own_architecture=self._spec is None,
            class_names=self._class_names,
            resize=self._resize,
            provenance=self._provenance,
            created_with=package_versions(),
            weights=tuple(network.weights),
        )

    def _batches(self, photos: Photos, on_error: OnError) -> Iterator[Batch]:
        one_of("on_error", on_error, ("raise", "skip"))
        reader = Reader(image_size=self.image_size, resize=self._resize, on_error=on_error)
        return reader.batches(photos, self._network.batch_size)

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:
        """Pickle as the bytes of its bundle, for other processes; unpickling loads these."""
        if self._spec is None:
            raise TypeError(
                f"a classifier of an architecture of your own ({self._network.model.name!r}) "
                "cannot be pickled, because only your code can build its model; save it, and load "
                "it with builder= where it is needed"
            )
        file = io.BytesIO()
        self.save(file)
        return type(self)._from_bytes, (file.getvalue(),)

    @classmethod
    def _from_bytes(cls, data: bytes) -> Self:
        return cls.load(io.BytesIO(data))

    def __copy__(self) -> Self:
        """Return itself, for it never changes."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return itself, for it never changes."""
        return self

    def __repr__(self) -> str:
        """Return a line that tells the classes and the image size."""
        height, width = self.image_size
        kind = self._spec.architecture if self._spec else self._network.model.name
        return f"<Classifier: {kind}, {len(self._class_names)} classes, {height} x {width}>"
