"""A classifier of single products reads photos of shelves: boxes in order, and a map of tiles."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision.errors import (
    InvalidParameterError,
    PhotoError,
    PhotoNotFoundError,
    ShelfVisionWarning,
)
from support import gives_warning, refuses


@pytest.fixture(scope="module")
def shelf() -> shv.samples.Shelf:
    return shv.samples.render_shelf(2, 5, class_names=["Can", "Jar"], image_size=(160, 240), seed=1)


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    model = shv.build_model(2, image_size=(32, 24), architecture="shelf_cnn", seed=1)
    return shv.Classifier.from_model(model, class_names=["Can", "Jar"])


def crops(shelf: shv.samples.Shelf) -> list[np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]]:
    edges = np.concatenate([np.floor(shelf.boxes[:, :2]), np.ceil(shelf.boxes[:, 2:])], axis=1)
    return [shelf.photo[top:bottom, left:right] for left, top, right, bottom in edges.astype(int)]


def test_regions_are_what_the_same_crops_are_as_photos(
    classifier: shv.Classifier, shelf: shv.samples.Shelf
) -> None:
    regions = classifier.predict_regions(shelf.photo, shelf.boxes)
    single = classifier.predict(crops(shelf))
    assert np.array_equal(regions.probabilities, single.probabilities)
    assert list(regions.labels) == list(single.labels)


def test_a_path_bytes_and_pixels_give_the_same_regions(
    classifier: shv.Classifier, shelf: shv.samples.Shelf, tmp_path: Path
) -> None:
    file = io.BytesIO()
    Pictures.fromarray(shelf.photo).save(file, "PNG")
    (tmp_path / "shelf.png").write_bytes(file.getvalue())
    pixels, data, path = (
        classifier.predict_regions(photo, shelf.boxes)
        for photo in (shelf.photo, file.getvalue(), tmp_path / "shelf.png")
    )
    assert np.array_equal(pixels.probabilities, data.probabilities)
    assert np.array_equal(pixels.probabilities, path.probabilities)
    assert path.ids[0] == f"{tmp_path / 'shelf.png'}#0"


def test_the_classifier_resizes_crops_as_it_resizes_photos(shelf: shv.samples.Shelf) -> None:
    model = shv.build_model(2, image_size=(32, 24), architecture="shelf_cnn", seed=1)
    padding = shv.Classifier.from_model(model, class_names=["Can", "Jar"], resize="pad")
    regions = padding.predict_regions(shelf.photo, shelf.boxes)
    assert np.array_equal(regions.probabilities, padding.predict(crops(shelf)).probabilities)


def test_thresholds_decide_about_regions_too(
    classifier: shv.Classifier, shelf: shv.samples.Shelf
) -> None:
    photos = shv.samples.render_products(6, class_names=["Can", "Jar"], image_size=(32, 24))
    # Nothing that an untrained network says can be accepted at this precision.
    with gives_warning(ShelfVisionWarning, "too-few-photos"):
        strict = classifier.with_validation(photos).with_threshold(0.99)
    assert set(strict.predict_regions(shelf.photo, shelf.boxes).decisions) == {"review"}
    assert strict.scan(shelf.photo, tile=60).accepted_share == 0
    assert strict.scan(shelf.photo, tile=60, min_confidence=0).accepted_share == 1


def test_an_inventory_counts_regions(classifier: shv.Classifier, shelf: shv.samples.Shelf) -> None:
    photos = shv.samples.render_products(6, class_names=["Can", "Jar"], image_size=(32, 24))
    measured = classifier.with_validation(photos)
    regions = measured.predict_regions(shelf.photo, shelf.boxes)
    one = shv.take_inventory(measured, regions.predictions)
    assert one.naive == regions.counts
    both = shv.take_inventory(measured, shv.Regions.pooled([regions, regions]))
    assert sum(both.naive.values()) == 2 * len(shelf.labels)


def test_another_mix_of_classes_can_be_told(
    classifier: shv.Classifier, shelf: shv.samples.Shelf
) -> None:
    photos = shv.samples.render_products(6, class_names=["Can", "Jar"], image_size=(32, 24))
    known = classifier.with_validation(photos)
    cans = known.predict_regions(shelf.photo, shelf.boxes, class_prior={"Can": 0.999, "Jar": 0.001})
    assert cans.predictions.class_prior == pytest.approx({"Can": 0.999, "Jar": 0.001})
    assert cans.counts["Can"] == len(shelf.labels)


def test_a_scan_has_a_probability_for_every_cell(
    classifier: shv.Classifier, shelf: shv.samples.Shelf
) -> None:
    found = classifier.scan(shelf.photo, tile=60)
    assert found.labels.shape == (5, 7)
    assert found.class_names == ("Can", "Jar")
    sure = found.confidences >= 0.5
    assert np.array_equal(found.accepted, sure)


def test_what_cannot_be_used_is_told(classifier: shv.Classifier, shelf: shv.samples.Shelf) -> None:
    with refuses(PhotoNotFoundError, "not-found"):
        classifier.predict_regions("nowhere.jpg", shelf.boxes)
    with refuses(PhotoError, "not-an-image"):
        classifier.scan(b"no photo")
    with pytest.raises(InvalidParameterError):
        classifier.predict_regions(shelf.photo, [[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, np.nan, 5.0]])
    with refuses(InvalidParameterError, "not-in-range", "context"):
        classifier.predict_regions(shelf.photo, shelf.boxes, context=-1)
    with refuses(InvalidParameterError, "not-in-range", "min_confidence"):
        classifier.scan(shelf.photo, min_confidence=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pil_image_gives_the_regions_of_its_file(
    classifier: shv.Classifier, shelf: shv.samples.Shelf, orientation: int
) -> None:
    exif, file = Pictures.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Pictures.fromarray(shelf.photo).save(file, "PNG", exif=exif)
    boxes = [[4.0, 6.0, 60.0, 40.0], [30.0, 70.0, 140.0, 150.0]]
    with Pictures.open(file) as image:
        for as_stored in (None, True):
            found = classifier.predict_regions(image, boxes, as_stored=as_stored)
            wanted = classifier.predict_regions(file.getvalue(), boxes, as_stored=as_stored)
            assert np.array_equal(found.probabilities, wanted.probabilities)
            assert np.array_equal(found.boxes.corners, wanted.boxes.corners)
        scanned = classifier.scan(image, tile=60)
    assert np.array_equal(scanned.labels, classifier.scan(file.getvalue(), tile=60).labels)
    # The pixels are there though the image is closed.
    assert np.array_equal(found.photo(), wanted.photo())


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16"])
def test_a_pil_image_of_any_mode_gives_regions(
    classifier: shv.Classifier, shelf: shv.samples.Shelf, mode: str
) -> None:
    grey = Pictures.fromarray(shelf.photo).convert("L")
    image = (
        Pictures.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        if mode == "I;16"
        else Pictures.fromarray(shelf.photo).convert(mode)
    )
    regions = classifier.predict_regions(image, shelf.boxes)
    assert regions.photo().shape == shelf.photo.shape
    assert len(regions) == len(shelf.boxes)


def test_other_pixels_are_refused_with_what_to_pass_instead(
    classifier: shv.Classifier, shelf: shv.samples.Shelf
) -> None:
    grey = shelf.photo[..., 0]
    with refuses(InvalidParameterError, "wrong-shape", "photo") as caught:
        classifier.predict_regions(grey, shelf.boxes)
    assert str(caught.value).endswith("; pass numpy.stack([photo] * 3, axis=-1)")
    classifier.predict_regions(np.stack([grey] * 3, axis=-1), shelf.boxes)
    for several in (shelf.photo[None], [shelf.photo]):
        with refuses(
            InvalidParameterError,
            "wrong-shape" if isinstance(several, np.ndarray) else "wrong-type",
            "photo",
        ) as caught:
            classifier.predict_regions(several, shelf.boxes)  # type: ignore[arg-type]  # on purpose
        assert str(caught.value).endswith("; pass several photos one by one")
