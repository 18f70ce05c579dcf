"""`Classifier`: a trained network with everything that is needed to predict with it.

A classifier is an immutable value around one `ServedModel`: the frozen weights, the class names,
the preprocessing and the decision rule. The methods here document and delegate; the other modules
of this package implement them. The ``with_...`` methods return another classifier.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, SupportsFloat, final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision._product_codes import ProductCodes, codes_for
from shelfvision._storage.sealed import Target, as_place
from shelfvision.boxes import Boxes
from shelfvision.data import Dataset
from shelfvision.data.reading import Photos
from shelfvision.export import ExportFormat, ExportReport, Quantize
from shelfvision.export.exporting import export_classifier
from shelfvision.inference import _predicting, _shelves
from shelfvision.inference._bundle import Builder, load_bundle, save_bundle
from shelfvision.inference._describing import bundle_manifest_of, exported_source
from shelfvision.inference._making import served_from_bundle, served_from_model, served_with_crop
from shelfvision.inference.fitting import _calibrating, _profiling
from shelfvision.inference.served import ServedModel, measured_photos
from shelfvision.predictions import (
    Calibration,
    CalibrationMethod,
    ClassPrior,
    MeasuredPhotos,
    Prediction,
    Predictions,
    Profile,
    Thresholds,
    ValidationScores,
)
from shelfvision.protocols import ClassNames, Location, OnError, Resize, StorageOptions
from shelfvision.regions import Regions, ShelfMap
from shelfvision.regions.predicting import BoxDetector, HasCorners
from shelfvision.regions.tiles import Tile

if TYPE_CHECKING:
    from typing import Self

    import keras


@final
class Classifier:
    """A trained network with its class names, preprocessing, calibration and thresholds.

    A classifier is immutable and thread-safe. It copies the weights of the network, so further
    training of the model does not change it. It is not fork-safe: load it in the process that uses
    it, or pickle it, which sends its bundle to the other process. Create a classifier with
    `from_model` or `load`, or take ``result.classifier`` after training.
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
        """Create a classifier from a trained model.

        Parameters
        ----------
        model : keras.Model
            A model with one input of shape (None, height, width, 3) for pixels from 0 to 255, and
            one output of shape (None, k) with probabilities. Its weights are copied.
        class_names : iterable of str, length k
            The class names in the order of the outputs.
        resize : {"stretch", "pad", "crop"}, optional
            How photos are resized to the model's image size. Use the rule of the dataset that the
            model was trained on. By default ``"stretch"``.
        preprocessing : Preprocessing, optional
            The resize rule together with the crop rule and the test-time crop. It replaces
            `resize`. Its `image_size` must be that of the model.
        provenance : mapping, optional
            The origin of the classifier as plain JSON values. `save` writes it into the bundle.

        Returns
        -------
        Classifier
            The classifier.

        Raises
        ------
        ModelError
            The model has another input or output, or the number of names differs from the number of
            outputs.
        InvalidParameterError
            `preprocessing` has another image size, or both `preprocessing` and `resize` are given.

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
        storage_options: StorageOptions | None = None,
    ) -> Self:
        """Load a classifier from a bundle, without running code from the file.

        Parameters
        ----------
        path : path-like, URL or binary file
            A file that `save` wrote.
        expected_sha256 : str, optional
            The SHA-256 that the file must have, 64 hexadecimal digits. The digests inside a bundle
            detect corruption; only this argument verifies that it is the file that you trust.
        builder : callable, optional
            A function that takes a `shelfvision.models.ModelSpec` and returns the model that was
            saved. It is needed for custom architectures that are not registered.
        storage_options : mapping, optional
            Options of the fsspec file system, for a URL such as ``"s3://models/shelf.shelf"``. URLs
            of servers, such as HTTP or SFTP, need them, at least ``{}``.

        Returns
        -------
        Classifier
            The classifier, which predicts the same probabilities as the saved one.

        Raises
        ------
        BundleNotFoundError
            The file does not exist.
        BundleError
            The file is not a bundle, is corrupted, was written by a newer version, or needs
            ``builder``.
        InvalidParameterError
            ``path`` is neither a path nor a binary file, or another argument has the wrong type.

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
        place = as_place(path, storage_options=storage_options)
        found = load_bundle(place, expected_sha256=expected_sha256, builder=builder)
        return cls(served_from_bundle(found))

    @property
    def served(self) -> ServedModel:
        """The network and all settings in one value, for packages that extend shelfvision."""
        return self._served

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in the order of the probability columns."""
        return self._served.class_names

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos and crops of boxes are converted to the pixels of the model input."""
        return self._served.preprocessing

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the model input in pixels."""
        return self._served.preprocessing.image_size

    @property
    def resize(self) -> Resize:
        """How photos of another shape are resized to `image_size`."""
        return self._served.preprocessing.resize

    @property
    def provenance(self) -> Mapping[str, object]:
        """The origin of the classifier as plain JSON values, read-only."""
        return self._served.provenance

    @property
    def calibration(self) -> Calibration | None:
        """The calibration of the probabilities; None for uncalibrated probabilities."""
        return self._served.decision_rule.calibration

    @property
    def thresholds(self) -> Thresholds | None:
        """The lowest confidence of accepted predictions; None makes no decisions."""
        return self._served.decision_rule.thresholds

    @property
    def validation_scores(self) -> ValidationScores | None:
        """The uncalibrated probabilities for validation photos; None if none are kept."""
        return self._served.decision_rule.validation_scores

    @property
    def profile(self) -> Profile | None:
        """How the validation photos and their predictions look, for `drift`; None without one."""
        return self._served.decision_rule.profile

    @property
    def product_codes(self) -> ProductCodes | None:
        """The product code of each class; None without codes."""
        return self._served.product_codes

    @property
    def measured(self) -> MeasuredPhotos | None:
        """The calibrated predictions for the validation photos; None if none are kept."""
        return measured_photos(self._served)

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
            iterable of single photos, which is read batch by batch. Pixels of another size are
            resized like photos.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises an error, or becomes a row with its error
            while prediction continues.
        class_prior : mapping of str to float, "estimate" or None, default=None
            The class prior of these photos, if it differs from that of the training set: a share
            or count for each class name. ``"estimate"`` estimates it from these photos, of which
            there should be at least 100. The probabilities are corrected for the label shift, which
            works best if they are calibrated. `Predictions.class_prior` is the prior that was
            applied.
        quality : bool, default=False
            Whether brightness, contrast, sharpness and warmth of each photo are measured, for
            `drift`. It takes about as long as decoding the photo. `Predictions.quality` has them.
        storage_options : mapping, optional
            Options of the fsspec file system for photos by URL, at least ``{}``. Without them, a
            URL as text is not fetched; a ``UPath`` brings its own options.

        Returns
        -------
        Predictions
            One row per photo, in order. The ids are the given paths, the ids of a dataset, or
            ``"0"``, ``"1"``, … for pixels and bytes. Probabilities are calibrated if the
            classifier is. The decision is ``"review"`` for predictions that the thresholds do not
            accept, and None without thresholds.

        Raises
        ------
        PhotoError
            A photo cannot be read and ``on_error`` is ``"raise"``.
        InvalidParameterError
            An element is not a photo, such as a folder or an array that is not ``uint8`` RGB.
        ModelError
            The outputs of the model are not probabilities, this process was forked from the one
            that created the classifier, or ``class_prior`` is given and the class prior of the
            training set is unknown.

        References
        ----------
        M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a
        priori probabilities: a simple procedure", Neural Computation 14 (2002) 21-41
        (``class_prior``).
        """
        return _predicting.predict_photos(
            self._served,
            photos,
            on_error=on_error,
            class_prior=class_prior,
            storage_options=storage_options,
            quality=quality,
        )

    def predict_stream(
        self,
        photos: Photos,
        *,
        on_error: OnError = "raise",
        batch_size: int | None = None,
        storage_options: StorageOptions | None = None,
    ) -> Iterator[Prediction]:
        """Predict the class of each photo of a stream, one after the other.

        The memory use is that of one batch, for any number of photos. Photos are read at most one
        batch ahead. `predict` returns all predictions together, as columns.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`; a generator can be endless.
        on_error : {"raise", "skip"}, default="raise"
            Whether a photo that cannot be read raises an error, or yields a prediction with its
            error.
        batch_size : int, optional
            The number of photos that are read before the first prediction. By default the
            batch size with the best throughput, at most 32. A batch size of 1 has the lowest
            latency, for example for a camera at a checkout.
        storage_options : mapping, optional
            As in `predict`.

        Yields
        ------
        Prediction
            The prediction of `predict` for each photo, in order. Probabilities can differ in the
            last bits from those of a batch of another size.

        Raises
        ------
        PhotoError
            A photo cannot be read and ``on_error`` is ``"raise"``. The predictions of earlier
            batches were yielded before.
        InvalidParameterError
            An element is not a photo, or ``batch_size`` is not an integer of at least 1.
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
            self._served,
            photos,
            on_error=on_error,
            batch_size=batch_size,
            storage_options=storage_options,
        )

    def predict_proba(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the probability of each class for each photo.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            One row per photo with the sum 1, calibrated if the classifier is.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        return _predicting.predict_proba(self._served, photos)

    def embed(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the embedding of each photo: the input of the network's last dense layer.

        Parameters
        ----------
        photos : path, bytes, ndarray, Dataset, or iterable of these
            As in `predict`.

        Returns
        -------
        ndarray of float32, shape (n, d)
            One row per photo. Similar products have similar embeddings.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        ModelError
            The model is not functional or sequential, or has no dense layer at its top level.
        """
        return _predicting.embed(self._served, photos)

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

        The photo is decoded once, upright and at its original size. The crop of a box contains all
        pixels that the box touches. Crops are resized to the image size of the classifier like
        single photos.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo: a path, the bytes of an encoded file, a PIL image of any mode, or ``uint8``
            pixels of shape (height, width, 3).
        boxes : array_like, Boxes, supervision.Detections or Detector
            The boxes of products, from any detector: left, top, right and bottom in pixels of the
            upright photo, shape (n, 4). `Boxes.from_coco`, `Boxes.from_voc` and `Boxes.from_yolo`
            read files. A box can extend beyond the photo, but must not be completely outside. An
            object with a method ``detect``, such as `shelfvision.export.Detector`, gets the pixels
            of the upright photo and returns the boxes.
        context : float, optional
            The context margin: the share of a box's width and height that the crop adds on each
            side. Choose it so that crops look like the training photos. By default the margin of
            `preprocessing`.
        shape : {"box", "image"}, optional
            The shape of crops: ``"box"`` crops the box, and ``"image"`` enlarges the crop to the
            aspect ratio of `image_size`, so that ``resize="stretch"`` does not distort it. By
            default the shape of `preprocessing`.
        as_stored : bool, optional
            Whether the boxes refer to the pixels as stored in the file, from a detector that
            ignores the EXIF orientation. By default they refer to the upright photo. Label Studio
            writes the size of the stored photo together with boxes of the upright photo. For boxes
            with the size of the stored photo, the orientation that contains all boxes is used. If
            both orientations or neither of them does, this argument is required.
        min_confidence : float, optional
            The lowest confidence of an accepted box, 0 to 1. Boxes below it are rejected, because
            they may show a price tag or a product that the classifier does not know. By default the
            thresholds of the classifier decide; without thresholds no box is rejected.
        class_prior : mapping of str to float, "estimate" or None, default=None
            As in `predict`.

        Returns
        -------
        Regions
            Labels, confidences and decisions in the order of the boxes.

        Raises
        ------
        InvalidParameterError
            A box is not finite, is empty, has swapped corners or is outside the photo, or the boxes
            belong to a photo of another size.
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
            min_confidence=min_confidence,
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
        """Predict a map of the products in a photo of a shelf, without a detector.

        The photo is divided into overlapping tiles, and each tile is classified like a photo of
        one product. The map is a grid of cells around the centers of tiles. The probabilities of a
        cell are the mean over the tiles that cover its center, weighted by their distance.

        Parameters
        ----------
        photo : path, bytes, PIL image or ndarray
            One photo: a path, the bytes of an encoded file, a PIL image of any mode, or ``uint8``
            pixels of shape (height, width, 3).
        tile : int or tuple of int, optional
            Height and width of a tile in pixels of the photo, or one number for both. A tile should
            contain one product with about the surroundings that the training photos show. By
            default a quarter of the photo's shorter side, which is only a guess; the quality of the
            map depends on this size.
        overlap : float, default=0.5
            The share of a tile that the next tile covers too, 0 to 0.9. Cells have the spacing of
            tiles: more overlap gives a finer map and more tiles to classify.
        scales : iterable of float, default=(1.0,)
            The tile sizes as multiples of ``tile``, for products of different sizes. The result is
            the mean over all scales.
        min_confidence : float, optional
            The lowest confidence of an accepted cell; the other cells are unknown. By default the
            thresholds of the classifier decide, or 0.5 if it has none.

        Returns
        -------
        ShelfMap
            Probabilities, labels and confidences of all cells, and which cells are unknown.

        Raises
        ------
        PhotoError
            The photo cannot be read.
        InvalidParameterError
            A parameter is out of range, or there are more than 20,000 tiles.

        Notes
        -----
        This method is not a detector and cannot count. A tile can show parts of two products, a
        price rail, or nothing. A classifier that was trained on products only still predicts a
        product there, sometimes with high confidence. Therefore an unknown cell is a hint at a gap
        and not a proof, and a gap can get the name of a product. A class with photos of empty
        shelves can help. Products whose size differs from the tile are missed, and the borders
        between products are as coarse as the cells. To count, use a detector and
        `predict_regions`.

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

    def with_product_codes(self, codes: Mapping[str, str] | None) -> Self:
        """Return a classifier whose classes have product codes: GTINs or SKUs.

        `save` writes the codes into the bundle, and `take_inventory` into the inventory, which
        joins them with the codes of a stock list.

        Parameters
        ----------
        codes : ProductCodes, mapping of str to str, or None
            The code of each class, by class name; some classes may have none. A plain mapping
            contains GTINs. None removes the codes.

        Returns
        -------
        Classifier
            A classifier with these codes.

        Raises
        ------
        InvalidParameterError
            A code is not valid, or is for a class that the classifier does not have.

        Examples
        --------
        >>> import shelfvision as shv
        >>> model = shv.build_model(2)
        >>> classifier = shv.Classifier.from_model(model, class_names=["Juice", "Milk"])
        >>> classifier.with_product_codes({"Milk": "4006381333931"}).product_codes["Milk"]
        '4006381333931'
        """
        return type(self)(replace(self._served, product_codes=codes_for(codes, self.class_names)))

    def with_validation(self, dataset: Dataset | ValidationScores | None) -> Self:
        """Return a classifier with the scores of other validation photos.

        `Trainer` calls this method with its validation set. `save` writes the scores into the
        bundle: probabilities, label and group number of each photo, for at most 10,000 photos.

        Parameters
        ----------
        dataset : Dataset, ValidationScores or None
            Photos that the network was not trained on, of the same classes and with groups of
            photos that were taken together. Or scores that exist already, such as those of
            cross-validation with networks of the same kind. None keeps no scores.

        Returns
        -------
        Classifier
            A classifier with these scores and an unchanged calibration and thresholds.

        Raises
        ------
        InvalidParameterError
            ``dataset`` is neither a dataset nor validation scores.
        DataError
            The dataset has no photos, or other classes.
        PhotoError
            A photo cannot be read.
        """
        return type(self)(_calibrating.with_validation(self._served, dataset))

    def with_test_time_crop(self, share: SupportsFloat) -> Self:
        """Return a classifier that looks at the center of each photo, without training again.

        Photos are read larger, and their center of the network's image size is kept. This enlarges
        products, as random zooms do in training, and cuts off the margin. Compare both classifiers
        on photos that were not used for training before you choose. To train with a crop, use
        ``Trainer(test_time_crop=...)``.

        Parameters
        ----------
        share : float
            The share of each side that is kept, 0.5 to 1; 1 keeps all.

        Returns
        -------
        Classifier
            A classifier with the crop. It has no calibration, thresholds and validation scores,
            because they belong to other pixels; call `with_validation` next.

        Raises
        ------
        InvalidParameterError
            The share is not a number from 0.5 to 1.

        References
        ----------
        H. Touvron, A. Vedaldi, M. Douze, H. Jégou, "Fixing the train-test resolution discrepancy",
        NeurIPS 2019.

        Examples
        --------
        >>> import shelfvision as shv
        >>> model = shv.build_model(2, architecture="shelf_cnn", image_size=(64, 64))
        >>> classifier = shv.Classifier.from_model(model, class_names=["juice", "milk"])
        >>> closer = classifier.with_test_time_crop(0.8)
        >>> closer.preprocessing.read_size, closer.preprocessing.image_size
        ((80, 80), (64, 64))
        """
        return type(self)(served_with_crop(self._served, share))

    def with_profile(self, source: Dataset | Predictions | Profile | None) -> Self:
        """Return a classifier with the profile of other photos, which `drift` compares with.

        `Trainer`, `with_validation` and `with_calibration` make a profile of their photos. If
        photos in operation always differ from these, a profile of the first good weeks is a better
        reference.

        Parameters
        ----------
        source : Dataset, Predictions, Profile or None
            Photos, their predictions by this classifier, or an existing profile. Photos need no
            correct labels. `Predictions` should have their quality, and every photo counts as one
            group; `Profile.from_predictions` takes other groups. None removes the profile.

        Returns
        -------
        Classifier
            A classifier with this profile.

        Raises
        ------
        DataError
            No photo could be read, or the predictions have other classes.
        InvalidParameterError
            `source` has another type.
        PhotoError
            A photo cannot be read.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> classifier.with_profile(photos).profile
        <Profile: 16 photos of 16 groups, with quality>
        """
        return type(self)(_profiling.with_profile(self._served, source))

    def with_calibration(
        self, method: CalibrationMethod | None = "temperature", *, dataset: Dataset | None = None
    ) -> Self:
        """Return a classifier with calibrated probabilities.

        Of the photos with a calibrated confidence of 0.9, 90 % are correct, if the photos resemble
        those that the calibration was fitted on.

        Parameters
        ----------
        method : {"temperature", "sigmoid", "isotonic"} or None, default="temperature"
            Temperature scaling, Platt scaling or isotonic regression; `Calibration.fit` compares
            them. None removes the calibration.
        dataset : Dataset, optional
            Photos that the network was not trained on. By default `validation_scores` are used.
            The validation photos also selected the best epoch, so that the calibration is slightly
            optimistic.

        Returns
        -------
        Classifier
            A calibrated classifier without thresholds. Choose thresholds after calibration.

        Raises
        ------
        DataError
            ``dataset`` has no photos or other classes, or it is omitted and the classifier has no
            `validation_scores`.
        InvalidParameterError
            ``method`` is unknown.

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
        """Return a classifier that abstains when its confidence is below a threshold.

        Parameters
        ----------
        precision : float, optional
            The required share of correct predictions among accepted ones, such as 0.98. Pass either
            this or both costs. Without all three, the thresholds are removed.
        dataset : Dataset, optional
            Photos that the network was not trained on, preferably not those that selected its best
            epoch or fitted its calibration. By default `validation_scores` are used. Photos of one
            group (a burst, a shelf, a day) count once; see `Thresholds.for_precision`.
        confidence_level : float or None, default=0.95
            The required probability that the precision is reached. None requires it only on
            average, which needs fewer photos and guarantees less.
        per_class : bool, default=False
            Whether each predicted class gets its own threshold.
        mistake_cost : float, optional
            The cost of one accepted mistake, in any currency.
        review_cost : float, optional
            The cost of one photo that a person checks, in the same currency.

        Returns
        -------
        Classifier
            A classifier whose predictions have the decisions ``"accept"`` and ``"review"``.

        Raises
        ------
        DataError
            ``dataset`` has no photos or other classes, or it is omitted and the classifier has no
            `validation_scores`.
        InvalidParameterError
            A number is out of range, ``precision`` is given together with costs, or only one cost
            is given.

        Warns
        -----
        ShelfVisionWarning
            The photos do not support the precision. All photos, or all photos of some predicted
            classes, go to review. The warning estimates how many photos are needed.

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

    def save(self, path: Target, *, storage_options: StorageOptions | None = None) -> str:
        """Save the classifier as a bundle: one file with the weights and all settings.

        Parameters
        ----------
        path : path-like, URL or binary file
            The file to write. An existing file is replaced atomically, or stays unchanged if
            writing fails. An open binary file is written from its current position. An object of
            S3, Google Cloud Storage or Azure is uploaded as a whole, read back and compared.
        storage_options : mapping, optional
            Options of the fsspec file system, for a URL.

        Returns
        -------
        str
            The SHA-256 of the file, for the parameter ``expected_sha256`` of `load`.

        Raises
        ------
        StorageError
            The file cannot be written. An existing file is unchanged.
        ModelError
            The weights are not finite, or have a dtype that a bundle cannot contain.
        InvalidParameterError
            ``path`` is neither a path nor a binary file, or the names and the provenance exceed the
            size limit of a bundle.
        """
        served = self._served
        scores = served.decision_rule.validation_scores
        place = as_place(path, storage_options=storage_options, writes=True)
        return save_bundle(bundle_manifest_of(served), served.network.weights, place, scores)

    def export(
        self,
        path: Location,
        *,
        format: ExportFormat = "onnx",  # noqa: A002  (the word of keras.Model.export)
        quantize: Quantize | None = None,
        photos: Photos | None = None,
        tolerance: float | None = None,
    ) -> ExportReport:
        """Export the classifier for another runtime, and verify the file.

        The exported model has the input ``image``, a batch of ``uint8`` pixels of any length, and
        the output ``probabilities``. The file also contains class names, image size, calibration
        and thresholds, which `shelfvision.export.Predictor` reads. With the backends jax and torch,
        a separate process with tensorflow exports the model. A file whose predictions differ from
        those of the classifier by more than ``tolerance`` is discarded.

        Parameters
        ----------
        path : path-like or URL
            The file to write. Its suffix must match the format: ``.onnx``, ``.tflite``, ``.xml``
            (with a ``.bin`` file next to it) or ``.keras``.
        format : {"onnx", "litert", "openvino", "keras"}, default="onnx"
            The file format.
        quantize : {"dynamic", "int8"}, optional
            For LiteRT: ``"dynamic"`` stores weights in 8 bits, less than a third of the size.
            ``"int8"`` also computes in 8 bits, with ranges that are measured on ``photos``. By
            default the model is not quantized.
        photos : path, bytes, ndarray, Dataset, or iterable of these, optional
            Photos like those in use. At most 512 of them, evenly spaced, are used. The file is
            compared with the classifier on these photos, by default on generated images.
        tolerance : float, optional
            The largest accepted difference of a probability, by default 0.001. With ``quantize``,
            the largest accepted mean of the probability that moves to other classes, by default
            0.1.

        Returns
        -------
        ExportReport
            Differences, agreement of labels, size and latency. If ``photos`` is a dataset with the
            class names of this classifier, also the accuracy before and after export.

        Raises
        ------
        ExportError
            The model cannot be exported to this format, or the file fails the verification. No
            exported file remains.
        MissingDependencyError
            A package is missing; the message contains the pip command.
        StorageError
            The file cannot be written. An existing file is unchanged.
        InvalidParameterError
            The arguments contradict each other.
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
        """Pickle the classifier as the bytes of its bundle; unpickling loads them."""
        if self._served.spec is None:
            raise TypeError(
                f"a classifier with the custom architecture {self._served.architecture!r} "
                "cannot be pickled, because only your code can build its model; save it, and load "
                "it with builder= in the other process"
            )
        file = io.BytesIO()
        self.save(file)
        return _from_bytes, (file.getvalue(),)

    def __copy__(self) -> Self:
        """Return the classifier itself, which is immutable."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return the classifier itself, which is immutable."""
        return self

    def __repr__(self) -> str:
        """Return one line with the architecture, number of classes and image size."""
        height, width = self.image_size
        rule = ", calibrated" if self.calibration else ""
        rule += ", with thresholds" if self.thresholds else ""
        kind = self._served.architecture
        return f"<Classifier: {kind}, {len(self.class_names)} classes, {height} x {width}{rule}>"


def _from_bytes(data: bytes) -> Classifier:
    return Classifier.load(io.BytesIO(data))
