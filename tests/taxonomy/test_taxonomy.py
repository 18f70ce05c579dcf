"""Answers, scores and counts stand on the level that is sure enough, and add up rightly."""

from __future__ import annotations

import functools
import pickle
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.predictions import Decision
from support import gives_warning, refuses

NAMES = ("arla", "banana", "oatly", "valio")
SHOP = {
    "dairy": {"milk": ["arla", "valio"], "oat milk": ["oatly"]},
    "fruit": {"banana": ["banana"]},
}


@pytest.fixture(scope="module")
def shop() -> shv.Taxonomy:
    return shv.Taxonomy.from_mapping(SHOP)


def predictions(
    rows: npt.ArrayLike,
    *,
    errors: list[str | None] | None = None,
    decisions: list[Decision] | None = None,
) -> shv.Predictions:
    array = np.asarray(rows, np.float32)
    ids = [f"{number}.jpg" for number in range(len(array))]
    return shv.Predictions(array, NAMES, ids, errors, decisions=decisions)


def test_a_photo_is_answered_with_its_finest_name_that_is_sure_enough(shop: shv.Taxonomy) -> None:
    said = predictions(
        [[0.95, 0, 0.05, 0], [0.5, 0, 0.05, 0.45], [0.4, 0.05, 0.35, 0.2], [0.3, 0.4, 0.2, 0.1]]
    )
    answers = shop.answer(said, 0.9)
    assert answers.names.tolist() == ["arla", "milk", "dairy", "dairy"]
    assert answers.levels.tolist() == ["product", "label", "department", "department"]
    assert answers.decisions.tolist() == ["accept", "accept", "accept", "review"]
    assert answers.confidences == pytest.approx([0.95, 0.95, 0.95, 0.6])
    assert answers.counts == {"product": 1, "label": 1, "department": 1, "review": 1}
    assert [str(one) for one in answers] == [
        "arla, 0.95", "some milk, 0.95", "some dairy, 0.95", "to review, perhaps some dairy, 0.60",
    ]  # fmt: skip


def test_the_name_of_a_coarser_level_need_not_hold_the_likeliest_product(
    shop: shv.Taxonomy,
) -> None:
    said = predictions([[0.3, 0, 0.4, 0.3]])
    assert said.labels[0] == "oatly"
    assert shop.answer(said, 0.55)[0].name == "milk"


def test_a_photo_that_failed_is_to_review_on_no_level(shop: shv.Taxonomy) -> None:
    said = predictions([[1, 0, 0, 0], [0, 0, 0, 0]], errors=[None, "it is cut off"])
    answers = shop.answer(said, 0)
    assert answers[1].name is None
    assert answers[1].level is None
    assert answers[1].decision == "review"
    assert str(answers[1]) == "not read: it is cut off"
    assert shop.correct(answers, ["arla", "arla"]).tolist() == [True, False]


def test_thresholds_that_accept_nothing_send_all_to_review(shop: shv.Taxonomy) -> None:
    answers = shop.answer(predictions([[1, 0, 0, 0]]), shv.Thresholds(values=(None,)))
    assert answers.decisions.tolist() == ["review"]


def test_answers_can_be_taken_apart_shown_and_pickled(shop: shv.Taxonomy) -> None:
    answers = shop.answer(predictions(np.tile([[0.9, 0, 0.1, 0]], (20, 1))), 0.5)
    assert len(answers[3:5]) == 2
    assert answers[-1].id == "19.jpg"
    assert pickle.loads(pickle.dumps(answers)).names.tolist() == answers.names.tolist()
    assert "12 more" in repr(answers)
    with pytest.raises(ValueError, match="read-only"):
        answers.names[0] = "something else"


