"""Draws the pictures of the augmenting pages: ``python docs/pictures.py``."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

import shelfvision as shv
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
    return shv.samples.render_products(
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


def heat_maps() -> npt.NDArray[np.object_]:
    """Draw photos beside what a classifier of a few minutes saw in them; return the axes."""
    known = shv.samples.render_products({"Can": 70, "Jar": 70, "Pouch": 70}, seed=3)
    fresh = shv.samples.render_products({"Can": 12, "Jar": 12, "Pouch": 12}, seed=4)
    trainer = shv.Trainer(epochs=40, batch_size=16, learning_rate=0.002, seed=3)
    classifier = trainer.fit(shv.build_model(3, seed=3), known, fresh).classifier
    right = np.setdiff1d(np.arange(len(fresh)), shv.evaluate(classifier, fresh).mistakes())
    seen = right[shv.explain(classifier, fresh[right]).heat_maps.max(axis=(1, 2)) > 0]
    chosen = [seen[fresh.labels[seen] == number][0] for number in range(3)]
    found = shv.explain(classifier, fresh[[*chosen, seen[-1]]])
    return shv.plot.heat_maps(found, n_columns=2)


def shelf_classifier() -> shv.Classifier:
    """Train what reads the shelf: a classifier of single products, for a few minutes."""
    names = ("Bottle", "Can", "Jar", "Pouch")
    known, fresh = (
        shv.samples.render_products(n, class_names=names, image_size=(88, 88), seed=seed).cached()
        for n, seed in ((80, 3), (20, 4))
    )
    trainer = shv.Trainer(epochs=16, batch_size=16, learning_rate=0.002, seed=3)
    return trainer.fit(shv.build_model(4, image_size=(88, 88), seed=1), known, fresh).classifier


def shelf_pictures(classifier: shv.Classifier) -> tuple[Pictures.Image, Pictures.Image]:
    """Draw what a classifier says of the boxes of a shelf, and what a scan of it says."""
    shelf = shv.samples.render_shelf(
        2, 6, class_names=classifier.class_names, image_size=(450, 750), gaps=0.17, seed=12
    )
    careful = classifier.with_threshold(mistake_cost=3, review_cost=1)
    regions = careful.predict_regions(shelf.photo, shelf.boxes, context=0.1, shape="image")
    seen = classifier.scan(shelf.photo, tile=225, min_confidence=0.6)
    return Pictures.fromarray(regions.draw(width=900)), Pictures.fromarray(seen.draw(width=900))


def review_picture(classifier: shv.Classifier) -> Pictures.Image:
    """Return a screenshot of the review page after a few answers; needs Chromium."""
    from playwright.sync_api import sync_playwright

    photos = shv.samples.render_products(
        12, class_names=classifier.class_names, image_size=(400, 320), seed=21
    )
    found = classifier.predict(photos.resized(classifier.image_size))
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "review.html")
        found.save_review(path, photos)
        # Chromium refuses its sandbox to root.
        browser = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        page.goto(path.as_uri())
        for key in ("1", "2", "1", "o", "1"):
            page.keyboard.press(key)
        shot = page.screenshot()
        browser.close()
    return Pictures.open(BytesIO(shot)).convert("RGB")


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
    heat_maps().flat[0].figure.savefig(HOME / "heat-maps.webp", dpi=70)
    classifier = shelf_classifier()
    shown = (*shelf_pictures(classifier), review_picture(classifier))
    for name, picture in zip(("regions", "scan", "review"), shown, strict=True):
        picture.save(HOME / f"{name}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
