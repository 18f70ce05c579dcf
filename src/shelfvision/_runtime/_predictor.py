"""`Predictor`: predict from an exported file, without Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import SupportsFloat, SupportsIndex, cast, final, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision._product_codes import ProductCodes
from shelfvision._runtime.answers import answers_of
from shelfvision._runtime.formats import ExportFormat, Runtime
from shelfvision._runtime.formats.format import Scores
from shelfvision._runtime.reading import read_export
from shelfvision._runtime.sessions import load_session
from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.sealed import require_digest, trusted_digest
from shelfvision._validation import as_integer, one_of
from shelfvision.boxes import Boxes
from shelfvision.data.reading import Batch, Photos, Reader
from shelfvision.errors import ModelError
from shelfvision.predictions import (
    Calibration,
    ClassPrior,
    MeasuredPhotos,
    Predictions,
    Profile,
    Thresholds,
)
from shelfvision.protocols import Images, Location, OnError, Resize, StorageOptions
from shelfvision.regions import Regions
from shelfvision.regions.predicting import BoxDetector, HasCorners, regions_of, with_crop_rule


@final
class Predictor:
    """Predict from an exported file, with the same predictions as the exported classifier.

    A predictor needs one runtime, such as ONNX Runtime, and imports neither Keras nor a backend.
    The file contains the class names, the preprocessing, the calibration and the thresholds.
    Opening it never runs code; the runtime runs its graph only.

    A predictor is thread-safe, but not fork-safe: create one in each process.

    Parameters
    ----------
    path : path-like or URL
        The ONNX, LiteRT or OpenVINO (``.xml``) file that ``Classifier.export`` wrote.
    runtime : {"auto", "onnxruntime", "litert", "openvino"}, default="auto"
        The runtime. ONNX files run in ONNX Runtime (the default) or OpenVINO, LiteRT files in
        LiteRT, OpenVINO files in OpenVINO.
    threads : int, optional
        The number of threads that one call computes with. By default the runtime chooses.
    expected_sha256 : str, optional
        The SHA-256 that the file must have, as in `ExportReport.sha256`.
    storage_options : mapping, optional
        Options of the fsspec file system, for a URL. URLs of servers, such as HTTP or SFTP,
        need them, at least ``{}``. A pickled predictor contains them.

    Raises
    ------
    BundleNotFoundError
        The file does not exist.
    BundleError
        The file is not an export, is corrupted, or does not have the digest `expected_sha256`.
    MissingDependencyError
        The runtime is not installed; the message contains the pip command.
    InvalidParameterError
        The runtime cannot run this format, or an argument is invalid.

    Examples
    --------
    >>> predictor = Predictor("model.onnx")  # doctest: +SKIP
    >>> predictor.predict("photo.jpg").labels  # doctest: +SKIP
    """

    __slots__ = ("_path", "_pid", "_session", "_threads")

    def __init__(
        self,
        path: Location,
        *,
        runtime: Runtime = "auto",
        threads: SupportsIndex | None = None,
        expected_sha256: str | None = None,
        storage_options: StorageOptions | None = None,
    ) -> None:
        one_of("runtime", runtime, get_args(Runtime))
        count = None if threads is None else as_integer("threads", threads, minimum=1, maximum=1024)
        expected = trusted_digest(expected_sha256)
        place = as_location(path, storage_options=storage_options)
        export = read_export(place)
        require_digest(export.sha256, expected, export.where)
        self._session = load_session(export, runtime, count)
        self._threads = count
        self._path = place if isinstance(place, RemoteFile) else os.path.abspath(place)
        self._pid = os.getpid()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of the columns of probabilities."""
        return self._session.export.card.class_names

    @property
    def product_codes(self) -> ProductCodes | None:
        """The product code of each class; None without codes."""
        return self._session.export.card.product_codes

    @property
    def preprocessing(self) -> Preprocessing:
        """The conversion from photos to the pixels of the model input."""
        return self._session.export.card.preprocessing

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the model input in pixels."""
        return self._session.export.card.image_size

    @property
    def resize(self) -> Resize:
        """How photos are resized to `image_size`: ``"stretch"``, ``"pad"`` or ``"crop"``."""
        return self.preprocessing.resize

    @property
    def format(self) -> ExportFormat:
        """``"onnx"``, ``"litert"`` or ``"openvino"``."""
        return cast("ExportFormat", self._session.export.format.name)

    @property
    def runtime(self) -> str:
        """The name of the runtime, with its version."""
        return self._session.runner.name

    @property
    def calibration(self) -> Calibration | None:
        """The calibration of the probabilities; predictions are calibrated already."""
        return self._session.export.card.calibration

    @property
    def thresholds(self) -> Thresholds | None:
        """The lowest confidence for accepting a prediction; None makes no decisions."""
        return self._session.export.card.thresholds

    @property
    def measured(self) -> MeasuredPhotos | None:
        """The predictions of the exported classifier for its validation photos.

        The 10 largest probabilities of each photo are kept. `take_inventory` measures confusions
        with them. None if the classifier had no validation
        scores.
        """
        card = self._session.export.card
        if not card.measured:
            return None
        return MeasuredPhotos.from_summary(card.measured, len(card.class_names))

    @property
    def profile(self) -> Profile | None:
        """How the validation photos of the exported classifier look; None without a profile."""
        return self._session.export.card.profile

    @property
    def source_sha256(self) -> str:
        """The SHA-256 of the bundle of the exported classifier."""
        return self._session.export.card.source_sha256

    def predict(
        self,
        photos: Photos,
        *,
        on_error: OnError = "raise",
        class_prior: ClassPrior = None,
        quality: bool = False,
        storage_options: StorageOptions | None = None,
    ) -> Predictions:
        """Predict the class of each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            One photo as a path, as the bytes of an encoded file, or as ``uint8`` pixels of shape
            (height, width, 3); a batch of pixels of shape (n, height, width, 3); a `Dataset`; or an
            iterable of single photos, which is read batch by batch.
        on_error : {"raise", "skip"}, default="raise"
            For a photo that cannot be read: raise, or add a row with its error and continue.
        class_prior : mapping of str to float, "estimate" or None, default=None
            The class prior of these photos, if it differs from that of training; see
            `Classifier.predict`.
        quality : bool, default=False
            Whether the quality of each photo is measured, as in `Classifier.predict`.
        storage_options : mapping, optional
            Options for photos by URL, as in `Classifier.predict`.

        Returns
        -------
        Predictions
            One row per photo in order, with the ids, labels and decisions of the classifier.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            A value in `photos` is not a photo, such as a folder or an array that is not ``uint8``
            RGB.
        ModelError
            The graph returns values that are not probabilities, this process is a fork of the one
            that created the predictor, or `class_prior` is given and the file does not contain the
            class prior of training.
        """
        shares = self._session.export.card.trained_shares
        return answers_of(
            self._batches(photos, on_error, storage_options),
            self._scores,
            self.class_names,
            self.thresholds,
            class_prior=class_prior,
            known=None if shares is None else np.array(shares),
            quality=quality,
            profile=self.profile,
        )

    def predict_regions(
        self,
        photo: Photo,
        boxes: Boxes | HasCorners | BoxDetector | npt.ArrayLike,
        *,
        context: SupportsFloat | None = None,
        shape: CropShape | None = None,
        as_stored: bool | None = None,
        min_confidence: SupportsFloat | None = None,
        class_prior: ClassPrior = None,
    ) -> Regions:
        """Predict the class of each box in a photo of a shelf.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo.
        boxes : array_like, Boxes, supervision.Detections or Detector
            The boxes of products, or a detector that finds them, as in
            `Classifier.predict_regions`.
        context : float, optional
            The context margin of crops, as a share of each box. By default that of `preprocessing`.
        shape : {"box", "image"}, optional
            The shape of crops. By default that of `preprocessing`.
        as_stored : bool, optional
            Whether the boxes refer to the pixels as stored in the file, before the EXIF orientation
            is applied; see `Classifier.predict_regions`.
        min_confidence : float, optional
            The lowest confidence of an accepted box, 0 to 1, as in `Classifier.predict_regions`.
            By default the thresholds of the exported classifier decide.
        class_prior : mapping of str to float, "estimate" or None, default=None
            As in `predict`.

        Returns
        -------
        Regions
            Labels, confidences and decisions in the order of the boxes. The crops are those of the
            exported classifier.

        Raises
        ------
        InvalidParameterError
            A box is not finite, is empty, has swapped corners or is outside the photo, or the boxes
            belong to a photo of another size.
        PhotoError
            The photo cannot be read.
        """
        return regions_of(
            photo,
            boxes,
            with_crop_rule(self.preprocessing, context=context, shape=shape),
            partial(self.predict, class_prior=class_prior),
            as_stored=as_stored,
            min_confidence=min_confidence,
        )

    def predict_proba(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the probabilities of all classes for each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1; for int8 files, up to a rounding to 256 levels.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        found = [self._scores(batch.images) for batch in self._batches(photos, "raise")]
        if not found:
            return np.empty((0, len(self.class_names)), dtype=np.float32)
        return np.concatenate(found)

    def _batches(
        self, photos: Photos, on_error: OnError, storage_options: StorageOptions | None = None
    ) -> Iterator[Batch]:
        reader = Reader(
            preprocessing=self.preprocessing, on_error=on_error, storage_options=storage_options
        )
        return reader.batches(photos, self._session.batch_size)

    def _scores(self, images: Images) -> Scores:
        if os.getpid() != self._pid:
            raise ModelError(
                f"a Predictor is not fork-safe: this one was created in process {self._pid}, and "
                "its threads do not exist in this fork; create one in this process",
                code="forked",
            )
        return self._session.scores(images)

    def __reduce__(self) -> tuple[Callable[[str | RemoteFile], Predictor], tuple[str | RemoteFile]]:
        """Pickle path, digest, runtime and threads; unpickling reads the file again."""
        session = self._session
        runtime = cast("Runtime", session.runtime)
        digest = session.export.sha256
        make = partial(type(self), runtime=runtime, threads=self._threads, expected_sha256=digest)
        return make, (self._path,)

    def __repr__(self) -> str:
        """Return one line with format, runtime, number of classes and image size."""
        height, width = self.image_size
        return (
            f"<Predictor: {self.format} by {self.runtime}, {len(self.class_names)} classes, "
            f"{height} x {width}>"
        )