def test_answers_are_right_on_the_level_they_were_given_on(shop: shv.Taxonomy) -> None:
    answers = shop.answer(
        predictions([[0.9, 0, 0, 0.1], [0.5, 0, 0, 0.5], [0.4, 0.1, 0.5, 0]]), 0.8
    )
    assert answers.levels.tolist() == ["product", "label", "department"]
    assert shop.correct(answers, ["valio", "valio", "valio"]).tolist() == [False, True, True]
    assert shop.correct(answers, ["arla", "oatly", "banana"]).tolist() == [True, False, False]


def test_probabilities_are_added_up(shop: shv.Taxonomy) -> None:
    said = predictions([[0.1, 0.2, 0.3, 0.4]], decisions=["review"])
    rolled = shop.roll_up(said)
    assert rolled.class_names == ("banana", "milk", "oat milk")
    assert rolled.probabilities[0] == pytest.approx([0.2, 0.5, 0.3])
    assert rolled.decisions.tolist() == ["review"]
    assert shop.roll_up(rolled).class_names == ("dairy", "fruit")
    assert shop.roll_up(said, "department").probabilities[0] == pytest.approx([0.8, 0.2])


def test_a_dataset_gets_the_labels_of_the_level(shop: shv.Taxonomy) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    photos = shv.Dataset.from_arrays(images, [0, 1, 2, 3], class_names=NAMES)
    rolled = shop.roll_up(photos, "department")
    assert rolled.class_names == ("dairy", "fruit")
    assert rolled.labels.tolist() == [0, 1, 0, 0]
    assert photos.relabel(shop.mapping("department")).labels.tolist() == [0, 1, 0, 0]


class Says:
    """A classifier that says what it was told to."""

    class_names = NAMES

    def __init__(self, rows: npt.ArrayLike) -> None:
        self.rows = np.asarray(rows, np.float32)
        self.asked = 0

    def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
        self.asked += 1
        return shv.Predictions(self.rows, NAMES, photos.ids)


def test_every_level_is_judged_with_one_round_of_predicting(shop: shv.Taxonomy) -> None:
    images = np.arange(4 * 8 * 8 * 3, dtype=np.uint32).astype(np.uint8).reshape(4, 8, 8, 3)
    photos = shv.Dataset.from_arrays(images, [0, 1, 2, 3], class_names=NAMES)
    # arla and valio are mixed up; oatly is taken for milk.
    says = Says(np.array([[4, 0, 0, 6], [0, 10, 0, 0], [7, 0, 3, 0], [6, 0, 0, 4]]) / 10)
    reports = shop.evaluate(says, photos)
    assert list(reports) == ["product", "label", "department"]
    assert [report.accuracy for report in reports.values()] == [0.25, 0.75, 1.0]
    assert reports["label"].macro_f1 == pytest.approx((0.8 + 1 + 0) / 3)
    assert says.asked == 1


@pytest.fixture(scope="module")
def inventory() -> shv.Inventory:
    """Return an inventory whose arla and valio are hardly told apart."""
    rng = np.random.default_rng(0)
    arla = rng.integers(0, 101, 1000)
    draws = np.stack([arla, np.full(1000, 7), rng.integers(3, 6, 1000), 100 - arla], axis=1)
    part = shv.Inventory(
        class_names=NAMES, naive={"arla": 60, "banana": 7, "oatly": 5, "valio": 40}, draws=draws,
        confidence_level=0.9, n_photos=112, review=(), failed={}, unmeasured=("oatly", "valio"),
        parts={},
    )  # fmt: skip
    return replace(part, parts={"Harbour": part})


def test_intervals_of_sums_are_those_of_the_draws_not_sums_of_ends(
    shop: shv.Taxonomy, inventory: shv.Inventory
) -> None:
    low, high = (sum(inventory.intervals[n][end] for n in ("arla", "valio")) for end in (0, 1))
    assert high - low > 150
    rolled = shop.roll_up(inventory)
    assert rolled.intervals["milk"] == (100, 100)
    assert rolled.counts["milk"] == pytest.approx(100)
    assert rolled.naive == {"banana": 7, "milk": 100, "oat milk": 5}
    assert rolled.unmeasured == ("oat milk",)
    assert rolled.parts["Harbour"].intervals["milk"] == (100, 100)
    assert rolled.against({"milk": 120, "banana": 7})[0].status == "short"
    assert shop.roll_up(rolled, "department").intervals["dairy"] == (103, 105)


