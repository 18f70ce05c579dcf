"""`Classifier`: a trained network with everything that serving it needs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, SupportsFloat, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision._storage.sealed import Target
from shelfvision.data import Dataset
from shelfvision.data.reading import Photo, Photos
from shelfvision.export import ExportFormat, ExportReport, Quantize
from shelfvision.export.exporting import export_classifier
from shelfvision.inference import _calibrating, _predicting, _shelves
from shelfvision.inference._bundle import Builder, load_bundle, save_bundle
from shelfvision.inference._describing import bundle_manifest_of, exported_source
from shelfvision.inference._making import served_from_bundle, served_from_model
from shelfvision.inference.served import ServedModel
from shelfvision.predictions import (
    Calibration,
    CalibrationMethod,
    ClassPrior,
    Prediction,
    Predictions,
    Thresholds,
    ValidationScores,
)
from shelfvision.protocols import ClassNames, OnError, Resize
from shelfvision.regions import Boxes, Regions, ShelfMap
from shelfvision.regions.predicting import HasCorners
from shelfvision.regions.tiles import Tile

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

    __slots__ = ("_served",)

    _served: ServedModel

    def __init__(self, served: ServedModel) -> None:
        if not isinstance(served, ServedModel):
            raise TypeError(
                "a Classifier is made by Classifier.from_model or Classifier.load, not by calling "
                "Classifier()"
            )
        self._served = served

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
        return cls(
            served_from_model(
                model,
                class_names=class_names,
                resize=resize,
                preprocessing=preprocessing,
                provenance=provenance,
            )
        )

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
        found = load_bundle(path, expected_sha256=expected_sha256, builder=builder)
        return cls(served_from_bundle(found))

    @property
    def served(self) -> ServedModel:
        """Everything that it predicts with in one value, for packages that extend ours."""
        return self._served

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the columns of probabilities."""
        return self._served.class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos, and boxes in photos, become the pixels that the network takes."""
        return self._served.preprocessing

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width, in pixels, that photos are brought to."""
        return self._served.preprocessing.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are brought to `image_size`."""
        return self._served.preprocessing.resize

    @property
    def provenance(self) -> Mapping[str, object]:
        """Where the classifier came from, as plain values, read-only."""
        return self._served.provenance

    @property
    def calibration(self) -> Calibration | None:
        """What makes its probabilities mean what they say; None gives them as they are."""
        return self._served.decision_rule.calibration

    @property
    def thresholds(self) -> Thresholds | None:
        """From which confidence on it accepts a prediction; None decides nothing."""
        return self._served.decision_rule.thresholds

    @property
    def validation_scores(self) -> ValidationScores | None:
        """What the network said of its validation photos, uncalibrated; None if it keeps none."""
        return self._served.decision_rule.validation_scores

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
        return _predicting.predict_photos(
            self._served, photos, on_error=on_error, class_prior=class_prior
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
        return _predicting.predict_stream(
            self._served, photos, on_error=on_error, batch_size=batch_size
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
            Rows that sum to 1, calibrated if the classifier is.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        return _predicting.predict_proba(self._served, photos)

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
        return _predicting.embed(self._served, photos)

    def predict_regions(
        self,
        photo: Photo,
        boxes: Boxes | HasCorners | npt.ArrayLike,
        *,
        context: SupportsFloat | None = None,
        shape: CropShape | None = None,
        as_stored: bool | None = None,
        class_prior: ClassPrior = None,
    ) -> Regions:
        """Tell which class each box in a photo of a shelf shows.

        The photo is decoded once, at its own size and upright; each box is cut out by the pixels
        that it touches and brought to the classifier's image size as single photos are.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo: a path, an encoded file's bytes, a PIL image of any mode, or ``uint8``
            pixels (height, width, 3).
        boxes : array_like, Boxes or supervision.Detections
            Where products are, from any detector: left, top, right and bottom in pixels of the
            upright photo, shape (n, 4). `Boxes.from_coco`, `Boxes.from_voc` and `Boxes.from_yolo`
            read files. Boxes may stick out of the photo, but not lie outside.
        context : float, optional
            How much is cut out around each box, as a share of its width and height on every side.
            Set it so that crops look like the photos that were trained on. By default that of the
            classifier's `preprocessing`.
        shape : {"box", "image"}, optional
            What is cut out: the box, or more around it in the shape of the classifier's image, so
            that ``resize="stretch"`` distorts nothing. By default that of the classifier's
            `preprocessing`.
        as_stored : bool, optional
            Whether the boxes refer to the pixels as they are stored in the file, from a detector
            that does not turn photos upright by their EXIF orientation. By default they refer to
            the upright photo. Where boxes were made for the size of the stored photo, which
            Label Studio writes beside boxes of the upright one, a box that fits into one of the
            two only decides; otherwise this is asked for.
        class_prior : mapping of str to float, "estimate" or None, default=None
            As in `predict`.

        Returns
        -------
        Regions
            Labels, confidences and decisions in the order of the boxes.

        Raises
        ------
        InvalidParameterError
            A box is not finite, empty, swapped, or outside the photo, or the boxes were made for a
            photo of another size.
        PhotoError
            The photo cannot be read.

        Examples
        --------
        >>> import shelfvision as shv
        >>> shelf = shv.samples.render_shelf(1, 3, class_names=["Can", "Jar"], gaps=0)
        >>> model = shv.build_model(2)
        >>> classifier = shv.Classifier.from_model(model, class_names=shelf.class_names)
        >>> regions = classifier.predict_regions(shelf.photo, shelf.boxes, context=0.1)
        >>> len(regions), sum(regions.counts.values())
        (3, 3)
        """
        return _shelves.predict_regions(
            self._served,
            photo,
            boxes,
            context=context,
            shape=shape,
            as_stored=as_stored,
            class_prior=class_prior,
        )

    def scan(
        self,
        photo: Photo,
        *,
        tile: Tile | None = None,
        overlap: SupportsFloat = 0.5,
        scales: Iterable[SupportsFloat] = (1.0,),
        min_confidence: SupportsFloat | None = None,
    ) -> ShelfMap:
        """Map which product is where in a photo of a shelf, without a detector: a first look.

        The photo is cut into overlapping tiles, each tile is classified as if it were a photo of
        one product, and each cell of a grid, around the middle of a tile, gets the mean of the
        tiles that cover it, near ones counting more.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo: a path, an encoded file's bytes, a PIL image of any mode, or ``uint8``
            pixels (height, width, 3).
        tile : int or tuple of int, optional
            Height and width of a tile in pixels of the photo, or one number for both: about one
            product with what stands around it in the photos that were trained on. By default a
            fourth of the photo's shorter side, which is a guess; a good answer depends on it.
        overlap : float, default=0.5
            The share of a tile that the next one covers as well, 0 to 0.9. Cells are as far apart
            as tiles, so more overlap makes a finer map of more tiles.
        scales : iterable of float, default=(1.0,)
            Sizes of tiles as multiples of `tile`, for products of different sizes; the mean of all
            counts.
        min_confidence : float, optional
            From which confidence on a cell is accepted; the rest is unknown. By default what the
            classifier's thresholds accept, or 0.5 where it has none.

        Returns
        -------
        ShelfMap
            Probabilities, labels and confidences for every cell, and what is unknown.

        Raises
        ------
        PhotoError
            The photo cannot be read.
        InvalidParameterError
            A setting is out of range, or makes more than 20,000 tiles.

        Notes
        -----
        This is no detector, and it cannot count. A tile shows parts of two products, or a price
        rail, or nothing; a classifier that was only ever shown products names one all the same,
        now and then with confidence. So *unknown* is a hint at a gap and no proof, and a gap can be
        given a product's name; a class of photos of empty shelf can help. Products of
        other sizes than the tile are missed, and borders between products are as coarse as the
        cells. For counts use a detector and `predict_regions`.

        Examples
        --------
        >>> import shelfvision as shv
        >>> shelf = shv.samples.render_shelf(2, 4, image_size=(200, 300))
        >>> model = shv.build_model(5)
        >>> classifier = shv.Classifier.from_model(model, class_names=shelf.class_names)
        >>> classifier.scan(shelf.photo, tile=100).labels.shape
        (3, 5)
        """
        return _shelves.scan(
            self._served,
            photo,
            tile=tile,
            overlap=overlap,
            scales=scales,
            min_confidence=min_confidence,
        )

    def with_validation(self, dataset: Dataset | ValidationScores | None) -> Self:
        """Return the same classifier with the scores of other validation photos.

        `Trainer` does this with its validation part. The scores are saved with the classifier: a
        row of probabilities, a label and a group's number for each photo, of at most 10,000 photos.

        Parameters
        ----------
        dataset : Dataset, ValidationScores or None
            Photos that the network was not trained on, of the same classes. Its groups tell which
            photos were taken together. Or scores that there are already, such as those that
            networks of the same kind gave in cross-validation. None keeps no scores.

        Returns
        -------
        Classifier
            A classifier with these scores, and with the calibration and thresholds of this one.

        Raises
        ------
        InvalidParameterError
            `dataset` is no dataset, and no scores either.
        DataError
            The dataset has no photos, or other classes.
        PhotoError
            A photo cannot be read.
        """
        return type(self)(_calibrating.with_validation(self._served, dataset))

    def with_calibration(
        self, method: CalibrationMethod | None = "temperature", *, dataset: Dataset | None = None
    ) -> Self:
        """Return the same classifier with probabilities that mean what they say.

        Of photos that a calibrated classifier is 0.9 sure of, nine in ten are right, as far as
        photos are like those it was calibrated on.

        Parameters
        ----------
        method : {"temperature", "sigmoid", "isotonic"} or None, default="temperature"
            How; `Calibration.fit` tells them apart. None goes back to what the network says.
        dataset : Dataset, optional
            Photos that the network was not trained on. By default the validation scores that it
            keeps serve; they also chose the best epoch, which flatters a little.

        Returns
        -------
        Classifier
            A calibrated classifier without thresholds; choose them after calibrating.

        Raises
        ------
        DataError
            There are no photos to learn from, or they are of other classes.
        InvalidParameterError
            `method` is no such thing.

        Warns
        -----
        ShelfVisionWarning
            This classifier has thresholds, which are dropped.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> classifier.with_calibration(dataset=photos).calibration.method
        'temperature'
        """
        return type(self)(_calibrating.with_calibration(self._served, method, dataset))

    def with_threshold(
        self,
        precision: float | None = None,
        *,
        dataset: Dataset | None = None,
        confidence_level: float | None = 0.95,
        per_class: bool = False,
        mistake_cost: float | None = None,
        review_cost: float | None = None,
    ) -> Self:
        """Return the same classifier, which sends to review what it is not sure enough of.

        Parameters
        ----------
        precision : float, optional
            The share of accepted photos that shall be right, such as 0.98; this or both costs.
            Neither takes the thresholds away.
        dataset : Dataset, optional
            Photos that the network was not trained on, best also not the ones that chose its best
            epoch or its calibration. By default the validation scores that it keeps serve. Photos
            of one group (a burst, a shelf, a day) count once: see `Thresholds.for_precision`.
        confidence_level : float or None, default=0.95
            How probable it shall be that the precision is reached; None asks for it on average
            only, which takes fewer photos and promises less.
        per_class : bool, default=False
            Whether every predicted class gets a threshold of its own.
        mistake_cost : float, optional
            What an accepted mistake costs, in any currency.
        review_cost : float, optional
            What it costs to have a person look at a photo, in the same.

        Returns
        -------
        Classifier
            A classifier whose predictions have the decisions ``"accept"`` and ``"review"``.

        Raises
        ------
        DataError
            There are no photos to learn from, or they are of other classes.
        InvalidParameterError
            A number is out of range, or `precision` and the costs do not go together.

        Warns
        -----
        ShelfVisionWarning
            The photos do not support the precision: everything, or everything predicted as some
            class, goes to review. The warning says how many photos would do.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> cheap = classifier.with_threshold(dataset=photos, mistake_cost=1.0, review_cost=0.9)
        >>> cheap.predict(photos).decisions[0] in ("accept", "review")
        True
        """
        return type(self)(
            _calibrating.with_threshold(
                self._served,
                precision,
                dataset=dataset,
                confidence_level=confidence_level,
                per_class=per_class,
                mistake_cost=mistake_cost,
                review_cost=review_cost,
            )
        )

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
        served = self._served
        scores = served.decision_rule.validation_scores
        return save_bundle(bundle_manifest_of(served), served.network.weights, path, scores)

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
            exported_source(self._served, self.save(io.BytesIO())),
            path,
            format=format,
            quantize=quantize,
            photos=photos,
            tolerance=tolerance,
        )

    def __reduce__(self) -> tuple[Callable[[bytes], Classifier], tuple[bytes]]:
        """Pickle as the bytes of its bundle, for other processes; unpickling loads these."""
        if self._served.spec is None:
            raise TypeError(
                f"a classifier of an architecture of your own ({self._served.architecture!r}) "
                "cannot be pickled, because only your code can build its model; save it, and load "
                "it with builder= where it is needed"
            )
        file = io.BytesIO()
        self.save(file)
        return _from_bytes, (file.getvalue(),)

    def __copy__(self) -> Self:
        """Return itself, for it never changes."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return itself, for it never changes."""
        return self

    def __repr__(self) -> str:
        """Return a line that tells the classes and the image size."""
        height, width = self.image_size
        rule = ", calibrated" if self.calibration else ""
        rule += ", with thresholds" if self.thresholds else ""
        kind = self._served.architecture
        return f"<Classifier: {kind}, {len(self.class_names)} classes, {height} x {width}{rule}>"


def _from_bytes(data: bytes) -> Classifier:
    return Classifier.load(io.BytesIO(data))
