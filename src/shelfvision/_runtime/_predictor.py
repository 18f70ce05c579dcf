"""`Predictor`: predicts from an exported file, without Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import SupportsIndex, cast, final, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._runtime.answers import answers_of
from shelfvision._runtime.formats import ExportFormat, Runtime
from shelfvision._runtime.formats.format import Scores
from shelfvision._runtime.reading import read_export
from shelfvision._runtime.sessions import load_session
from shelfvision._storage.sealed import require_digest, trusted_digest
from shelfvision._validation import as_integer, one_of
from shelfvision.data.reading import Batch, Photos, Reader
from shelfvision.errors import ModelError
from shelfvision.predictions import Calibration, ClassPrior, Predictions, Thresholds
from shelfvision.protocols import Images, OnError, Resize


@final
class Predictor:
    """An exported classifier: one file, one small runtime, and the classifier's answers.

    Neither Keras nor any of its backends is imported. The file says which classes there are, how
    photos are brought to its size, and which predictions are accepted; nothing in it is run but
    its graph, by the runtime. It may be used from any number of threads, and does not survive a
    fork: make one in each process.

    Parameters
    ----------
    path : path-like
        What ``Classifier.export`` wrote: an ONNX, a LiteRT or an OpenVINO (``.xml``) file.
    runtime : {"auto", "onnxruntime", "litert", "openvino"}, default="auto"
        What runs it: ONNX Runtime or OpenVINO an ONNX file, LiteRT and OpenVINO their own. By
        default the first of these.
    threads : int, optional
        How many threads one call computes with; by default the runtime's own choice.
    expected_sha256 : str, optional
        The SHA-256 that the file must have; `ExportReport.sha256` tells it.

    Raises
    ------
    BundleNotFoundError
        There is no such file.
    BundleError
        The file is not one that ``Classifier.export`` wrote, is damaged, or is another one than
        `expected_sha256` says.
    MissingDependencyError
        The runtime is not installed; the message gives the pip line.
    InvalidParameterError
        The runtime cannot run this kind of file, or another argument makes no sense.
    """

    __slots__ = ("_path", "_pid", "_session")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        runtime: Runtime = "auto",
        threads: SupportsIndex | None = None,
        expected_sha256: str | None = None,
    ) -> None:
        one_of("runtime", runtime, get_args(Runtime))
        count = None if threads is None else as_integer("threads", threads, minimum=1, maximum=1024)
        expected = trusted_digest(expected_sha256)
        export = read_export(path)
        require_digest(export.sha256, expected, export.where)
        self._session = load_session(export, runtime, count)
        self._path = os.path.abspath(path)
        self._pid = os.getpid()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the columns of probabilities."""
        return self._session.export.card.class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos become the pixels that the graph takes."""
        return self._session.export.card.preprocessing

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, that photos are brought to."""
        return self._session.export.card.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are brought to `image_size`."""
        return self.preprocessing.resize

    @property
    def format(self) -> ExportFormat:
        """``"onnx"``, ``"litert"`` or ``"openvino"``."""
        return cast("ExportFormat", self._session.export.format.name)

    @property
    def runtime(self) -> str:
        """What runs the file, with its version."""
        return self._session.runner.name

    @property
    def calibration(self) -> Calibration | None:
        """What makes probabilities mean what they say; it is applied already."""
        return self._session.export.card.calibration

    @property
    def thresholds(self) -> Thresholds | None:
        """From which confidence on a prediction is accepted; None decides nothing."""
        return self._session.export.card.thresholds

    @property
    def source_sha256(self) -> str:
        """The SHA-256 of the bundle of the classifier that was exported."""
        return self._session.export.card.source_sha256

    def predict(
        self,
        photos: Photos,
        *,
        on_error: OnError = "raise",
        class_prior: ClassPrior = None,
    ) -> Predictions:
        """Tell which class each photo shows, as the classifier that was exported does.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            One photo as a path, as an encoded file's bytes, or as ``uint8`` pixels of shape
            (height, width, 3); a batch of pixels (n, height, width, 3); a `Dataset`; or any
            iterable of single photos, which is read batch by batch.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises, or becomes a row with its error while the
            rest goes on.
        class_prior : mapping of str to float, "estimate" or None, default=None
            The class proportions where the photos come from, if they are not those of training,
            as `Classifier.predict` takes them.

        Returns
        -------
        Predictions
            One row a photo, in order, with the same ids, labels and decisions.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo: an array that is not ``uint8`` RGB, a folder.
        ModelError
            The graph gives numbers that are no probabilities, this process was forked from the
            one that made the predictor, or `class_prior` is given and the file does not
            tell the class proportions of training.
        """
        shares = self._session.export.card.trained_shares
        return answers_of(
            self._batches(photos, on_error),
            self._scores,
            self.class_names,
            self.thresholds,
            class_prior=class_prior,
            known=None if shares is None else np.array(shares),
        )

    def predict_proba(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows that sum to 1; of an int8 file, as nearly as 256 steps allow.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        found = [self._scores(batch.images) for batch in self._batches(photos, "raise")]
        if not found:
            return np.empty((0, len(self.class_names)), dtype=np.float32)
        return np.concatenate(found)

    def _batches(self, photos: Photos, on_error: OnError) -> Iterator[Batch]:
        reader = Reader(preprocessing=self.preprocessing, on_error=on_error)
        return reader.batches(photos, self._session.batch_size)

    def _scores(self, images: Images) -> Scores:
        if os.getpid() != self._pid:
            raise ModelError(
                f"this predictor was made in process {self._pid} and came here through a fork, "
                "which the threads of its runtime do not survive; make one in this process",
                code="forked",
            )
        return self._session.scores(images)

    def __reduce__(self) -> tuple[Callable[[str], Predictor], tuple[str]]:
        """Pickle as the path of the file and its digest; unpickling reads the file again."""
        session = self._session
        runtime = cast("Runtime", session.runtime)
        make = partial(type(self), runtime=runtime, expected_sha256=session.export.sha256)
        return make, (self._path,)

    def __repr__(self) -> str:
        """Return a line that tells the kind, the classes and the image size."""
        height, width = self.image_size
        return (
            f"<Predictor: {self.format} by {self.runtime}, {len(self.class_names)} classes, "
            f"{height} x {width}>"
        )
