"""`Classifier`: a trained network with everything that serving it needs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from shelfvision._class_names import as_class_names
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._storage.sealed import Target
from shelfvision._validation import received
from shelfvision.data.reading import Photos
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.export import ExportFormat, ExportReport, Quantize
from shelfvision.export.exporting import export_classifier
from shelfvision.inference._bundle import Builder, load_bundle, save_bundle
from shelfvision.inference._describing import exported_source, manifest_of
from shelfvision.inference._frozen_network import FrozenNetwork
from shelfvision.inference._manifest import Manifest, plain
from shelfvision.inference._shelves import ShelfClassifier
from shelfvision.inference._trust import Trust
from shelfvision.models import spec_of
from shelfvision.protocols import ClassNames, Resize

if TYPE_CHECKING:
    from typing import Self

    import keras


@final
class Classifier(ShelfClassifier):
    """A trained network, its class names, and how photos are brought to it.

    It is immutable and safe to use from any number of threads. It holds a snapshot of the
    network's weights, so training the model further does not change it. It does not survive a
    fork: load it in the process that uses it, or send it there pickled, which sends its bundle.
    Make one with `from_model` or `load`, or take ``result.classifier`` from training.
    """

    __slots__ = ()

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
        class_names: ClassNames,
        resize: Resize | None = None,
        preprocessing: Preprocessing | None = None,
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
        resize : {"stretch", "pad", "crop"}, optional
            How photos of another shape are brought to the model's image size; the same as in
            the dataset that it was trained on. By default ``"stretch"``.
        preprocessing : Preprocessing, optional
            The resize rule together with the crop rule and the test-time crop, in place of
            `resize`. Its `image_size` is the model's.
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
        InvalidParameterError
            `preprocessing` is for another image size, or `resize` is given beside it.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> model = shv.build_model(2)
        >>> classifier = shv.Classifier.from_model(model, class_names=["juice", "milk"])
        >>> classifier.predict_proba(np.zeros((4, 100, 100, 3), np.uint8)).shape
        (4, 2)
        """
        names = as_class_names(class_names)
        self = object.__new__(cls)
        self._network = FrozenNetwork(model)
        if len(names) != self._network.num_classes:
            raise ModelError(
                f"class_names has {len(names)} names, but the model gives "
                f"{self._network.num_classes} probabilities; name each of them",
                code="wrong-length",
                parameter="class_names",
            )
        self._class_names = names
        self._preprocessing = _checked_preprocessing(
            preprocessing, resize, self._network.image_size
        )
        self._provenance = MappingProxyType(plain(provenance or {}))
        self._spec = spec_of(model)
        self._trust = Trust()
        return self

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
        manifest = self._manifest()
        return save_bundle(manifest, self._network.weights, path, self._trust.validation)

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
        >>> import shelfvision as shv
        >>> model = shv.build_model(2)
        >>> file = io.BytesIO()
        >>> digest = shv.Classifier.from_model(model, class_names=["juice", "milk"]).save(file)
        >>> _ = file.seek(0)
        >>> shv.Classifier.load(file, expected_sha256=digest)
        <Classifier: grocery_cnn, 2 classes, 100 x 100>
        """
        manifest, scores, model = load_bundle(
            path, expected_sha256=expected_sha256, builder=builder
        )
        found = cls.from_model(
            model,
            class_names=manifest.class_names,
            preprocessing=manifest.preprocessing,
            provenance=manifest.provenance,
        )
        found._trust = Trust(
            validation=scores, calibration=manifest.calibration, thresholds=manifest.thresholds
        )
        return found

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: ExportFormat = "onnx",  # noqa: A002  (the word of keras.Model.export)
        quantize: Quantize | None = None,
        photos: Photos | None = None,
        tolerance: float | None = None,
    ) -> ExportReport:
        """Write the classifier for another runtime, and hold the file against it first.

        The file takes ``uint8`` pixels under the name ``image``, any number of them, and gives
        ``probabilities``. Class names, image size, calibration and thresholds stand inside it;
        `shelfvision.export.Predictor` reads them. On jax and torch a process that runs tensorflow
        does the work. A file that does not say the same is not kept.

        Parameters
        ----------
        path : path-like
            Where to; it must end in ``.onnx``, ``.tflite``, ``.xml`` (a ``.bin`` is written beside
            it) or ``.keras``, as the format has it.
        format : {"onnx", "litert", "openvino", "keras"}, default="onnx"
            The kind of file.
        quantize : {"dynamic", "int8"}, optional
            For LiteRT: ``"dynamic"`` keeps weights in 8 bits, a quarter of the size; ``"int8"``
            computes in 8 bits too, whose ranges are measured on `photos`. By default neither.
        photos : path, bytes, ndarray, Dataset, or iterable of these, optional
            Photos like those that will be served; at most 512, evenly spaced, are used. The file
            is held against the classifier on them. By default generated images serve for that.
        tolerance : float, optional
            How far the file may be off: the largest difference of a probability, by default
            0.001; with `quantize` the probability that moves to other classes on average, by
            default 0.1.

        Returns
        -------
        ExportReport
            Differences, agreement of labels, size and latency; the accuracy before and after where
            `photos` is a dataset with this classifier's class names.

        Raises
        ------
        ExportError
            The model cannot be written so, or the file says something else; nothing is left.
        MissingDependencyError
            A package is missing; the message gives the pip line.
        StorageError
            The file cannot be written; whatever stood there is unchanged.
        InvalidParameterError
            The arguments do not go together.
        """
        return export_classifier(
            exported_source(self),
            path,
            format=format,
            quantize=quantize,
            photos=photos,
            tolerance=tolerance,
        )

    def _manifest(self) -> Manifest:
        return manifest_of(self)

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
        trust = ", calibrated" if self._trust.calibration else ""
        trust += ", with thresholds" if self._trust.thresholds else ""
        kind = self._spec.architecture if self._spec else self._network.model.name
        return f"<Classifier: {kind}, {len(self._class_names)} classes, {height} x {width}{trust}>"


def _checked_preprocessing(
    given: object, resize: Resize | None, image_size: tuple[int, int]
) -> Preprocessing:
    """Return how photos become pixels of the network's image size."""
    if given is None:
        return Preprocessing(image_size=image_size, resize=resize or "stretch")
    if not isinstance(given, Preprocessing):
        raise InvalidParameterError(
            f"preprocessing must be a shelfvision.data.Preprocessing, got {received(given)}; pass "
            "another classifier's, or make one",
            code="wrong-type",
            parameter="preprocessing",
        )
    if resize is not None:
        raise InvalidParameterError(
            f"resize must not be given beside preprocessing, got {received(resize)}; leave it out,"
            " for preprocessing has a resize rule",
            code="conflict",
            parameter="resize",
        )
    if given.image_size != image_size:
        raise InvalidParameterError(
            f"preprocessing must have the model's image_size {image_size}, got "
            f"{given.image_size}; pass dataclasses.replace(preprocessing, image_size={image_size})",
            code="wrong-size",
            parameter="preprocessing",
        )
    return given
