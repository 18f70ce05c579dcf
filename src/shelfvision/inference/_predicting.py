"""`PredictingClassifier`: what a classifier says of photos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._runtime.answers import answers_of
from shelfvision._validation import as_integer
from shelfvision.data.reading import Batch, Photos, Reader
from shelfvision.inference._frozen_network import FrozenNetwork
from shelfvision.inference._trust import Trust, training_prior
from shelfvision.models import ModelSpec
from shelfvision.predictions import ClassPrior, Prediction, Predictions
from shelfvision.predictions.columns import Floats
from shelfvision.protocols import Images, OnError, Resize


class PredictingClassifier:
    """What a `Classifier` holds, and how it predicts with it."""

    __slots__ = ("_class_names", "_network", "_preprocessing", "_provenance", "_spec", "_trust")

    _network: FrozenNetwork
    _class_names: tuple[str, ...]
    _preprocessing: Preprocessing
    _provenance: Mapping[str, object]
    _spec: ModelSpec | None
    _trust: Trust

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the columns of probabilities."""
        return self._class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos, and boxes in photos, become the pixels that the network takes."""
        return self._preprocessing

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, that photos are brought to."""
        return self._preprocessing.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are brought to `image_size`."""
        return self._preprocessing.resize

    @property
    def provenance(self) -> Mapping[str, object]:
        """Where the classifier came from, as plain values, read-only."""
        return self._provenance

    def predict(
        self,
        photos: Photos,
        *,
        on_error: OnError = "raise",
        class_prior: ClassPrior = None,
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
        class_prior : mapping of str to float, "estimate" or None, default=None
            The class proportions where the photos come from, if they are not those of training: a
            share or count for each class name, or ``"estimate"`` to estimate them from these
            photos, which should then be a hundred or more. Probabilities are corrected for it; it
            works best on calibrated ones. The result's `class_prior` has what was applied.

        Returns
        -------
        Predictions
            One row a photo, in order. The ids are paths as given, the ids of a dataset, and
            ``"0"``, ``"1"``, … for pixels and bytes. Probabilities are calibrated if the
            classifier is. What its thresholds do not accept has the decision ``"review"``; without
            thresholds decisions are None.

        Raises
        ------
        PhotoError
            A photo cannot be read and `on_error` is ``"raise"``.
        InvalidParameterError
            Something is no photo: an array that is not ``uint8`` RGB, a folder.
        ModelError
            The model gives numbers that are no probabilities, this process was forked from the one
            that made the classifier, or `class_prior` is given and the class proportions
            of training are not known.

        References
        ----------
        M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a
        priori probabilities: a simple procedure", Neural Computation 14 (2002) 21-41
        (`class_prior`).
        """
        return answers_of(
            self._batches(photos, on_error),
            self._scores,
            self._class_names,
            self._trust.thresholds,
            class_prior=class_prior,
            known=None if class_prior is None else self._training_prior(),
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
            computed best together, 32 at most; 1 answers every photo at once, as a camera at a
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
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(4, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> answers = classifier.predict_stream((image for image, _ in photos), batch_size=1)
        >>> next(answers).id
        '0'
        """
        most = self._network.batch_size
        size = most if batch_size is None else as_integer("batch_size", batch_size, minimum=1)
        batches = self._batches(photos, on_error, size)
        return (answer for batch in batches for answer in self._answered(batch))

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

    def _answered(self, batch: Batch) -> Predictions:
        return answers_of([batch], self._scores, self._class_names, self._trust.thresholds)

    def _training_prior(self) -> Floats | None:
        """Return the class prior that probabilities are made for, if it is known."""
        return training_prior(self._provenance, self._trust, self._class_names)

    def _scores(self, images: Images) -> npt.NDArray[np.float32]:
        return self._trust.calibrated(self._network.probabilities(images))

    def _raw_scores(self, photos: Photos) -> npt.NDArray[np.float32]:
        found = [self._network.probabilities(b.images) for b in self._batches(photos, "raise")]
        if not found:
            return np.empty((0, len(self._class_names)), dtype=np.float32)
        return np.concatenate(found)

    def _batches(
        self, photos: Photos, on_error: OnError, size: int | None = None
    ) -> Iterator[Batch]:
        reader = Reader(preprocessing=self._preprocessing, on_error=on_error)
        return reader.batches(photos, size or self._network.batch_size)