@functools.cache
def untrained() -> shv.Classifier:
    return shv.Classifier.from_model(
        shv.build_model(4, image_size=(88, 88), seed=1), class_names=NAMES
    )


def classifier_with(
    rows: npt.ArrayLike,
    labels: npt.NDArray[np.int64] | list[int],
    groups: list[int] | None = None,
) -> shv.Classifier:
    scores = shv.ValidationScores.of(np.asarray(rows, np.float32), labels, groups)
    return untrained().with_validation(scores)


def made_up(n: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], list[int]]:
    """Return scores of a classifier that often mixes arla and valio up, and says so."""
    true = rng.integers(0, 4, n)
    rows = np.full((n, 4), 0.002, np.float32)
    for row, product in zip(rows, true, strict=True):
        if product in (0, 3) and rng.random() < 0.8:
            row[[0, 3]] = rng.permutation([0.55, 0.42])
        else:
            row[product] = 0.99
    return rows / rows.sum(axis=1, keepdims=True), true.tolist()


def test_where_products_are_mixed_up_the_label_keeps_the_precision(shop: shv.Taxonomy) -> None:
    rows, labels = made_up(400, np.random.default_rng(1))
    classifier = classifier_with(rows, labels)
    thresholds = shop.thresholds_for(classifier, 0.97)
    assert thresholds.n_accepted == 400
    assert thresholds.n_mistakes == 0
    assert thresholds.n_groups == 400
    rows, labels = made_up(500, np.random.default_rng(2))
    said = predictions(rows)
    answers = shop.answer(said, thresholds)
    assert answers.counts["product"] > 200
    assert answers.counts["label"] > 100
    assert answers.counts["review"] == 0
    assert shop.correct(answers, [NAMES[label] for label in labels]).mean() >= 0.97
    # On products alone the same precision leaves those photos to review.
    alone = shv.Thresholds.for_precision(*made_up(400, np.random.default_rng(1)), precision=0.97)
    assert (alone.decide(rows) == "review").sum() == answers.counts["label"]


def test_what_the_thresholds_count_is_what_answering_gives(shop: shv.Taxonomy) -> None:
    rng = np.random.default_rng(3)
    rows = rng.dirichlet(np.full(4, 0.15), 600).astype(np.float32)
    right = (rng.random((600, 1)) > rows.cumsum(axis=1)).sum(axis=1)
    labels = np.minimum(right, 3).tolist()
    thresholds = shop.thresholds_for(classifier_with(rows, labels), 0.9)
    answers = shop.answer(predictions(rows), thresholds)
    accepted = answers.decisions == "accept"
    wrong = accepted & ~shop.correct(answers, [NAMES[label] for label in labels])
    assert thresholds.n_accepted == accepted.sum()
    assert thresholds.n_mistakes == wrong.sum()
    assert 0 < thresholds.n_mistakes < 0.1 * thresholds.n_accepted


