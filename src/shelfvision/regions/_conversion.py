"""Convert `Regions` to COCO and to `supervision.Detections`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shelfvision._validation import import_package
from shelfvision.boxes.box_list import Boxes
from shelfvision.predictions import Predictions


def as_coco(predictions: Predictions, boxes: Boxes, file_name: str) -> dict[str, object]:
    """Return a COCO dataset with one photo, as plain values."""
    numbers = {name: number for number, name in enumerate(predictions.class_names, 1)}
    size = boxes.image_size
    image: dict[str, object] = {"id": 1, "file_name": file_name}
    image |= {} if size is None else {"width": size[1], "height": size[0]}
    annotations = []
    for row, (one, (left, top, right, bottom)) in enumerate(zip(predictions, boxes, strict=True)):
        width, height = right - left, bottom - top
        annotations.append(
            {
                "id": row + 1,
                "image_id": 1,
                "category_id": numbers[str(one.label)],
                "bbox": [left, top, width, height],
                "area": width * height,
                "iscrowd": 0,
                "segmentation": [],
                "score": one.confidence,
                "decision": one.decision,
            }
        )
    return {
        "images": [image],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": annotations,
    }


def joined_coco(datasets: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """Return one COCO dataset of several, with ids that count through all of them."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for dataset in datasets:
        name_of = {one["id"]: one["name"] for one in dataset["categories"]}
        for name in name_of.values():
            numbers.setdefault(name, len(numbers) + 1)
        image_id = {one["id"]: len(images) + n for n, one in enumerate(dataset["images"], 1)}
        images += [{**one, "id": image_id[one["id"]]} for one in dataset["images"]]
        annotations += [
            {
                **one,
                "id": len(annotations) + n,
                "image_id": image_id[one["image_id"]],
                "category_id": numbers[name_of[one["category_id"]]],
            }
            for n, one in enumerate(dataset["annotations"], 1)
        ]
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def as_detections(predictions: Predictions, boxes: Boxes) -> object:
    """Return predictions and boxes as `supervision.Detections`."""
    supervision = import_package("supervision", purpose="to_supervision", pip="supervision")
    names = np.array(predictions.class_names, dtype=object)
    class_id = predictions.probabilities.argmax(axis=1).astype(int)
    return supervision.Detections(
        xyxy=boxes.corners.astype(np.float32),
        class_id=class_id,
        confidence=np.array(predictions.confidences),
        data={
            "class_name": names[class_id].astype(str),
            "decision": np.array([one or "" for one in predictions.decisions], dtype=str),
        },
    )
