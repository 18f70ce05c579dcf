"""Read the boxes that people annotate, or that detectors find, in shelf photos.

`Boxes` are annotations or detections in one photo, read from COCO JSON, PASCAL VOC XML or YOLO
text. `read_boxes` reads those of many photos. `Dataset.from_boxes` turns annotated photos into
labelled crops, and `Classifier.predict_regions` classifies the boxes of a photo.

>>> from shelfvision.boxes import Boxes
>>> Boxes([[10, 20, 60, 90], [70, 20, 118, 92]], labels=["juice", "milk"])
<Boxes: 2 boxes>
"""

from shelfvision.boxes.annotated import read_boxes
from shelfvision.boxes.box_list import Boxes

__all__ = ["Boxes", "read_boxes"]