def test_a_group_counts_once_and_as_wrong_if_any_of_its_answers_is(shop: shv.Taxonomy) -> None:
    rows, labels = made_up(400, np.random.default_rng(1))
    classifier = classifier_with(rows, labels, [number // 8 for number in range(400)])
    with gives_warning(ShelfVisionWarning, "too-few-photos", "precision") as told:
        thresholds = shop.thresholds_for(classifier, 0.97)
    assert "50 groups of photos" in str(told[0])
    assert thresholds.values == (None,)


def test_the_precision_is_reached_in_as_many_runs_as_asked_for(shop: shv.Taxonomy) -> None:
    def drawn(
        n: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return scores that claim a little too much, and true classes."""
        shares = rng.dirichlet([0.3, 0.2, 0.2, 0.3], n)
        true = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 3)
        sharp = shares**1.3
        return (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32), true

    new, truth = drawn(10_000, np.random.default_rng(99))
    products = [NAMES[number] for number in truth]
    broken = []
    for seed in range(200):
        classifier = classifier_with(*drawn(150, np.random.default_rng(seed)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ShelfVisionWarning)
            thresholds = shop.thresholds_for(classifier, 0.9, confidence_level=0.9)
        if thresholds.values[0] is not None:
            answers = shop.answer(predictions(new), thresholds)
            right = shop.correct(answers, products)[answers.decisions == "accept"]
            broken.append(right.mean() < 0.9)
    assert len(broken) > 100
    assert sum(broken) <= 200 * 0.1 + 3 * (200 * 0.1 * 0.9) ** 0.5


def test_what_does_not_fit_together_is_told(shop: shv.Taxonomy) -> None:
    one = predictions([[1, 0, 0, 0]])
    with refuses(InvalidParameterError, "not-in-range", "thresholds"):
        shop.answer(one, 1.5)
    with refuses(InvalidParameterError, "unknown-name", "level"):
        shop.roll_up(one, "shelf")
    top = shop.roll_up(one, "department")
    with refuses(InvalidParameterError, "not-in-range", "level"):
        shop.roll_up(top)
    with refuses(InvalidParameterError, "wrong-type", "what"):
        shop.roll_up([1, 2])  # type: ignore[call-overload]
    with refuses(DataError, "wrong-length", "products"):
        shop.correct(shop.answer(one, 0.5), ["arla", "arla"])
    model = shv.build_model(4, image_size=(88, 88), seed=1)
    with pytest.raises(DataError):
        shop.thresholds_for(shv.Classifier.from_model(model, class_names=NAMES), 0.9)


def test_a_class_without_a_place_is_named_with_the_closest(shop: shv.Taxonomy) -> None:
    strange = shv.Predictions([[0.5, 0.5]], ["arla", "Oatly "], ["1.jpg"])
    for use in (lambda: shop.answer(strange, 0.5), lambda: shop.roll_up(strange)):
        with refuses(DataError, "missing-class") as caught:
            use()
        assert "no product 'Oatly' (is 'oatly' meant?)" in str(caught.value)


@pytest.mark.remedy("per-class")
def test_thresholds_of_each_class_give_way_to_one_for_all(shop: shv.Taxonomy) -> None:
    one = predictions([[1, 0, 0, 0]])
    with refuses(InvalidParameterError, "per-class", "thresholds"):
        shop.answer(one, shv.Thresholds(values=(0.5, 0.5, 0.5, 0.5)))
    classifier = classifier_with(*made_up(400, np.random.default_rng(1)))
    assert len(shop.answer(one, shop.thresholds_for(classifier, 0.9))) == 1


def test_products_of_other_spellings_are_the_same(shop: shv.Taxonomy) -> None:
    answers = shop.answer(predictions([[0.9, 0, 0, 0.1]]), 0.8)
    assert shop.correct(answers, ["arla\u00a0"]).tolist() == [True]


def test_a_taxonomy_is_a_value(shop: shv.Taxonomy, tmp_path: Path) -> None:
    assert shop == shv.Taxonomy.from_mapping(SHOP)
    assert hash(shop) == hash(shv.Taxonomy.from_mapping(SHOP))
    assert pickle.loads(pickle.dumps(shop)) == shop
    assert len(shop) == 4
    assert shop.names("label") == ("banana", "milk", "oat milk")
    assert repr(shop) == "<Taxonomy: 4 products, 3 labels, 2 departments>"


def test_counts_of_an_inventory_are_summed_even_if_its_draws_have_other_means(
    shop: shv.Taxonomy, inventory: shv.Inventory
) -> None:
    counted = replace(inventory, estimates=np.array([61.0, 7.0, 5.5, 38.5]), parts={})
    assert shop.roll_up(counted).counts["milk"] == pytest.approx(99.5)
