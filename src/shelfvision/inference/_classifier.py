"""`Classifier`: a trained network with everything that serving it needs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast, final

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_class_names, as_integer, one_of
from shelfvision.data._reader import Batch, Photos, Reader
from shelfvision.errors import ModelError
from shelfvision.export import ExportFormat, ExportReport, Quantize
from shelfvision.export._card import Card
from shelfvision.export._exporting import checked_request
from shelfvision.export._source import Source
from shelfvision.inference._bundle import Builder, Target, load_bundle, save_bundle
from shelfvision.inference._export import export_classifier
from shelfvision.inference._manifest import RESIZES, Manifest, package_versions, plain
from shelfvision.inference._network import FrozenNetwork
from shelfvision.inference._trust import Trust, for_mix, trained_mix
from shelfvision.inference._trusting import TrustingClassifier
from shelfvision.models._registry import is_ours
from shelfvision.models._spec import ModelSpec, spec_of
from shelfvision.predictions import ClassFrequencies, Decision, Prediction, Predictions
from shelfvision.protocols import Images, OnError, Resize

if TYPE_CHECKING:
    from typing import Self

    import keras


@final
class Classifier(TrustingClassifier):
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
        self._trust = Trust()
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

    def predict(
        self,
        photos: Photos,
        *,
        on_error: OnError = "raise",
        class_frequencies: ClassFrequencies = None,
    ) -> Predictions:
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
        class_frequencies : mapping of str to float, "estimate" or None, default=None
            The mix of classes where the photos come from, if it is not the one trained on: a share
            or count for each class name, or ``"estimate"`` to find it out from these photos, which
            should then be a hundred or more. Probabilities are corrected for it; it works best on
            calibrated ones. The mix is told in the result's `class_frequencies`.

        Returns
        -------
        Predictions
            One row a photo, in order. The ids are paths as given, the ids of a dataset, and
            ``"0"``, ``"1"``, … for pixels and bytes. Probabilities are calibrated if the
            classifier is, and what its thresholds do not accept has the decision ``"review"``.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo: an array that is not ``uint8`` RGB, a folder.
        ModelError
            The model gives numbers that are no probabilities, this process was forked from the one
            that made the classifier, or `class_frequencies` are given and the mix that was trained
            on is not known.

        References
        ----------
        M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a
        priori probabilities: a simple procedure", Neural Computation 14 (2002) 21-41
        (`class_frequencies`).
        """
        known = None
        if class_frequencies is not None:
            known = trained_mix(self._provenance, self._trust, self._class_names)
        ids: list[str] = []
        errors: list[str | None] = []
        rows: list[npt.NDArray[np.float32]] = []
        for batch in self._batches(photos, on_error):
            ids.extend(batch.ids)
            errors.extend(batch.errors)
            rows.append(self._scores(batch.images))
        scores = np.full((len(ids), len(self._class_names)), np.nan, dtype=np.float32)
        readable = [row for row, error in enumerate(errors) if error is None]
        if readable:
            scores[readable] = np.concatenate(rows)
        mix = None
        if known is not None:
            scores, shares = for_mix(scores, class_frequencies, known, self._class_names)
            mix = dict(zip(self._class_names, shares.tolist(), strict=True))
        return Predictions(
            scores,
            self._class_names,
            ids,
            errors,
            decisions=self._decisions(scores),
            class_frequencies=mix,
        )

    def predict_stream(
        self, photos: Photos, *, on_error: OnError = "raise", batch_size: int | None = None
    ) -> Iterator[Prediction]:
        """Tell which class each photo shows, one after the other, however many there are.

        Nothing is kept: memory stays what a batch takes, and photos are read no further ahead than
        the batch that is being answered. `predict` gives all answers together, as columns.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`; a generator may go on for ever.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises, or is answered with its error.
        batch_size : int, optional
            How many photos are read before the first is answered. By default as many as are
            computed best together, 128 at most; 1 answers every photo at once, as a camera at a
            till wants it.

        Yields
        ------
        Prediction
            What `predict` says of each photo, in order; numbers can differ in the last bits from
            those of a batch of another size.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``; those before it in earlier batches
            were answered.
        InvalidParameterError
            Something is no photo, or `batch_size` is no number from 1.
        ModelError
            As in `predict`.

        Examples
        --------
        >>> import shelfvision as sv
        >>> photos = sv.samples.render_products(4, class_names=["Can", "Jar"], seed=1)
        >>> model = sv.build_model(2, image_size=photos.image_size)
        >>> classifier = sv.Classifier.from_model(model, class_names=photos.class_names)
        >>> answers = classifier.predict_stream((image for image, _ in photos), batch_size=1)
        >>> next(answers).id
        '0'
        """
        most = self._network.batch_size
        size = most if batch_size is None else as_integer("batch_size", batch_size, minimum=1)
        batches = self._batches(photos, on_error, size)
        return (answer for batch in batches for answer in self._answered(batch))

    def _answered(self, batch: Batch) -> Predictions:
        rows = np.full((len(batch.ids), len(self._class_names)), np.nan, dtype=np.float32)
        readable = [row for row, error in enumerate(batch.errors) if error is None]
        if readable:
            rows[readable] = self._scores(batch.images)
        return Predictions(
            rows, self._class_names, batch.ids, batch.errors, decisions=self._decisions(rows)
        )

    def _decisions(self, scores: npt.NDArray[np.float32]) -> list[Decision] | None:
        thresholds = self._trust.thresholds
        if thresholds is None:
            return None
        return cast("list[Decision]", thresholds.decide(scores).tolist())

    def _scores(self, images: Images) -> npt.NDArray[np.float32]:
        return self._trust.calibrated(self._network.probabilities(images))

    def _raw_scores(self, photos: Photos) -> npt.NDArray[np.float32]:
        found = [self._network.probabilities(b.images) for b in self._batches(photos, "raise")]
        if not found:
            return np.empty((0, len(self._class_names)), dtype=np.float32)
        return np.concatenate(found)

    def _trusting(self, trust: Trust) -> Self:
        """Return the same classifier, sharing its network, with other trust in itself."""
        other = object.__new__(type(self))
        other._network, other._class_names = self._network, self._class_names
        other._resize, other._provenance, other._spec = self._resize, self._provenance, self._spec
        other._trust = trust
        return other

    def predict_proba(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1, calibrated if the classifier is.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        return self._trust.calibrated(self._raw_scores(photos))

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
        >>> import shelfvision as sv
        >>> model = sv.build_model(2)
        >>> file = io.BytesIO()
        >>> digest = sv.Classifier.from_model(model, class_names=["juice", "milk"]).save(file)
        >>> _ = file.seek(0)
        >>> sv.Classifier.load(file, expected_sha256=digest)
        <Classifier: grocery_cnn, 2 classes, 100 x 100>
        """
        manifest, scores, model = load_bundle(
            path, expected_sha256=expected_sha256, builder=builder
        )
        found = cls.from_model(
            model,
            class_names=manifest.class_names,
            resize=manifest.resize,
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
            is held against the classifier on them. By default rendered photos serve for that.
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
        request = checked_request(
            path,
            self._card(""),
            format=format,
            quantize=quantize,
            photos=photos,
            tolerance=tolerance,
        )
        portable = self._spec is not None and is_ours(self._spec.architecture)
        return export_classifier(self._export_source(), request, self.save, portable=portable)

    def _export_source(self) -> Source:
        network = self._network
        return Source(
            card=self._card(self.save(io.BytesIO())),
            model=network.model,
            pairs=list(zip(network.model.weights, network.weights.values(), strict=True)),
            answers=self.predict_proba,
        )

    def _card(self, sha256: str) -> Card:
        return Card(
            class_names=self._class_names,
            image_size=self.image_size,
            resize=self._resize,
            calibration=self._trust.calibration,
            thresholds=self._trust.thresholds,
            source_sha256=sha256,
            created_with=tuple(package_versions().items()),
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
            own_architecture=self._spec is None or not is_ours(self._spec.architecture),
            class_names=self._class_names,
            resize=self._resize,
            provenance=self._provenance,
            created_with=package_versions(),
            weights=tuple(network.weights),
            calibration=self._trust.calibration,
            thresholds=self._trust.thresholds,
            n_validation=None if self._trust.validation is None else len(self._trust.validation),
        )

    def _batches(
        self, photos: Photos, on_error: OnError, size: int | None = None
    ) -> Iterator[Batch]:
        one_of("on_error", on_error, ("raise", "skip"))
        reader = Reader(image_size=self.image_size, resize=self._resize, on_error=on_error)
        return reader.batches(photos, size or self._network.batch_size)

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
