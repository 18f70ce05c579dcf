"""Draws the pictures of the augmenting pages: ``python docs/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

import shelfvision as sv
from shelfvision import augment
from shelfvision.augment._recipes import OPERATIONS
from shelfvision.protocols import Augmenter, Images

HOME = Path(__file__).parent / "_static"
SIDE, GAP, TITLE = 96, 4, 20
COPIES, COLUMNS = 3, 4
BLENDS = ("Compose", "OneOf", "Maybe", "AlwaysChange")


def photos() -> Images:
    """Return a few rendered products."""
    names = ("Can", "Carton", "Jar", "Bottle", "Box")
    return sv.samples.render_products(
        dict.fromkeys(names, 1), image_size=(SIDE, SIDE), seed=4
    ).to_arrays()[0]


def shown() -> dict[str, Augmenter]:
    """Return what the sheet shows: every operation as it comes, and the default augmenter."""
    operations: dict[str, Augmenter] = {
        name: kind() for name, kind in OPERATIONS.items() if name not in BLENDS
    }
    return {**operations, "default_augmenter()": augment.default_augmenter()}


def sheet() -> Pictures.Image:
    """Return a cell for every operation: a photo and what became of it, three times."""
    # The draws of this seed lie far apart, so that the copies show how far an operation goes.
    seed = 1751
    cells, originals = shown(), photos()
    width, height = (COPIES + 1) * (SIDE + GAP) + 2 * GAP, SIDE + TITLE + GAP
    rows = -(-len(cells) // COLUMNS)
    picture = Pictures.new("RGB", (COLUMNS * width, rows * height), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    for number, (name, augmenter) in enumerate(cells.items()):
        row, column = divmod(number, COLUMNS)
        left, top = column * width, row * height
        pen.text((left + 2, top + 2), name, fill="black", font=font)
        original = originals[number % len(originals)]
        copies = augment.preview_array(augmenter, original, n=COPIES, seed=seed)[0]
        for place, image in enumerate([original, *copies]):
            at = (left + place * (SIDE + GAP), top + TITLE)
            picture.paste(Pictures.fromarray(np.asarray(image)), at)
    return picture


def main() -> None:
    """Write all pictures."""
    sheet().save(HOME / "operations.webp", quality=82, method=6)
    several = photos()[:3]
    axes = augment.preview(augment.default_augmenter(), several, n=6)
    axes.flat[0].figure.savefig(HOME / "preview.webp", dpi=70)
    steps = augment.Compose(
        [augment.Rotate(8), augment.Perspective(0.3), augment.Glare(), augment.PriceTag()]
    )
    axes = augment.preview(steps, several, stages=True)
    axes.flat[0].figure.savefig(HOME / "stages.webp", dpi=70)


if __name__ == "__main__":
    main()
