"""Train a classifier on the boxes of annotated shelf photos, and name the products of new shelves.

Rendered shelves are written as JPEG files with one COCO file, as an annotation tool exports them.
`Dataset.from_boxes` cuts the training crops. The classifier then names every product of shelves
that it has not seen, through `predict_regions`. The interval is a 95 % confidence interval by
bootstrap of whole shelves.

    python benchmarks/annotated_shelves.py [--shelves 40] [--epochs 20] [--architecture shelf_cnn]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import shelfvision as shv

NEW = 16
"""The number of shelves that are named."""


def write_coco(folder: Path, seeds: range) -> Path:
    """Render shelves and write their photos and annotations; return the COCO file."""
    folder.mkdir()
    images: list[object] = []
    annotations: list[object] = []
    numbers = {name: number for number, name in enumerate(shv.samples.CLASS_NAMES, 1)}
    for seed in seeds:
        shelf = shv.samples.render_shelf(seed=seed)
        Image.fromarray(shelf.photo).save(folder / f"shelf_{seed}.jpg", quality=92)
        height, width = shelf.photo.shape[:2]
        images.append(
            {"id": seed, "file_name": f"shelf_{seed}.jpg", "height": height, "width": width}
        )
        for label, (left, top, right, bottom) in zip(shelf.labels, shelf.boxes, strict=True):
            box = [float(side) for side in (left, top, right - left, bottom - top)]
            annotations.append({"image_id": seed, "category_id": numbers[label], "bbox": box})
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    content = {"images": images, "categories": categories, "annotations": annotations}
    path = folder / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def right_in(classifier: shv.Classifier, file: Path) -> list[np.ndarray]:
    """Return, for each photo of a file, whether each product is named rightly."""
    return [
        classifier.predict_regions(file.parent / name, boxes).labels == np.array(boxes.labels)
        for name, boxes in shv.read_boxes(file).items()
    ]


def interval(shelves: list[np.ndarray]) -> tuple[float, float]:
    """Return a 95 % confidence interval by bootstrap of whole shelves."""
    right = np.array([shelf.sum() for shelf in shelves])
    total = np.array([len(shelf) for shelf in shelves])
    chosen = np.random.default_rng(0).integers(len(shelves), size=(10_000, len(shelves)))
    low, high = np.quantile(right[chosen].sum(axis=1) / total[chosen].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Train, name and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shelves", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--architecture", default="shelf_cnn")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--context", type=float, default=0.1)
    settings = parser.parse_args()
    size = (settings.size, settings.size)
    with tempfile.TemporaryDirectory() as folder:
        train = write_coco(Path(folder, "train"), range(settings.shelves))
        new = write_coco(Path(folder, "new"), range(1000, 1000 + NEW))
        crops = shv.Dataset.from_boxes(
            train, context=settings.context, shape="image", image_size=size
        )
        splitter = shv.SeededSplitter(train=0.8, validation=0.2, test=0, seed=42)
        splits = splitter.split(crops)
        model = shv.build_model(
            len(crops.class_names),
            architecture=settings.architecture,
            image_size=size,
            seed=42,
        )
        trainer = shv.Trainer(
            epochs=settings.epochs,
            learning_rate=0.002,
            schedule=shv.training.CosineSchedule(),
            patience=settings.epochs,
            seed=42,
            verbose=2,
        )
        start = time.perf_counter()
        classifier = trainer.fit(model, splits.train, splits.validation).classifier
        taken = time.perf_counter() - start
        shelves = right_in(classifier, new)
    right, total = int(sum(map(sum, shelves))), sum(map(len, shelves))
    low, high = interval(shelves)
    print(f"{len(crops)} boxes of {settings.shelves} shelves, {len(crops.class_names)} classes")
    print(f"{settings.architecture}, {size[0]} x {size[1]}, trained for {taken:.0f} s")
    print(f"named rightly on {NEW} new shelves: {right} of {total} = {right / total:.3f}")
    print(f"95 % confidence interval: {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    main()
