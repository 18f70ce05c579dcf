"""Rendered shelves: repeatable, with the truth about every place."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from shelfvision.errors import InvalidParameterError
from shelfvision.samples import CLASS_NAMES, Shelf, render_shelf
from support import refuses


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return render_shelf(3, 6, image_size=(300, 420), gaps=0.2, seed=2)


def test_every_place_holds_a_product_or_is_a_gap(shelf: Shelf) -> None:
    assert len(shelf.labels) + len(shelf.gaps) == 18
    assert len(shelf.gaps) == round(0.2 * 18)
    assert shelf.boxes.shape == (len(shelf.labels), 4)


def test_counts_are_those_of_the_labels(shelf: Shelf) -> None:
    assert sum(shelf.counts.values()) == len(shelf.labels)
    assert set(shelf.counts) == set(CLASS_NAMES)
    assert shelf.counts["Can"] == shelf.labels.count("Can")


def test_boxes_lie_in_the_photo_and_gaps_hold_no_product(shelf: Shelf) -> None:
    left, top, right, bottom = shelf.boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= 420).all()
    assert (bottom <= 300).all()
    assert (right > left).all()
    assert (bottom > top).all()
    for empty in shelf.gaps:
        across = np.minimum(right, empty[2]) - np.maximum(left, empty[0])
        down = np.minimum(bottom, empty[3]) - np.maximum(top, empty[1])
        # A leaning neighbour may reach over by a hair.
        assert (across[down > 0] < 0.2 * (empty[2] - empty[0])).all()


def test_a_box_holds_more_colours_than_a_gap(shelf: Shelf) -> None:
    def spread(box: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        left, top, right, bottom = box.round().astype(int)
        middle = shelf.photo[top:bottom, left:right][10:-10, 10:-10]
        return float(middle.astype(np.float64).std(axis=(0, 1)).mean())

    assert np.median([spread(box) for box in shelf.boxes]) > 2 * max(map(spread, shelf.gaps))


def test_the_same_seed_gives_the_same_bytes_in_another_process(shelf: Shelf) -> None:
    script = (
        "import hashlib\nfrom shelfvision.samples import render_shelf\n"
        "shelf = render_shelf(3, 6, image_size=(300, 420), gaps=0.2, seed=2)\n"
        "print(hashlib.sha256(shelf.photo.tobytes() + shelf.boxes.tobytes()).hexdigest())"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    here = hashlib.sha256(shelf.photo.tobytes() + shelf.boxes.tobytes()).hexdigest()
    assert found.stdout.decode().strip() == here


def test_another_seed_gives_another_shelf(shelf: Shelf) -> None:
    other = render_shelf(3, 6, image_size=(300, 420), gaps=0.2, seed=3)
    assert not np.array_equal(other.photo, shelf.photo)
    assert other.labels != shelf.labels


def test_named_classes_are_those_on_the_shelf() -> None:
    found = render_shelf(1, 4, class_names=["Tea"], image_size=(60, 120), gaps=0)
    assert found.labels == ("Tea",) * 4
    assert found.counts == {"Tea": 4}
    assert found.gaps.shape == (0, 4)


def test_an_empty_shelf_is_one_with_no_boxes() -> None:
    found = render_shelf(1, 2, image_size=(60, 120), gaps=1)
    assert found.boxes.shape == (0, 4)
    assert len(found.gaps) == 2


def test_the_truth_cannot_be_written_to(shelf: Shelf) -> None:
    for column in (shelf.photo, shelf.boxes, shelf.gaps):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_places_too_small_for_products_are_refused() -> None:
    with refuses(InvalidParameterError, "too-small", "image_size"):
        render_shelf(1, 10, image_size=(100, 100))
