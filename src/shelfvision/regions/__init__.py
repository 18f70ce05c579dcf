"""Classify the products in a shelf photo, by boxes or by tiles.

`Classifier.predict_regions` crops each box of a photo and returns `Regions`, one prediction per
box. `Classifier.scan` needs no boxes: it covers the photo with tiles and returns a `ShelfMap`.

>>> import shelfvision as shv
>>> boxes = shv.Boxes([[10, 20, 60, 90], [70, 20, 118, 92]])
>>> regions = classifier.predict_regions("shelf.jpg", boxes)  # doctest: +SKIP
"""

from shelfvision.regions._regions import Region, Regions
from shelfvision.regions._shelf_map import ShelfMap
from shelfvision.regions.predicting import BoxDetector

__all__ = ["BoxDetector", "Region", "Regions", "ShelfMap"]
