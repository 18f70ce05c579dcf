"""How values show themselves in notebooks: `_repr_html_`."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._pages.notebook import notebook_view
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e" + "x" * 300
MOST = 200_000


class Noise:
    """A source of photos that JPEG compresses badly; it notes the rows that are read."""

    def __init__(self, n: int, side: int, *, fails: bool = False) -> None:
        self._n, self._side, self._fails = n, side, fails
        self.read_rows: list[int] = []

    @property
    def image_size(self) -> tuple[int, int]:
        return self._side, self._side

    def __len__(self) -> int:
        return self._n

    def read(self, row: int) -> Image:
        self.read_rows.append(row)
        if self._fails:
            raise PhotoError(f"no photo {HOSTILE}", code="unreadable")
        pixels: npt.NDArray[np.uint8] = np.random.default_rng(row).integers(
            0, 256, (self._side, self._side, 3), dtype=np.uint8
        )
        return pixels

    def digest(self, row: int) -> str:
        raise AssertionError("nothing computes a digest for a notebook")


def dataset(n: int, side: int = 224, *, fails: bool = False) -> tuple[shv.Dataset, Noise]:
    source = Noise(n, side, fails=fails)
    names = [f"{number} {HOSTILE}" for number in range(40)]
    labels = np.arange(n) % 40
    ids = np.array([f"{row}.jpg" for row in range(n)], dtype=object)
    found = shv.Dataset.from_source(source, ids=ids, labels=labels, class_names=names)
    return found, source


def html_of(value: object) -> str:
    """Return the HTML of a value after checking what holds for every value."""
    text: str = value._repr_html_()  # type: ignore[attr-defined]  # what notebooks call
    assert len(text.encode()) < MOST
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"(?:src|href)=\"(?!data:image/jpeg;base64,)", text)
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    return text


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_dataset_shows_a_few_photos_and_its_classes() -> None:
    photos = shv.samples.render_products({"juice": 5, "milk": 4}, image_size=(48, 48))
    text = html_of(photos)
    assert "Dataset: 9 photos of 2 classes, 48 x 48" in text
    assert text.count("<img") == 9
    assert "<td" in text
    assert "milk" in text


def test_a_large_dataset_reads_twelve_photos_in_less_than_half_a_second() -> None:
    found, source = dataset(300_000, side=100)
    html_of(dataset(20, side=100)[0])
    began = time.process_time()
    text = html_of(found)
    assert time.process_time() - began < 0.5
    assert len(source.read_rows) == 12
    assert {0, 299_999} <= set(source.read_rows)
    assert "300000 photos" in text
    assert "20 more are not shown" in text


def test_photos_that_cannot_be_read_show_their_reason() -> None:
    text = html_of(dataset(30, fails=True)[0])
    assert "<img" not in text
    assert text.count("no photo") == 12


def test_an_empty_dataset_has_a_view() -> None:
    assert "0 photos" in html_of(dataset(3)[0][:0])


def test_splits_show_each_set() -> None:
    photos = shv.samples.render_products({"juice": 20, "milk": 20}, image_size=(32, 32))
    splits = shv.SeededSplitter().split(photos)
    text = html_of(splits)
    assert text.count("<img") == 12
    assert "test: milk" in text
    assert f"{len(splits.train)} train" in text


def test_predictions_show_counts_and_the_first_photos() -> None:
    n = 50_000
    shares = np.tile([0.75, 0.25], (n, 1))
    errors = [HOSTILE if row == 3 else None for row in range(n)]
    ids = [f"{row} {HOSTILE}" for row in range(n)]
    text = html_of(shv.Predictions(shares, [HOSTILE, "milk"], ids, errors))
    assert "50000 photos" in text
    assert "49,980 more are not shown" in text
    assert "1 photo could not be read" in text
    assert "0.750" in text


def test_columns_of_numbers_are_aligned_to_the_right_and_text_to_the_left() -> None:
    found = shv.Predictions([[0.75, 0.25], [0.1, 0.9]], ["milk", "7"], ["a.jpg", "b.jpg"])
    cells = re.findall(r'text-align: (\w+)">([^<]+)</td>', html_of(found))
    assert cells[:3] == [("left", "a.jpg"), ("left", "milk"), ("right", "0.750")]


def test_regions_show_the_photo_with_its_boxes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 1600, 3), dtype=np.uint8)
    boxes = shv.Boxes([[0, 0, 700, 900], [800, 0, 1600, 1500]], image_size=(1500, 1600))
    found = shv.Predictions([[0.9, 0.1], [0.2, 0.8]], ["juice", "milk"], ["p#0", "p#1"])
    text = html_of(shv.Regions(found, boxes, pixels))
    assert "Regions: 2 boxes" in text
    assert text.count("<img") == 1
    absent = html_of(shv.Regions(found, boxes, str(tmp_path / "absent.jpg")))
    assert "<img" not in absent
    assert "milk" in absent


def test_an_inventory_shows_counts_with_their_intervals() -> None:
    names = tuple(f"{number} {HOSTILE}" for number in range(300))
    inventory = shv.Inventory(
        class_names=names,
        naive=dict.fromkeys(names, 3),
        draws=np.full((10, 300), 4),
        confidence_level=0.9,
        n_photos=1200,
        review=(),
        failed={},
        unmeasured=(),
        parts={},
    )
    text = html_of(inventory)
    assert "1200 photos of 300 products" in text
    assert "90% interval" in text
    assert "280 more are not shown" in text


def test_a_gallery_shows_its_products() -> None:
    photos = shv.samples.render_products({"juice": 3, "milk": 2}, image_size=(32, 32))
    model = shv.build_model(2, architecture="shelf_cnn", image_size=(32, 32))
    classifier = shv.Classifier.from_model(model, class_names=["juice", "milk"])
    text = html_of(shv.Gallery.from_dataset(classifier, photos, unknown=None))
    assert "Gallery: 2 products, 5 photos" in text


@pytest.mark.parametrize("name", ["a" * 5000, "\U0001f95b" * 5000])
def test_long_names_are_shortened(name: str) -> None:
    text = notebook_view(name[:10], notes=[name], columns=[name], rows=[[name]] * 1000)
    assert len(text.encode()) < MOST
