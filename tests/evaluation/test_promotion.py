"""The promotion gate: two classifiers on the same labelled photos."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
)
from shelfvision.evaluation.scores._paired import sign_flip_p_value
from support import refuses
from support.answers import Says

NAMES = ("can", "jar")
Answers = npt.NDArray[np.int64]


def photos(n: int, *, burst: int = 1, names: tuple[str, ...] = NAMES) -> shv.Dataset:
    """Return photos of the classes in turn; `burst` photos in a row are of one class and group."""
    labels = np.arange(n) // burst % len(names)
    return shv.Dataset.from_arrays(
        np.zeros((n, 8, 8, 3), np.uint8),
        labels,
        class_names=names,
        groups=[f"burst {row // burst}" for row in range(n)],
    )


def answers(dataset: shv.Dataset, wrong: range | list[int]) -> Answers:
    """Return the true classes, but the next class for some photos."""
    labels = dataset.labels.astype(np.int64)
    labels[list(wrong)] = (labels[list(wrong)] + 1) % len(dataset.class_names)
    return labels


def gate(n: int, before: range, after: range, burst: int = 1, **rules: float) -> shv.Promotion:
    dataset = photos(n, burst=burst)
    old, new = (Says(answers(dataset, wrong)) for wrong in (before, after))
    settings = {"resamples": 300, **rules}
    return shv.promotion(old, new, dataset, **settings)  # type: ignore[arg-type]  # numbers


def test_a_better_classifier_is_promoted() -> None:
    found = gate(400, range(40), range(10))

    assert found.verdict == "promote"
    assert (found.only_old, found.only_new) == (0, 30)
    assert found.scores[0].difference == pytest.approx(30 / 400)
    assert found.scores[0].interval[0] > 0
    assert found.p_value == pytest.approx(binomtest(0, 30).pvalue)
    assert "is above -0.010" in found.reasons[0]


def test_a_worse_classifier_is_not() -> None:
    found = gate(400, range(10), range(60))

    assert found.verdict == "keep"
    assert found.reasons[0].startswith("The accuracy is lower by 0.125")


def test_equal_classifiers_are_promoted_only_with_enough_photos() -> None:
    few, many = (gate(n, range(5), range(5)) for n in (200, 500))

    assert (few.verdict, many.verdict) == ("undecided", "promote")
    # The remedy works: with the number of groups that the reason names, the gate decides.
    needed = int(few.reasons[0].split(" groups")[0].split()[-1].replace(",", ""))
    assert gate(needed, range(5), range(5)).verdict == "promote"
    assert gate(200, range(5), range(5), margin=0.05).verdict == "promote"


def test_one_gain_and_no_loss_among_few_photos_is_no_proof() -> None:
    # No resample has a loss, so percentiles of a bootstrap would say that there cannot be any.
    assert gate(100, range(1), range(0)).verdict == "undecided"


def test_a_class_that_is_worse_blocks_a_better_classifier() -> None:
    dataset = photos(600)
    cans, jars = (np.flatnonzero(dataset.labels == label).tolist() for label in (0, 1))
    old = Says(answers(dataset, cans[:150]))
    new = Says(answers(dataset, jars[:45]))
    found = shv.promotion(old, new, dataset)

    assert found.scores[0].interval[0] > 0.1
    assert (found.verdict, [one.name for one in found.worse]) == ("keep", ["jar"])
    assert {one.name: one.status for one in found.classes} == {"can": "better", "jar": "worse"}
    assert found.reasons[0].startswith("Class 'jar' is worse: 1.000 to 0.850")
    assert found.worse[0].interval[1] < 0
    assert shv.promotion(old, new, dataset, class_margin=0.2).verdict == "promote"


def test_photos_of_a_burst_count_as_one() -> None:
    alone, bursts = (gate(400, range(40), range(10), burst=burst) for burst in (1, 20))

    assert alone.verdict == "promote"
    assert (bursts.verdict, bursts.n_groups) == ("undecided", 20)
    assert bursts.reasons == ("Not enough photos: 20 groups, and the gate needs 30.",)
    assert bursts.p_value > alone.p_value


def test_p_values_of_classes_are_corrected_for_their_number() -> None:
    names = tuple(f"product {number:02}" for number in range(40))
    dataset = photos(40 * 30, names=names)
    first = np.flatnonzero(dataset.labels == 0).tolist()
    found = shv.promotion(
        Says(answers(dataset, []), names), Says(answers(dataset, first[:7]), names), dataset
    )
    one = found.classes[0]

    assert one.p_value == pytest.approx(2**-6)
    assert one.adjusted_p_value == pytest.approx(40 * 2**-6)
    assert one.status == "no difference"
    assert "would be worse" in found.notes[-1]


def test_classes_with_few_photos_are_listed_and_do_not_weaken_the_others() -> None:
    names = tuple(f"product {number:02}" for number in range(40))
    labels = np.concatenate((np.arange(40).repeat(3), np.zeros(60, np.int64)))
    dataset = shv.Dataset.from_arrays(
        np.zeros((180, 8, 8, 3), np.uint8),
        labels,
        class_names=names,
        groups=[str(row) for row in range(180)],
    )
    zeros = np.flatnonzero(labels == 0).tolist()
    found = shv.promotion(
        Says(answers(dataset, []), names), Says(answers(dataset, zeros[:7]), names), dataset
    )

    assert found.classes[0].adjusted_p_value == found.classes[0].p_value == pytest.approx(2**-6)
    assert (found.verdict, found.classes[0].status) == ("keep", "worse")
    assert {one.status for one in found.classes[1:]} == {"not enough photos"}


def test_a_class_with_too_few_photos_for_any_test_is_not_called_worse() -> None:
    names = (*NAMES, "rare")
    labels = np.concatenate((np.arange(400) % 2, np.full(4, 2)))
    dataset = shv.Dataset.from_arrays(
        np.zeros((404, 8, 8, 3), np.uint8),
        labels,
        class_names=names,
        groups=[str(row) for row in range(404)],
    )
    rare = range(400, 404)
    found = shv.promotion(
        Says(answers(dataset, []), names), Says(answers(dataset, rare), names), dataset
    )

    assert (found.classes[2].difference, found.classes[2].p_value) == (-1.0, 0.125)
    assert found.notes == ("Not enough photos to test 1 class: 'rare'.",)


def test_new_products_do_not_hide_a_loss_on_the_others() -> None:
    names = (*NAMES, "pouch")
    dataset = photos(1200, names=names)
    shared = np.flatnonzero(dataset.labels < 2)
    old = Says(np.where(dataset.labels < 2, dataset.labels, 0).astype(np.int64))
    new_answers = dataset.labels.astype(np.int64)
    new_answers[shared[::25]] = 2
    # The other order of classes is matched by name.
    turned = ("pouch", "jar", "can")
    found = shv.promotion(old, Says(2 - new_answers, turned), dataset)
    scores = {one.score: one for one in found.scores}

    assert scores["accuracy"].interval[0] > 0.2
    assert scores["accuracy, shared classes"].difference == pytest.approx(-0.04)
    assert found.verdict == "keep"
    assert {one.name: one.known_to for one in found.classes} == {
        "can": "both",
        "jar": "both",
        "pouch": "new",
    }
    assert found.notes[0].startswith("Only the new classifier has 'pouch'")


def test_a_discontinued_product_counts_as_wrong_until_it_is_left_out() -> None:
    names = (*NAMES, "pouch")
    dataset = photos(1500, names=names)
    old = Says(answers(dataset, []), names)

    class New(Says):
        def predict(self, photos: shv.Dataset) -> shv.Predictions:
            number = {name: place for place, name in enumerate(self.class_names)}
            said = [number.get(photos.class_names[label], 0) for label in photos.labels]
            return Says(np.array(said)).predict(photos)

    class Old(Says):
        def predict(self, photos: shv.Dataset) -> shv.Predictions:
            said = [names.index(photos.class_names[label]) for label in photos.labels]
            return Says(np.array(said), names).predict(photos)

    nobody = np.zeros(0, np.int64)
    old, new = Old(nobody, names), New(nobody)
    assert shv.promotion(old, new, dataset).worse[0].name == "pouch"
    assert shv.promotion(old, new, dataset.select(NAMES)).verdict == "promote"


def test_coverage_precision_and_calibration_are_those_of_each_classifier() -> None:
    dataset = photos(400)
    labels, right = dataset.labels.astype(np.int64), np.arange(400) % 10 > 0
    said = np.where(right, labels, 1 - labels)
    old = Says(said, decisions=["accept"] * 400)
    found = shv.promotion(
        old, Says(said, decisions=["review", "accept"] * 200, confidence=0.6), dataset
    )
    scores = {one.score: one for one in found.scores}

    assert (scores["coverage"].old, scores["coverage"].new) == (1.0, 0.5)
    assert scores["coverage"].interval[1] < -0.4
    assert scores["precision of accepted"].old == pytest.approx(0.9)
    assert scores["precision of accepted"].new == pytest.approx(1.0)
    assert scores["precision of accepted"].interval[0] > 0
    rows = Says(said, confidence=0.6).predict(dataset).probabilities
    calibration = scores["calibration error (ECE)"]
    assert calibration.new == pytest.approx(shv.expected_calibration_error(rows, labels), abs=1e-6)
    assert calibration.interval[0] > 0.2


def test_without_thresholds_there_is_no_coverage() -> None:
    assert [one.score for one in gate(60, range(5), range(5)).scores] == [
        "accuracy",
        "macro F1",
        "calibration error (ECE)",
    ]


def test_photos_that_one_classifier_could_not_read_are_left_out() -> None:
    dataset = photos(400)
    said = answers(dataset, range(40))
    errors = ["damaged" if 100 <= row < 110 else None for row in range(400)]
    found = shv.promotion(Says(said), Says(said, errors=errors), dataset)
    assert (found.n_photos, found.n_unreadable) == (390, 10)
    assert "10 photos could not be read." in found.notes


def test_a_class_that_neither_has_is_refused_and_the_remedy_works() -> None:
    dataset = photos(90, names=(*NAMES, "pouch"))
    old = new = Says(np.zeros(60, np.int64))
    with refuses(DataError, "unknown-class", "dataset"):
        shv.promotion(old, new, dataset)
    remedied = dataset.select(sorted({*old.class_names, *new.class_names}))
    assert shv.promotion(old, new, remedied).n_photos == 60


def test_training_photos_are_refused_left_out_or_noted() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 8, 8, 3), dtype=np.uint8)
    dataset = shv.Dataset.from_arrays(pixels, np.arange(60) % 2, class_names=NAMES)
    # The new classifier is right only for the photos that it was trained on.
    old, new = Says(answers(dataset, range(20))), Says(answers(dataset, range(20, 60)))
    training = [dataset[:10], dataset[10:20]]
    with refuses(LeakageError, "leakage", "dataset"):
        shv.promotion(old, new, dataset, training=training)
    with pytest.warns(LeakageWarning):
        found = shv.promotion(old, new, dataset, training=training, on_leak="allow")
    assert found.n_photos == 60
    assert found.notes[0].startswith("Data leakage: 20 photos of 20 groups")

    old, new = Says(answers(dataset[20:], [])), Says(answers(dataset[20:], range(40)))
    found = shv.promotion(old, new, dataset, training=training, on_leak="drop")
    assert (found.verdict, found.n_photos) == ("keep", 40)
    assert found.notes[0].startswith("20 photos of 20 groups were left out")
    with refuses(DataError, "leakage", "dataset"):
        shv.promotion(old, new, dataset, training=dataset, on_leak="drop")


def test_training_photos_are_found_by_their_content_if_groups_have_other_names() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 3), dtype=np.uint8)
    names = [f"burst {row}" for row in range(60)]
    dataset = shv.Dataset.from_arrays(pixels, np.arange(60) % 2, class_names=NAMES, groups=names)
    training = shv.Dataset.from_arrays(pixels[3:5], [0, 1], class_names=NAMES)
    says = Says(answers(dataset, []))
    with refuses(LeakageError, "leakage", "dataset"):
        shv.promotion(says, says, dataset, training=training)
    unrelated = shv.Dataset.from_arrays(255 - pixels[3:5], [0, 1], class_names=NAMES)
    assert shv.promotion(says, says, dataset, training=unrelated).n_photos == 60


def test_training_and_on_leak_are_checked() -> None:
    says, dataset = Says(answers(photos(60), [])), photos(60)
    for training in (3, "train.csv", [dataset, 3]):
        with refuses(InvalidParameterError, "wrong-type", "training"):
            shv.promotion(says, says, dataset, training=training)  # type: ignore[arg-type]
    with refuses(InvalidParameterError, "not-an-option", "on_leak"):
        shv.promotion(says, says, dataset, on_leak="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "parameter"),
    [
        ({"margin": -0.1}, "margin"),
        ({"class_margin": 2}, "class_margin"),
        ({"min_groups": 1}, "min_groups"),
        ({"confidence_level": 1}, "confidence_level"),
        ({"resamples": 0}, "resamples"),
    ],
)
def test_numbers_out_of_range_are_refused(rules: dict[str, float], parameter: str) -> None:
    with refuses(InvalidParameterError, "not-in-range", parameter):
        gate(60, range(1), range(1), 1, **rules)


def test_something_that_cannot_predict_is_refused() -> None:
    dataset = photos(4)
    with refuses(InvalidParameterError, "wrong-type", "new"):
        shv.promotion(Says(answers(dataset, [])), "new.shelf", dataset)  # type: ignore[arg-type]
    with refuses(DataError, "empty", "dataset"):
        shv.promotion(Says(answers(dataset, [])), Says(answers(dataset, [])), dataset[:0])


def test_the_result_is_a_text_a_page_a_table_and_json(tmp_path: Path) -> None:
    found = gate(400, range(10), range(60))
    for name in ("gate.html", "gate.json", "gate.csv"):
        found.save(tmp_path / name)

    assert str(found).startswith("Keep the old classifier: 400 photos in 400 groups")
    assert "Keep the old classifier" in (tmp_path / "gate.html").read_text()
    plain = json.loads((tmp_path / "gate.json").read_text())
    assert plain == found.to_dict()
    rows = list(csv.DictReader((tmp_path / "gate.csv").open()))
    assert [row["name"] for row in rows] == list(NAMES)
    assert float(rows[0]["low"]) == found.classes[0].interval[0]
    assert list(found.to_frame()["status"]) == [one.status for one in found.classes]
    assert "Keep the old classifier" in found._repr_html_()
    assert pickle.loads(pickle.dumps(found)) == found
    with refuses(InvalidParameterError, "not-an-option", "path"):
        found.save(tmp_path / "gate.pdf")


def test_names_have_no_effect_on_page_and_text(tmp_path: Path) -> None:
    names = ("=1+1", "<script>\x1b[2J")
    dataset = photos(400, names=names)
    found = shv.promotion(
        Says(answers(dataset, range(4)), names), Says(answers(dataset, range(200)), names), dataset
    )
    found.save(tmp_path / "gate.html")
    found.save(tmp_path / "gate.csv")

    page = (tmp_path / "gate.html").read_text()
    assert "<script>" not in page
    assert "\x1b" not in page + str(found)
    assert "'=1+1" in (tmp_path / "gate.csv").read_text()


def test_the_p_value_is_exact_over_all_signs() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        gains = rng.integers(-4, 5, 10)
        signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1)
        exact = (np.abs(gains @ signs) >= abs(gains.sum())).mean()
        assert sign_flip_p_value(gains) == pytest.approx(exact)


def test_a_classifier_that_loses_the_margin_is_rarely_promoted() -> None:
    # 6 % losses and 4 % gains, in bursts of 4: the true loss is the margin.
    dataset, promoted = photos(400, burst=4), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        kind = rng.choice(3, 100, p=[0.9, 0.06, 0.04])[np.arange(400) // 4]
        old, new = (answers(dataset, np.flatnonzero(kind == one).tolist()) for one in (2, 1))
        found = shv.promotion(
            Says(old), Says(new), dataset, margin=0.02, class_margin=1, resamples=100
        )
        promoted += found.verdict == "promote"
    assert promoted <= 4
