"""Detections and annotations of made-up shelves, for comparisons with other packages.

The figures in ``tests/evaluation/test_regions_report.py`` come from this file:

    python -m venv /tmp/reference && /tmp/reference/bin/pip install supervision pycocotools
    /tmp/reference/bin/python tests/support/shelf_boxes.py

It imports neither shelfvision nor pytest, so that it runs beside the other packages alone.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

import numpy as np

NAMES = ("Can", "Jar", "Milk")
Shelf = dict[str, Any]


def shelves(n: int = 6, *, crowded: bool, seed: int = 5) -> list[Shelf]:
    """Return shelves with annotated and detected boxes.

    Crowded shelves have several detections for one product and products that overlap, so that the
    order of matching matters. On others each detection overlaps one product.
    """
    rng = np.random.default_rng(seed)
    return [_shelf(rng, crowded=crowded) for _ in range(n)]


def _shelf(rng: np.random.Generator, *, crowded: bool) -> Shelf:
    step = 26 if crowded else 60
    left = np.arange(12) * step + rng.uniform(0, 4, 12)
    true = np.stack([left, np.full(12, 10), left + 50, np.full(12, 110)], axis=1).astype(float)
    classes = rng.integers(0, 3, 12)
    copies = 2 if crowded else 1
    boxes = np.repeat(true, copies, axis=0) + rng.uniform(-14, 14, (12 * copies, 4))
    labels = np.where(
        rng.random(12 * copies) < 0.8, classes.repeat(copies), rng.integers(0, 3, 12 * copies)
    )
    kept = rng.random(12 * copies) < 0.85
    scores = rng.permutation(np.linspace(0.2, 0.95, 12 * copies))
    return {
        "true": true,
        "true_classes": classes,
        "boxes": boxes[kept],
        "classes": labels[kept],
        "scores": scores[kept],
    }


def coco_figures(found: list[Shelf], iou: float) -> dict[str, int]:
    """Return the matched pairs of pycocotools without regard to classes."""
    coco, evaluation = (
        importlib.import_module(f"pycocotools.{name}") for name in ("coco", "cocoeval")
    )
    truth = coco.COCO()
    truth.dataset = {
        "images": [{"id": photo} for photo in range(len(found))],
        "categories": [{"id": 1, "name": "product"}],
        "annotations": [
            {"id": 100 * photo + row + 1, "image_id": photo, "category_id": 1, "iscrowd": 0}
            | _bbox(box)
            for photo, one in enumerate(found)
            for row, box in enumerate(one["true"])
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = truth.loadRes(
            [
                {"image_id": photo, "category_id": 1, "score": float(score)} | _bbox(box)
                for photo, one in enumerate(found)
                for box, score in zip(one["boxes"], one["scores"], strict=True)
            ]
        )
        judged = evaluation.COCOeval(truth, results, "bbox")
        judged.params.iouThrs = np.array([iou])
        judged.evaluate()
    whole = [one for one in judged.evalImgs if one and one["aRng"] == judged.params.areaRng[0]]
    pairs = [
        (int(one["image_id"]), int(detection), int(annotation) - 1 - 100 * int(one["image_id"]))
        for one in whole
        for detection, annotation in zip(one["dtIds"], one["dtMatches"][0], strict=True)
        if annotation
    ]
    first = np.cumsum([0, *(len(one["boxes"]) for one in found)])
    return {
        "matched": len(pairs),
        # A checksum of which detection takes which annotation.
        "digest": sum(
            (1 + photo) * (1 + detection - 1 - int(first[photo])) * (1 + annotation)
            for photo, detection, annotation in pairs
        ),
    }


def _bbox(box: Any) -> dict[str, Any]:
    left, top, right, bottom = (float(edge) for edge in box)
    size = [right - left, bottom - top]
    return {"bbox": [left, top, *size], "area": size[0] * size[1]}


def supervision_figures(found: list[Shelf], iou: float) -> list[list[int]]:
    """Return the confusion matrix of supervision; its last row and column are the background."""
    supervision = importlib.import_module("supervision")

    def detections(one: Shelf, *, true: bool) -> Any:
        return supervision.Detections(
            xyxy=one["true" if true else "boxes"],
            class_id=one["true_classes" if true else "classes"],
            confidence=None if true else one["scores"],
        )

    matrix = supervision.ConfusionMatrix.from_detections(
        predictions=[detections(one, true=False) for one in found],
        targets=[detections(one, true=True) for one in found],
        classes=list(NAMES),
        conf_threshold=0.0,
        iou_threshold=iou,
    )
    counts: list[list[int]] = matrix.matrix.astype(int).tolist()
    return counts


if __name__ == "__main__":
    from importlib.metadata import version

    print({name: version(name) for name in ("supervision", "pycocotools", "numpy")})
    for crowded in (False, True):
        made = shelves(crowded=crowded)
        sizes = {"true": sum(len(s["true"]) for s in made), "n": sum(len(s["boxes"]) for s in made)}
        coco = {iou: coco_figures(made, iou) for iou in (0.5, 0.75)}
        print(json.dumps({"crowded": crowded, **sizes, "coco": coco}))
    print(supervision_figures(shelves(crowded=False), 0.5))
