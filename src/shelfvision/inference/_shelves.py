"""`ShelfClassifier`: what a classifier of single products says of a photo of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from shelfvision._photos.preprocessing import CropShape
from shelfvision._validation import as_number
from shelfvision.data.reading import Photo
from shelfvision.inference._calibrating import CalibratingClassifier
from shelfvision.predictions import ClassPrior
from shelfvision.regions import Boxes, Regions, ShelfMap
from shelfvision.regions.predicting import HasCorners, regions_of, with_crop_rule
from shelfvision.regions.tiles import Tile, Tiling, map_of

_SURE = 0.5


class ShelfClassifier(CalibratingClassifier):
    """What a `Classifier` does with photos of whole shelves."""

    __slots__ = ()

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
        rule = with_crop_rule(self.preprocessing, context=context, shape=shape)
        return regions_of(
            photo,
            boxes,
            rule,
            lambda crops: self.predict(crops, class_prior=class_prior),
            as_stored=as_stored,
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
        least = None
        if min_confidence is not None:
            least = as_number("min_confidence", min_confidence, minimum=0, maximum=1)
        return map_of(
            photo,
            Tiling.of(tile, overlap, scales),
            preprocessing=self.preprocessing,
            predict=self.predict,
            decide=lambda scores: self._sure(scores, least),
        )

    def _sure(self, scores: npt.NDArray[np.float32], least: float | None) -> npt.NDArray[np.bool_]:
        if least is None and self.thresholds is not None:
            return np.asarray(self.thresholds.decide(scores) == "accept")
        return np.asarray(scores.max(axis=1) >= (_SURE if least is None else least))
