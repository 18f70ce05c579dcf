"""Boxes without a known product count under no class, and nothing is counted twice unseen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

NAMES = ("juice", "milk", "oats")
REJECTED = 3


def rows_of(outcomes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return confident rows for each class, and an unsure row for what is to be rejected."""
    rows = np.full((len(outcomes), 3), 0.05, np.float32)
    sure = outcomes < REJECTED
    rows[sure, outcomes[sure]] = 0.9
    rows[~sure] = [0.4, 0.3, 0.3]
    return rows


def outcomes_of(true: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Return predictions of known products: a fifth is rejected, a tenth of milk is juice."""
    rng = np.random.default_rng(seed)
    taken = np.where((true == 1) & (rng.random(len(true)) < 0.1), 0, true)
    return np.where(rng.random(len(true)) < 0.2, REJECTED, taken)


@pytest.fixture(scope="module")
def bare() -> shv.Classifier:
    model = shv.build_model(3, image_size=(88, 88), seed=1)
    true = np.repeat(np.arange(3), 100)
    scores = shv.ValidationScores.of(rows_of(outcomes_of(true, 0)), true)
    return shv.Classifier.from_model(model, class_names=NAMES).with_validation(scores)


@pytest.fixture(scope="module")
def classifier(bare: shv.Classifier) -> shv.Classifier:
    return bare.with_threshold(mistake_cost=1.0, review_cost=0.3)


def photo(seed: int = 0) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return noise.repeat(20, axis=0).repeat(20, axis=1)


def shelf(
    outcomes: Sequence[int],
    corners: npt.ArrayLike | None = None,
    *,
    decided: bool = True,
    seed: int = 0,
) -> shv.Regions:
    rows = rows_of(np.array(outcomes, dtype=np.int64))
    decisions = np.where(rows.max(axis=1) >= 0.5, "accept", "review").tolist() if decided else None
    ids = [f"shelf.jpg#{row}" for row in range(len(rows))]
    left = np.arange(len(rows)) % 12 * 12.0
    top = np.arange(len(rows)) // 12 * 4.0
    apart = np.stack([left, top, left + 10, top + 3], axis=1) if corners is None else corners
    boxes = shv.Boxes(apart, image_size=(160, 160))
    return shv.Regions(shv.Predictions(rows, NAMES, ids, decisions=decisions), boxes, photo(seed))


@pytest.fixture(scope="module")
def found() -> shv.Regions:
    """Return 240 boxes of juice, 120 of milk and 60 without a known product, such as price tags."""
    known = outcomes_of(np.repeat([0, 1], [240, 120]), 5)
    return shelf([*known, *np.full(60, REJECTED)])


def test_a_rejected_box_has_no_class_in_the_counts_of_a_photo(found: shv.Regions) -> None:
    assert found.unknown.sum() > 100
    assert sum(found.counts.values()) == 420 - found.unknown.sum()
    low = found.with_min_confidence(0.2)
    assert not low.unknown.any()
    assert sum(low.counts.values()) == 420
    with refuses(InvalidParameterError, "not-in-range", "min_confidence"):
        found.with_min_confidence(70)


def test_products_that_were_rejected_are_counted_and_price_tags_are_not(
    classifier: shv.Classifier, found: shv.Regions
) -> None:
    stock = shv.take_inventory(classifier, found, correction="full", draws=2000)
    assert stock.unknown is not None
    assert stock.unknown.rejected == found.unknown.sum()
    assert sum(stock.naive.values()) + stock.unknown.rejected == 420
    assert sum(stock.counts.values()) + stock.unknown.count == pytest.approx(420)
    for name, true in {"juice": 240, "milk": 120, "oats": 0}.items():
        naive = abs(stock.naive[name] - true)
        assert abs(stock.counts[name] - true) < max(5, 0.7 * naive)
    assert stock.unknown.low <= 60 <= stock.unknown.high
    assert abs(stock.unknown.count - 60) < 15
    # Counted under the nearest class, the price tags and the rejected products would be juice.
    counted = shv.take_inventory(classifier, found, unknown="count")
    assert counted.unknown is None
    assert counted.naive["juice"] - stock.naive["juice"] == found.unknown.sum()


def test_intervals_of_counts_and_of_the_unknown_contain_the_truth(
    classifier: shv.Classifier,
) -> None:
    hits = []
    for seed in range(20):
        known = outcomes_of(np.repeat([0, 1, 2], [60, 40, 20]), 100 + seed)
        shelves = shelf([*known, *np.full(30, REJECTED)])
        stock = shv.take_inventory(classifier, shelves, groups=["a"], draws=200, seed=seed)
        assert stock.unknown is not None
        ends = [*stock.intervals.values(), (stock.unknown.low, stock.unknown.high)]
        hits += [
            low <= true <= high for true, (low, high) in zip((60, 40, 20, 30), ends, strict=True)
        ]
    assert np.mean(hits) > 0.8


@pytest.mark.remedy("conflict")
def test_without_thresholds_min_confidence_decides(
    bare: shv.Classifier, classifier: shv.Classifier, found: shv.Regions
) -> None:
    with refuses(InvalidParameterError, "conflict", "min_confidence"):
        shv.take_inventory(bare, found)
    same = shv.take_inventory(bare, found, min_confidence=0.6)
    assert same.counts == shv.take_inventory(classifier, found).counts
    undecided = shelf([0, 1, REJECTED], decided=False)
    assert shv.take_inventory(bare, undecided).naive["juice"] == 2
    assert shv.take_inventory(bare, undecided, min_confidence=0.6).naive["juice"] == 1
    with refuses(InvalidParameterError, "conflict", "min_confidence"):
        shv.take_inventory(bare, undecided, unknown="reject")
    with refuses(InvalidParameterError, "conflict", "min_confidence"):
        shv.take_inventory(bare, undecided, unknown="count", min_confidence=0.6)
    with refuses(InvalidParameterError, "not-an-option", "unknown"):
        shv.take_inventory(bare, undecided, unknown="ignore")  # type: ignore[arg-type]


def test_photos_of_one_product_count_under_their_class_unless_asked(
    classifier: shv.Classifier, found: shv.Regions
) -> None:
    photos = found.predictions
    assert shv.take_inventory(classifier, photos).unknown is None
    assert shv.take_inventory(classifier, photos, unknown="reject").unknown is not None


def test_a_classifier_rejects_boxes_below_a_confidence(bare: shv.Classifier) -> None:
    boxes = [[0, 0, 80, 80], [80, 0, 160, 80]]
    assert not bare.predict_regions(photo(), boxes).unknown.any()
    assert bare.predict_regions(photo(), boxes, min_confidence=0.999).unknown.all()


def test_an_empty_shelf_is_counted_as_nothing(classifier: shv.Classifier) -> None:
    sold_out = classifier.predict_regions(np.zeros((40, 60, 3), np.uint8), np.zeros((0, 4)))
    for rule in ({}, {"min_confidence": 0.5}):
        found = shv.take_inventory(classifier, sold_out, **rule)  # type: ignore[arg-type]
        assert set(found.counts.values()) == {0.0}
        assert set(found.intervals.values()) == {(0, 0)}
        assert (found.n_photos, found.unit) == (0, "box")


def test_stores_are_given_for_each_shelf_photo(classifier: shv.Classifier) -> None:
    shelves = {"a.jpg": shelf([0, 0, 1]), "b.jpg": shelf([2], seed=1)}
    stock = shv.take_inventory(classifier, shelves, by=["north", "south"])
    assert {name: part.n_photos for name, part in stock.parts.items()} == {"north": 3, "south": 1}
    by_name = shv.take_inventory(classifier, shelves, by=lambda name: name[0])
    assert list(by_name.parts) == ["a", "b"]
    with refuses(InvalidParameterError, "wrong-length", "by"):
        shv.take_inventory(classifier, shelves, by=["north"] * 4)
    with refuses(InvalidParameterError, "wrong-type", "photos"):
        shv.take_inventory(classifier, [shelves["a.jpg"], "b.jpg"])  # type: ignore[arg-type]


def test_an_inventory_of_shelf_photos_says_boxes(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    shelves = {"a.jpg": shelf([0, 0, 1]), "b.jpg": shelf([2], seed=1)}
    stock = shv.take_inventory(classifier, shelves, by=["north", "south"])
    assert stock.unit == "box"
    assert repr(stock) == "<Inventory: 4 boxes of 3 products>"
    assert "4 boxes counted, " in str(stock)
    assert stock.to_dict()["unit"] == "box"
    stock.save(tmp_path / "stock.html")
    page = (tmp_path / "stock.html").read_text()
    for words in ("Inventory of 4 boxes", "<p>3 boxes</p>", "<p>1 box</p>", "predicted boxes."):
        assert words in page, words
    assert "photo" not in page.partition("<h1>")[2]


def test_an_inventory_of_photos_says_photos(
    classifier: shv.Classifier, found: shv.Regions, tmp_path: Path
) -> None:
    stock = shv.take_inventory(classifier, found.predictions)
    assert stock.unit == "photo"
    assert f"{len(found)} photos counted, " in str(stock)


def test_a_page_takes_the_counted_photos_as_a_dataset(
    classifier: shv.Classifier, found: shv.Regions, tmp_path: Path
) -> None:
    stock = shv.take_inventory(classifier, found)
    with refuses(InvalidParameterError, "wrong-type", "photos"):
        stock.save(tmp_path / "stock.html", photos=[found])  # type: ignore[arg-type]
    assert not (tmp_path / "stock.html").exists()


def test_overlapping_boxes_are_reported(classifier: shv.Classifier) -> None:
    corners = [[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 40], [52, 2, 56, 8], [100, 0, 110, 10]]
    with gives_warning(ShelfVisionWarning, "counted-twice", "photos"):
        stock = shv.take_inventory(classifier, shelf([0, 0, 1, 1, 2], corners))
    assert [(one.kind, one.ids) for one in stock.double_counts] == [
        ("overlapping boxes", ("shelf.jpg#0", "shelf.jpg#1")),
        ("box inside another", ("shelf.jpg#2", "shelf.jpg#3")),
    ]
    # A rejected box is not counted, so it is not counted twice.
    rest = shv.take_inventory(classifier, shelf([0, REJECTED, 1, REJECTED, 2], corners))
    assert rest.double_counts == ()


def test_two_photos_of_one_bay_are_reported(classifier: shv.Classifier) -> None:
    shelves = [shelf([0, 1]), shelf([0, 1]), shelf([0, 1], seed=7)]
    with gives_warning(ShelfVisionWarning, "counted-twice", "photos"):
        stock = shv.take_inventory(classifier, shelves)
    assert [(one.kind, one.ids) for one in stock.double_counts] == [
        ("repeated photo", ("shelf.jpg", "shelf.jpg (2)"))
    ]


def test_a_photo_that_moved_slightly_is_reported_and_another_bay_is_not(
    classifier: shv.Classifier,
) -> None:
    names = ["Bottle", "Can", "Jar"]
    one, other = (
        shv.samples.render_shelf(2, 6, class_names=names, image_size=(360, 600), seed=seed).photo
        for seed in (1, 2)
    )
    moved = np.ascontiguousarray(one[4:, 10:])
    boxes = [[10, 10, 100, 200]]
    shelves = {
        name: classifier.predict_regions(pixels, boxes)
        for name, pixels in (("a", one), ("b", moved), ("c", other))
    }
    with gives_warning(ShelfVisionWarning, "counted-twice", "photos"):
        stock = shv.take_inventory(classifier, shelves)
    assert [finding.ids for finding in stock.double_counts] == [("a", "b")]


def test_the_page_and_the_json_file_show_what_is_unknown_and_counted_twice(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    shelves = {"<b>one\u202e": shelf([0, 1, REJECTED]), "two": shelf([0, 1, REJECTED])}
    with gives_warning(ShelfVisionWarning, "counted-twice", "photos"):
        stock = shv.take_inventory(classifier, shelves)
    assert "2 rejected;" in str(stock)
    assert "1 pair of boxes or photos may be counted twice." in str(stock)
    stock.save(tmp_path / "stock.html")
    page = (tmp_path / "stock.html").read_text()
    assert "repeated photo: &lt;b&gt;one\\u202e and two" in page
    stock.save(tmp_path / "stock.json")
    plain = json.loads((tmp_path / "stock.json").read_text())
    assert plain["unknown"]["rejected"] == 2
    assert plain["double_counts"][0]["kind"] == "repeated photo"
