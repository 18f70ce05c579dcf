"""Stock is counted as it is, not as it is confused, and every number says how sure it is."""

from __future__ import annotations

import csv
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as sv
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError
from shelfvision.predictions import Decision

NAMES = ("juice", "milk", "<b>=oats")
TRUE = np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.0, 0.1, 0.9]])
"""What each product (row) is taken for."""


def predictions(
    taken: npt.NDArray[np.int64],
    *,
    errors: list[str | None] | None = None,
    decisions: list[Decision] | None = None,
    class_frequencies: dict[str, float] | None = None,
) -> sv.Predictions:
    rows = np.full((len(taken), 3), 0.1, np.float32)
    rows[np.arange(len(taken)), taken] = 0.8
    ids = [f"{number % 2}/{number}.jpg" for number in range(len(taken))]
    return sv.Predictions(
        rows, NAMES, ids, errors, decisions=decisions, class_frequencies=class_frequencies
    )


def taken_for(true: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return np.array([rng.choice(3, p=TRUE[product]) for product in true], dtype=np.int64)


@pytest.fixture(scope="module")
def classifier() -> sv.Classifier:
    """Return a classifier that keeps the scores of 300 validation photos, as TRUE has them."""
    model = sv.build_model(3, image_size=(88, 88), seed=1)
    bare = sv.Classifier.from_model(model, class_names=NAMES)
    true = np.repeat(np.arange(3), 100)
    rows = predictions(taken_for(true, np.random.default_rng(0))).probabilities
    scores = sv.ValidationScores.of(rows, true)
    return bare._trusting(replace(bare._trust, validation=scores))


@pytest.fixture(scope="module")
def taken() -> npt.NDArray[np.int64]:
    """Return what 400 photos were taken for: 40 of juice, 320 of milk, 40 of oats."""
    return taken_for(np.repeat([0, 1, 2], [40, 320, 40]), np.random.default_rng(5))


def test_counts_are_nearer_to_the_truth_than_labels(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    stock = sv.take_inventory(classifier, predictions(taken))
    for name, true in {"juice": 40, "milk": 320}.items():
        assert abs(stock.counts[name] - true) < abs(stock.naive[name] - true) / 2
    assert sum(stock.counts.values()) == pytest.approx(400)
    assert all(
        low <= true <= high
        for true, (low, high) in zip((40, 320, 40), stock.intervals.values(), strict=True)
    )


def test_few_bursts_make_intervals_wider(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    true = np.repeat(np.arange(3), 100)
    rows = predictions(taken_for(true[::4], np.random.default_rng(0))).probabilities
    scores = sv.ValidationScores.of(rows.repeat(4, axis=0), true, np.arange(300) // 4)
    in_bursts = classifier._trusting(replace(classifier._trust, validation=scores))
    found = predictions(taken)

    def width(groups: list[str] | None) -> int:
        low, high = sv.take_inventory(in_bursts, found, groups=groups).intervals["milk"]
        return high - low

    assert width([str(row // 80) for row in range(400)]) > 1.5 * width(None)


def test_a_store_has_an_inventory_of_its_own(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    stock = sv.take_inventory(classifier, predictions(taken), by=lambda name: name.split("/")[0])
    assert list(stock.parts) == ["0", "1"]
    assert [part.n_photos for part in stock.parts.values()] == [200, 200]
    assert [sum(p.naive["milk"] for p in stock.parts.values())] == [stock.naive["milk"]]


def test_what_is_not_sure_and_what_failed_stand_beside(classifier: sv.Classifier) -> None:
    found = predictions(
        np.array([0, 1, 2]), errors=[None, None, "torn"], decisions=["accept", "review", "accept"]
    )
    stock = sv.take_inventory(classifier, found)
    assert stock.review == ("1/1.jpg",)
    assert stock.failed == {"0/2.jpg": "torn"}
    assert stock.n_photos == 2


def test_the_same_seed_gives_the_same_inventory(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    first, second = (sv.take_inventory(classifier, predictions(taken)) for _ in range(2))
    assert np.array_equal(first.draws, second.draws)
    assert np.array_equal(pickle.loads(pickle.dumps(first)).draws, first.draws)


def test_photos_are_predicted_first(classifier: sv.Classifier) -> None:
    photos = sv.samples.render_products(3, class_names=["Can"], image_size=(88, 88))
    assert sv.take_inventory(classifier, photos).n_photos == 3


def test_an_inventory_without_validation_photos_says_how_to_get_some(
    classifier: sv.Classifier,
) -> None:
    with pytest.raises(DataError, match="with_validation"):
        sv.take_inventory(classifier.with_validation(None), predictions(np.array([0])))


def test_scores_from_folds_tell_the_confusion(classifier: sv.Classifier) -> None:
    rows = predictions(np.array([0, 1, 2, 1])).probabilities
    scores = sv.ValidationScores.of(rows, [0, 1, 2, 0])
    assert classifier.with_validation(scores).validation_scores is scores
    with pytest.raises(DataError, match="of 2 classes and the classifier has 3"):
        classifier.with_validation(sv.ValidationScores.of([[0.4, 0.6]], [0]))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"by": ["a"]}, "by has 1 values for 2 photos"),
        ({"by": [1, 2]}, "by must give text"),
        ({"groups": ["a"]}, "groups has 1 values for 2 photos"),
        ({"interval": 1.0}, "interval must be"),
        ({"draws": 5}, "draws must be"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    classifier: sv.Classifier, settings: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        sv.take_inventory(classifier, predictions(np.array([0, 1])), **settings)  # type: ignore[arg-type]  # wrong on purpose


def test_predictions_that_were_corrected_already_are_refused(classifier: sv.Classifier) -> None:
    found = predictions(np.array([0]), class_frequencies={"juice": 1.0})
    with pytest.raises(InvalidParameterError, match="class_frequencies"):
        sv.take_inventory(classifier, found)


def test_other_classes_are_refused(classifier: sv.Classifier) -> None:
    found = sv.Predictions([[0.5, 0.5]], ["a", "b"], ["x"])
    with pytest.raises(DataError, match="the classes 'a', 'b'"):
        sv.take_inventory(classifier, found)


def test_nothing_readable_is_no_inventory(classifier: sv.Classifier) -> None:
    with pytest.raises(DataError, match="of 1 photo none could be read"):
        sv.take_inventory(classifier, predictions(np.array([0]), errors=["torn"]))


def test_a_class_without_validation_photos_is_told() -> None:
    model = sv.build_model(2, image_size=(88, 88), seed=1)
    photos = sv.samples.render_products(4, class_names=["Can", "Jar"], image_size=(88, 88))
    bare = sv.Classifier.from_model(model, class_names=photos.class_names)
    stock = sv.take_inventory(bare.with_validation(photos[:4]), photos)
    assert stock.unmeasured == ("Jar",)
    assert "guessed: Jar" in str(stock)


def test_stock_is_held_against_a_list(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64], tmp_path: Path
) -> None:
    path = tmp_path / "erp.csv"
    path.write_text("product,count\njuice,200\nmilk,310\ntea,5\n", encoding="utf-8")
    checks = sv.take_inventory(classifier, predictions(taken)).against(path)
    assert {one.product: one.status for one in checks} == {
        "juice": "short",
        "milk": "as expected",
        "<b>=oats": "over",
        "tea": "unknown",
    }
    assert checks[-1].product == "milk"
    assert "200 expected" in str(next(one for one in checks if one.product == "juice"))


def test_what_is_not_there_at_all_is_missing(classifier: sv.Classifier) -> None:
    stock = sv.take_inventory(classifier, predictions(np.zeros(5, np.int64)))
    status = {one.product: one.status for one in stock.against({"<b>=oats": 30})}
    assert status["<b>=oats"] in ("missing", "short")


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("product\nmilk\n", DataError, "no column 'count'"),
        ("product,count\nmilk,1\nmilk,2\n", DataError, "line 3 .* lists 'milk' again"),
        ("product,count\nmilk,-1\n", InvalidParameterError, "line 2 .* '-1'"),
        ("product,count\nmilk\n", InvalidParameterError, "line 2"),
        ("product,count\n", DataError, "lists no product"),
        ("", DataError, "no column 'product'"),
        ("product,count,count\nmilk,1,2\n", DataError, "'count' more than once"),
        ("product,count\nmilk,1,5\n", DataError, "line 2 .* more cells"),
        ('product,count\n"milk,1\n', DataError, "not a CSV file"),
        ("product,count\nmilk,1.5\n", InvalidParameterError, "line 2 .* '1.5'"),
        ("product,count\nm\x00ilk,\udcff\n", DataError, "UTF-8"),
    ],
)
def test_a_stock_list_that_is_none_gets_one_sentence(
    classifier: sv.Classifier, tmp_path: Path, text: str, error: type[Exception], told: str
) -> None:
    path = tmp_path / "erp.csv"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    stock = sv.take_inventory(classifier, predictions(np.array([0])))
    with pytest.raises(error, match=told):
        stock.against(path)


def test_a_stock_list_may_have_semicolons(classifier: sv.Classifier, tmp_path: Path) -> None:
    path = tmp_path / "erp.csv"
    path.write_text("product;count;note\nmilk;7;a, b\n", encoding="utf-8-sig")
    checks = sv.take_inventory(classifier, predictions(np.array([0]))).against(path)
    assert next(one.expected for one in checks if one.product == "milk") == 7


def test_a_stock_list_that_is_not_there_is_named(classifier: sv.Classifier, tmp_path: Path) -> None:
    stock = sv.take_inventory(classifier, predictions(np.array([0])))
    with pytest.raises(DatasetNotFoundError, match=r"none\.csv"):
        stock.against(tmp_path / "none.csv")


def test_it_is_saved_as_csv_json_and_a_page(
    classifier: sv.Classifier, taken: npt.NDArray[np.int64], tmp_path: Path
) -> None:
    decisions: list[Decision] = ["review", *["accept"] * 399]  # type: ignore[list-item]  # narrow
    found = predictions(taken, decisions=decisions)
    stock = sv.take_inventory(classifier, found, by=lambda name: name[0])
    for name in ("stock.csv", "stock.json", "stock.html"):
        stock.save(tmp_path / name)
    with open(tmp_path / "stock.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["part"] for row in rows] == [""] * 3 + ["0"] * 3 + ["1"] * 3
    assert int(rows[0]["naive"]) == stock.naive["juice"]
    read = json.loads((tmp_path / "stock.json").read_text(encoding="utf-8"))
    assert read["products"]["milk"]["low"] == stock.intervals["milk"][0]
    page = (tmp_path / "stock.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;=oats" in page
    assert "<b>=oats" not in page
    assert "0/0.jpg" in page
    assert len(stock.to_frame()) == 9


def test_a_name_cannot_be_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    photos = sv.samples.render_products(2, class_names=["Can", "Jar"], image_size=(88, 88))
    renamed = photos.relabel({"Can": "=1+1", "Jar": "jar"})
    model = sv.build_model(2, image_size=(88, 88), seed=1)
    bare = sv.Classifier.from_model(model, class_names=renamed.class_names)
    sv.take_inventory(bare.with_validation(renamed), photos).save(tmp_path / "stock.csv")
    assert ",'=1+1," in (tmp_path / "stock.csv").read_text(encoding="utf-8")


def test_a_page_shows_the_photos_to_review(tmp_path: Path) -> None:
    photos = sv.samples.render_products(3, class_names=["Can", "Jar"], image_size=(88, 88))
    model = sv.build_model(2, image_size=(88, 88), seed=1)
    bare = sv.Classifier.from_model(model, class_names=photos.class_names)
    kept = bare.with_validation(photos)
    unsure = kept.with_threshold(dataset=photos, mistake_cost=1e6, review_cost=1e-6)
    stock = sv.take_inventory(unsure, photos)
    stock.save(tmp_path / "stock.html", photos=photos)
    page = (tmp_path / "stock.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == len(stock.review) > 0


def test_another_ending_is_refused(classifier: sv.Classifier, tmp_path: Path) -> None:
    stock = sv.take_inventory(classifier, predictions(np.array([0])))
    with pytest.raises(InvalidParameterError, match=r"'\.xlsx'"):
        stock.save(tmp_path / "stock.xlsx")
