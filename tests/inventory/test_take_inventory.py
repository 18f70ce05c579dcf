"""Stock is counted as it is, not as it is confused, and every number says how sure it is."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Decision, MeasuredPhotos
from support import refuses

NAMES = ("juice", "milk", "<b>=oats")
TRUE = np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.0, 0.1, 0.9]])
"""What each product (row) is taken for."""


def predictions(
    taken: npt.NDArray[np.int64],
    *,
    errors: list[str | None] | None = None,
    decisions: list[Decision] | None = None,
    class_prior: dict[str, float] | None = None,
) -> shv.Predictions:
    rows = np.full((len(taken), 3), 0.1, np.float32)
    rows[np.arange(len(taken)), taken] = 0.8
    ids = [f"{number % 2}/{number}.jpg" for number in range(len(taken))]
    return shv.Predictions(rows, NAMES, ids, errors, decisions=decisions, class_prior=class_prior)


def taken_for(true: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return np.array([rng.choice(3, p=TRUE[product]) for product in true], dtype=np.int64)


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    """Return a classifier that keeps the scores of 300 validation photos, as TRUE has them."""
    model = shv.build_model(3, image_size=(88, 88), seed=1)
    bare = shv.Classifier.from_model(model, class_names=NAMES)
    true = np.repeat(np.arange(3), 100)
    rows = predictions(taken_for(true, np.random.default_rng(0))).probabilities
    scores = shv.ValidationScores.of(rows, true)
    return bare.with_validation(scores)


@pytest.fixture(scope="module")
def taken() -> npt.NDArray[np.int64]:
    """Return what 400 photos were taken for: 40 of juice, 320 of milk, 40 of oats."""
    return taken_for(np.repeat([0, 1, 2], [40, 320, 40]), np.random.default_rng(5))


def test_counts_are_nearer_to_the_truth_than_labels(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    stock = shv.take_inventory(classifier, predictions(taken), correction="full")
    for name, true in {"juice": 40, "milk": 320}.items():
        assert abs(stock.counts[name] - true) < abs(stock.naive[name] - true) / 2
    assert sum(stock.counts.values()) == pytest.approx(400)
    assert all(
        low <= true <= high
        for true, (low, high) in zip((40, 320, 40), stock.intervals.values(), strict=True)
    )


def test_few_bursts_make_intervals_wider(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    true = np.repeat(np.arange(3), 100)
    rows = predictions(taken_for(true[::4], np.random.default_rng(0))).probabilities
    scores = shv.ValidationScores.of(rows.repeat(4, axis=0), true, np.arange(300) // 4)
    in_bursts = classifier.with_validation(scores)
    found = predictions(taken)

    def width(groups: list[str] | None) -> int:
        low, high = shv.take_inventory(
            in_bursts, found, groups=groups, correction="full"
        ).intervals["milk"]
        return high - low

    assert width([str(row // 80) for row in range(400)]) > 1.3 * width(None)


def test_a_store_has_an_inventory_of_its_own(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    stock = shv.take_inventory(classifier, predictions(taken), by=lambda name: name.split("/")[0])
    assert list(stock.parts) == ["0", "1"]
    assert [part.n_photos for part in stock.parts.values()] == [200, 200]
    assert [sum(p.naive["milk"] for p in stock.parts.values())] == [stock.naive["milk"]]


def test_a_store_has_one_name_in_any_spelling(classifier: shv.Classifier) -> None:
    found = predictions(np.array([0, 1, 2]))
    stock = shv.take_inventory(classifier, found, by=["K\u00f6ln", "Ko\u0308ln ", "North"])
    assert {name: part.n_photos for name, part in stock.parts.items()} == {
        "K\u00f6ln": 2,
        "North": 1,
    }


def test_what_is_not_sure_and_what_failed_stand_beside(classifier: shv.Classifier) -> None:
    found = predictions(
        np.array([0, 1, 2]), errors=[None, None, "torn"], decisions=["accept", "review", "accept"]
    )
    stock = shv.take_inventory(classifier, found)
    assert stock.review == ("1/1.jpg",)
    assert stock.failed == {"0/2.jpg": "torn"}
    assert stock.n_photos == 2


def test_the_same_seed_gives_the_same_inventory(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    first, second = (shv.take_inventory(classifier, predictions(taken)) for _ in range(2))
    assert np.array_equal(first.draws, second.draws)
    assert np.array_equal(pickle.loads(pickle.dumps(first)).draws, first.draws)


def test_photos_are_predicted_first(classifier: shv.Classifier) -> None:
    photos = shv.samples.render_products(3, class_names=["Can"], image_size=(88, 88))
    assert shv.take_inventory(classifier, photos).n_photos == 3


@pytest.mark.remedy("no-validation-scores")
def test_an_inventory_without_validation_photos_says_how_to_get_some(
    classifier: shv.Classifier,
) -> None:
    bare = classifier.with_validation(None)
    with refuses(DataError, "no-validation-scores", "classifier") as caught:
        shv.take_inventory(bare, predictions(np.array([0])))
    assert "with_validation(dataset)" in str(caught.value)
    dataset = shv.samples.render_products(2, class_names=NAMES, image_size=(88, 88))
    found = shv.take_inventory(bare.with_validation(dataset), predictions(np.array([0])))
    assert found.n_photos == 1


def test_scores_from_folds_tell_the_confusion(classifier: shv.Classifier) -> None:
    rows = predictions(np.array([0, 1, 2, 1])).probabilities
    scores = shv.ValidationScores.of(rows, [0, 1, 2, 0])
    assert classifier.with_validation(scores).validation_scores is scores
    with pytest.raises(DataError):
        classifier.with_validation(shv.ValidationScores.of([[0.4, 0.6]], [0]))


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"by": ["a"]}, "wrong-length", "by"),
        ({"by": [1, 2]}, "wrong-type", "by"),
        ({"by": ["a", None]}, "wrong-type", "by"),
        ({"groups": ["a"]}, "wrong-length", "groups"),
        ({"confidence_level": 1.0}, "not-in-range", "confidence_level"),
        ({"draws": 5}, "not-in-range", "draws"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    classifier: shv.Classifier, settings: dict[str, object], code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        shv.take_inventory(classifier, predictions(np.array([0, 1])), **settings)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.remedy("wrong-type")
def test_numbers_of_stores_are_given_as_text(classifier: shv.Classifier) -> None:
    by, found = [1, 2], predictions(np.array([0, 1]))
    with refuses(InvalidParameterError, "wrong-type", "by") as caught:
        shv.take_inventory(classifier, found, by=by)  # type: ignore[arg-type]  # on purpose
    assert "by=[str(value) for value in by]" in str(caught.value)
    stock = shv.take_inventory(classifier, found, by=[str(value) for value in by])
    assert list(stock.parts) == ["1", "2"]


@pytest.mark.remedy("wrong-type")
def test_what_is_no_classifier_is_refused(classifier: shv.Classifier, tmp_path: Path) -> None:
    with refuses(InvalidParameterError, "wrong-type", "classifier"):
        shv.take_inventory("bundle.shelf", predictions(np.array([0])))  # type: ignore[arg-type]
    classifier.save(tmp_path / "bundle.shelf")
    loaded = shv.Classifier.load(tmp_path / "bundle.shelf")
    assert shv.take_inventory(loaded, predictions(np.array([0]))).n_photos == 1


def test_predictions_that_were_corrected_already_are_refused(classifier: shv.Classifier) -> None:
    found = predictions(np.array([0]), class_prior={"juice": 1.0})
    with refuses(InvalidParameterError, "conflict", "photos"):
        shv.take_inventory(classifier, found)


def test_other_classes_are_refused(classifier: shv.Classifier) -> None:
    found = shv.Predictions([[0.5, 0.5]], ["a", "b"], ["x"])
    with refuses(DataError, "unknown-class", "photos") as caught:
        shv.take_inventory(classifier, found)
    assert "'a', 'b'" in str(caught.value)


def test_nothing_readable_is_no_inventory(classifier: shv.Classifier) -> None:
    with refuses(DataError, "empty", "photos"):
        shv.take_inventory(classifier, predictions(np.array([0]), errors=["torn"]))


def test_a_class_without_validation_photos_is_told() -> None:
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    photos = shv.samples.render_products(4, class_names=["Can", "Jar"], image_size=(88, 88))
    bare = shv.Classifier.from_model(model, class_names=photos.class_names)
    stock = shv.take_inventory(bare.with_validation(photos[:4]), photos)
    assert stock.unmeasured == ("Jar",)
    assert "validation photos are missing: Jar." in str(stock)


def test_stock_is_held_against_a_list(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64], tmp_path: Path
) -> None:
    path = tmp_path / "erp.csv"
    path.write_text("product,count\njuice,200\nmilk,310\ntea,5\n", encoding="utf-8")
    found = shv.take_inventory(classifier, predictions(taken), correction="full")
    checks = found.against(path)
    assert {one.product: one.count for one in checks if one.count is not None} == found.counts
    assert {one.product: one.status for one in checks} == {
        "juice": "short",
        "milk": "as expected",
        "<b>=oats": "over",
        "tea": "unknown",
    }
    assert checks[-1].product == "milk"
    assert "200 expected" in str(next(one for one in checks if one.product == "juice"))


def test_what_is_not_there_at_all_is_missing(classifier: shv.Classifier) -> None:
    stock = shv.take_inventory(classifier, predictions(np.zeros(5, np.int64)))
    status = {one.product: one.status for one in stock.against({"<b>=oats": 30})}
    assert status["<b>=oats"] in ("missing", "short")


def test_it_is_saved_as_csv_json_and_a_page(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64], tmp_path: Path
) -> None:
    decisions: list[Decision] = ["review", *["accept"] * 399]  # type: ignore[list-item]  # narrow
    found = predictions(taken, decisions=decisions)
    stock = shv.take_inventory(classifier, found, by=lambda name: name[0])
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
    photos = shv.samples.render_products(2, class_names=["Can", "Jar"], image_size=(88, 88))
    renamed = photos.relabel({"Can": "=1+1", "Jar": "jar"})
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    bare = shv.Classifier.from_model(model, class_names=renamed.class_names)
    shv.take_inventory(bare.with_validation(renamed), photos).save(tmp_path / "stock.csv")
    assert ",'=1+1," in (tmp_path / "stock.csv").read_text(encoding="utf-8")


def test_a_page_shows_the_photos_to_review(tmp_path: Path) -> None:
    photos = shv.samples.render_products(3, class_names=["Can", "Jar"], image_size=(88, 88))
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    bare = shv.Classifier.from_model(model, class_names=photos.class_names)
    kept = bare.with_validation(photos)
    unsure = kept.with_threshold(dataset=photos, mistake_cost=1e6, review_cost=1e-6)
    stock = shv.take_inventory(unsure, photos)
    stock.save(tmp_path / "stock.html", photos=photos)
    page = (tmp_path / "stock.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == len(stock.review) > 0


def test_another_ending_is_refused(classifier: shv.Classifier, tmp_path: Path) -> None:
    stock = shv.take_inventory(classifier, predictions(np.array([0])))
    with refuses(InvalidParameterError, "not-an-option", "path"):
        stock.save(tmp_path / "stock.xlsx")


def test_an_inventory_says_which_correction_was_applied_and_why(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64], tmp_path: Path
) -> None:
    stock = shv.take_inventory(classifier, predictions(taken), by=lambda name: name[0])
    assert stock.correction is not None
    assert str(stock.correction) in str(stock)
    stock.save(tmp_path / "stock.json")
    stock.save(tmp_path / "stock.csv")
    read = json.loads((tmp_path / "stock.json").read_text(encoding="utf-8"))
    assert read["correction"]["method"] == stock.correction.method
    assert read["parts"]["0"]["correction"]["reason"]
    with open(tmp_path / "stock.csv", encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["correction"] == stock.correction.method


def test_plain_counts_can_be_asked_for(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    stock = shv.take_inventory(classifier, predictions(taken), correction="none")
    assert stock.counts == pytest.approx(stock.naive)
    low, high = stock.intervals["milk"]
    assert low < stock.naive["milk"] < high
    assert "correction='none' was chosen" in str(stock)
    with refuses(InvalidParameterError, "not-an-option", "correction"):
        shv.take_inventory(classifier, predictions(taken), correction="some")  # type: ignore[arg-type]  # wrong on purpose


def test_several_sessions_measure_the_confusion(
    classifier: shv.Classifier, taken: npt.NDArray[np.int64]
) -> None:
    true = np.repeat(np.arange(3), 100)
    report = shv.EvaluationReport(predictions(taken_for(true, np.random.default_rng(9))), true)
    bare = classifier.with_validation(None)
    found = shv.take_inventory(bare, predictions(taken), confusion=[classifier, report])
    assert found.correction is not None
    assert found.correction.n_sources == 2
    alone = shv.take_inventory(bare, predictions(taken), confusion=classifier)
    assert alone.counts == shv.take_inventory(classifier, predictions(taken)).counts


def test_sources_that_do_not_fit_are_named(classifier: shv.Classifier) -> None:
    found = predictions(np.array([0, 1]))
    other = shv.EvaluationReport(shv.Predictions([[0.4, 0.6]], ["a", "b"], ["x"]), [0])
    with refuses(DataError, "unknown-class", "confusion"):
        shv.take_inventory(classifier, found, confusion=other)
    with refuses(DataError, "empty", "confusion"):
        shv.take_inventory(classifier, found, confusion=[])
    with refuses(InvalidParameterError, "wrong-type", "confusion"):
        shv.take_inventory(classifier, found, confusion="val")  # type: ignore[arg-type]  # wrong on purpose
    with refuses(InvalidParameterError, "wrong-type", "confusion"):
        shv.take_inventory(classifier, found, confusion=classifier.with_validation(None))
    small = MeasuredPhotos(
        probabilities=np.eye(2, dtype=np.float32), labels=np.arange(2), groups=np.arange(2)
    )
    with refuses(InvalidParameterError, "wrong-length", "confusion"):
        shv.take_inventory(classifier, found, confusion=small)
