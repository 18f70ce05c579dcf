"""`Thresholds`: what is accepted, and how far the promise about it holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest

from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Thresholds
from support import refuses

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def rows_of(confidences: npt.ArrayLike) -> Floats:
    """Return rows of two classes where the first has these probabilities."""
    first = np.asarray(confidences, dtype=np.float32)
    return np.stack([first, 1 - first], axis=1)


def drawn(n: int, rng: np.random.Generator, size: int = 1) -> tuple[Floats, Labels, Labels]:
    """Return rows, labels, groups of photos; those of one group are right or wrong together."""
    sure = 1 - 0.5 * rng.beta(0.25, 2, n)
    wrong = rng.random(n) > sure
    labels = np.repeat(wrong.astype(np.int64), size)
    return rows_of(np.repeat(sure, size)), labels, np.repeat(np.arange(n), size)


def test_at_least_the_threshold_is_accepted() -> None:
    thresholds = Thresholds(values=(0.75,))
    found = thresholds.decide(rows_of([0.75, 0.7499, 0.9, 0.2]))
    assert found.tolist() == ["accept", "review", "accept", "accept"]


def test_each_predicted_class_can_have_its_own() -> None:
    thresholds = Thresholds(values=(0.9, 0.6))
    assert thresholds.decide(rows_of([0.8, 0.3, 0.95])).tolist() == ["review", "accept", "accept"]
    assert Thresholds(values=(None, 0.6)).decide(rows_of([1.0, 0.1])).tolist() == [
        "review",
        "accept",
    ]


def test_a_photo_that_could_not_be_read_is_to_review() -> None:
    rows = rows_of([0.9, np.nan])
    assert Thresholds(values=(0.0,)).decide(rows).tolist() == ["accept", "review"]


def test_149_photos_without_a_mistake_are_the_fewest_for_98_in_100() -> None:
    for n, supported in ((148, False), (149, True)):
        found = Thresholds.for_precision(rows_of(np.full(n, 0.9)), np.zeros(n, int), precision=0.98)
        assert (found.values[0] is not None) == supported
    assert 0.98**149 <= 0.05 < 0.98**148


def test_what_is_accepted_has_its_clopper_pearson_bound_above_what_was_asked() -> None:
    rows, labels, _ = drawn(400, np.random.default_rng(0))
    found = Thresholds.for_precision(rows, labels, precision=0.95)
    assert found.values[0] is not None
    right = found.n_accepted - found.n_mistakes
    bound = binomtest(right, found.n_accepted).proportion_ci(0.9, method="exact").low
    assert bound >= 0.95
    taken = found.decide(rows) == "accept"
    assert (taken.sum(), labels[taken].sum()) == (found.n_accepted, found.n_mistakes)


def test_too_few_photos_accept_nothing_and_say_how_many_would_do() -> None:
    found = Thresholds.for_precision(rows_of(np.full(50, 0.9)), np.zeros(50, int), precision=0.98)
    assert found.values == (None,)
    assert found.needed == (149,)
    assert set(found.decide(rows_of(np.full(50, 1.0)))) == {"review"}


def test_where_mistakes_are_too_many_no_number_would_do() -> None:
    labels = np.arange(60) % 2
    found = Thresholds.for_precision(rows_of(np.full(60, 0.9)), labels, precision=0.98)
    assert (found.values, found.needed) == ((None,), (None,))


def test_as_many_photos_as_were_said_to_do_often_do() -> None:
    rng = np.random.default_rng(3)
    rows, labels, _ = drawn(120, rng)
    needed = Thresholds.for_precision(rows, labels, precision=0.98).needed[0]
    assert needed is not None
    tries = [Thresholds.for_precision(*drawn(2 * needed, rng), precision=0.98) for _ in range(20)]
    assert sum(found.values[0] is not None for found in tries) >= 10


def test_a_group_counts_once_and_is_wrong_if_one_of_its_photos_is() -> None:
    rows, labels = rows_of(np.full(400, 0.9)), np.zeros(400, int)
    alone = Thresholds.for_precision(rows, labels, precision=0.98)
    pairs = Thresholds.for_precision(rows, labels, np.arange(400) // 4, precision=0.98)
    assert alone.values[0] is not None
    assert (pairs.values, pairs.n_groups, pairs.needed) == ((None,), 100, (149,))
    labels[::4] = [1] * 3 + [0] * 97
    few = Thresholds.for_precision(rows, labels, np.arange(400) // 4, precision=0.9)
    wanted = binomtest(97, 100).proportion_ci(0.9, method="exact").low
    assert wanted > 0.9
    assert few.n_mistakes == 3


@pytest.mark.parametrize(
    ("size", "n", "precision"), [(1, 300, 0.95), (1, 800, 0.97), (3, 300, 0.95)]
)
def test_the_promise_is_broken_as_seldom_as_was_said(size: int, n: int, precision: float) -> None:
    rng = np.random.default_rng(7)
    # What is accepted at a threshold t has this accuracy, over as good as all photos there are.
    sure = np.sort(1 - 0.5 * rng.beta(0.25, 2, 400_000))[::-1]
    accuracy = np.cumsum(sure) / np.arange(1, len(sure) + 1)
    chosen = [
        Thresholds.for_precision(*drawn(n, rng, size), precision=precision).values[0]
        for _ in range(400)
    ]
    values = np.array([np.inf if value is None else value for value in chosen])
    accepted = np.searchsorted(-sure, -values, side="right")
    broken = accuracy[np.maximum(accepted, 1) - 1][accepted > 0] < precision
    assert np.isfinite(values).mean() > 0.5
    # 0.05 and three standard errors.
    assert broken.sum() / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_photos_taken_together_break_the_promise_if_nobody_tells() -> None:
    rng = np.random.default_rng(5)
    told, untold = 0, 0
    for _ in range(100):
        sure = np.full(60, 0.9)
        wrong = rng.random(60) < 0.06
        rows = np.repeat(rows_of(sure), 20, axis=0)
        labels = np.repeat(wrong.astype(np.int64), 20)
        groups = np.repeat(np.arange(60), 20)
        untold += Thresholds.for_precision(rows, labels, precision=0.95).values[0] is not None
        told += Thresholds.for_precision(rows, labels, groups, precision=0.95).values[0] is not None
    assert told <= 5 + 7
    assert untold > 15


def test_on_average_the_precision_is_reached_with_fewer_photos() -> None:
    rng = np.random.default_rng(9)
    sure = np.sort(1 - 0.5 * rng.beta(0.25, 2, 400_000))[::-1]
    accuracy = np.cumsum(sure) / np.arange(1, len(sure) + 1)
    found = []
    for _ in range(400):
        rows, labels, _ = drawn(100, rng)
        value = Thresholds.for_precision(
            rows, labels, precision=0.95, confidence_level=None
        ).values[0]
        if value is not None:
            found.append(accuracy[max(int(np.searchsorted(-sure, -value, side="right")), 1) - 1])
    assert len(found) > 300
    assert np.mean(found) >= 0.95 - 0.005
    n = 49
    rows = rows_of(np.full(n, 0.9))
    one = Thresholds.for_precision(rows, np.zeros(n, int), precision=0.98, confidence_level=None)
    less = Thresholds.for_precision(
        rows[1:], np.zeros(48, int), precision=0.98, confidence_level=None
    )
    assert one.values[0] is not None
    assert (less.values, less.needed) == ((None,), (49,))


def test_each_class_is_chosen_from_what_is_predicted_as_it() -> None:
    rows = np.concatenate([rows_of(np.full(200, 0.9)), rows_of(np.full(40, 0.1))])
    labels = np.repeat([0, 1], [200, 40])
    found = Thresholds.for_precision(rows, labels, precision=0.98, per_class=True)
    assert found.per_class
    assert found.values[0] == pytest.approx(0.9)
    assert (found.values[1], found.needed) == (None, (None, 149))


def test_costs_choose_what_was_cheapest() -> None:
    rng = np.random.default_rng(1)
    rows, labels, _ = drawn(200, rng)
    sure = rows.max(axis=1)
    wrong = rows.argmax(axis=1) != labels
    found = Thresholds.for_cost(rows, labels, mistake_cost=20, review_cost=1)
    costs = [
        20 * wrong[sure >= value].sum() + (sure < value).sum() for value in (*np.unique(sure), 2)
    ]
    taken = found.decide(rows) == "accept"
    assert 20 * wrong[taken].sum() + (~taken).sum() == min(costs)
    assert (found.mistake_cost, found.review_cost, found.precision) == (20, 1, None)


def test_what_costs_more_than_a_review_saves_is_not_accepted() -> None:
    rows, labels = rows_of(np.full(10, 0.9)), np.array([0, 1] * 5)
    assert Thresholds.for_cost(rows, labels, mistake_cost=3, review_cost=1).values == (None,)
    assert Thresholds.for_cost(rows, labels, mistake_cost=1, review_cost=1).values[0] is not None


def test_confidences_that_tie_are_accepted_together() -> None:
    rows = rows_of([0.9] * 200 + [0.8] * 200)
    labels = np.repeat([0, 0, 1], [200, 150, 50])
    found = Thresholds.for_precision(rows, labels, precision=0.98)
    assert (found.n_accepted, found.n_mistakes) == (200, 0)


def test_the_order_of_the_photos_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    rows, labels, groups = drawn(200, rng, size=2)
    order = rng.permutation(400)
    again = Thresholds.for_precision(rows[order], labels[order], groups[order], precision=0.9)
    assert again == Thresholds.for_precision(rows, labels, groups, precision=0.9)


def test_what_was_written_as_json_decides_the_same() -> None:
    rows, labels, groups = drawn(200, np.random.default_rng(0))
    some = [
        Thresholds(values=(0.5,)),
        Thresholds.for_precision(rows, labels, groups, precision=0.9),
        Thresholds.for_precision(
            rows, labels, precision=0.9, confidence_level=None, per_class=True
        ),
        Thresholds.for_cost(rows, labels, mistake_cost=5, review_cost=1),
    ]
    for thresholds in some:
        assert Thresholds.from_dict(json.loads(json.dumps(thresholds.to_dict()))) == thresholds


def test_thresholds_of_older_bundles_load() -> None:
    thresholds = Thresholds(values=(0.5,), precision=0.9, confidence_level=0.95)
    older = thresholds.to_dict()
    older["confidence"] = older.pop("confidence_level")
    assert Thresholds.from_dict(older) == thresholds


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: f.update(values=[]), "empty"),
        (lambda f: f.update(values=[1.5]), "not-in-range"),
        (lambda f: f.update(values=[True]), "wrong-type"),
        (lambda f: f.update(values=["0.5"]), "wrong-type"),
        (lambda f: f.update(values=0.5), "wrong-type"),
        (lambda f: f.update(values=[float("nan")]), "not-in-range"),
        (lambda f: f.update(precision=2), "not-in-range"),
        (lambda f: f.update(confidence_level="0.9"), "wrong-type"),
        (lambda f: f.update(mistake_cost=-1), "not-in-range"),
        (lambda f: f.update(n_photos=1.0), "wrong-type"),
        (lambda f: f.update(n_mistakes=-1), "not-in-range"),
        (lambda f: f.update(needed=[1, 2]), "wrong-length"),
        (lambda f: f.update(needed=[0.5]), "wrong-type"),
        (lambda f: f.update(extra=1), "foreign-format"),
        (lambda f: f.pop("n_groups"), "foreign-format"),
    ],
)
def test_plain_values_that_make_no_sense_are_refused(
    change: Callable[[dict[str, Any]], object], code: str
) -> None:
    fields = Thresholds(values=(0.5,), precision=0.9, confidence_level=0.95).to_dict()
    change(fields)
    with pytest.raises(InvalidParameterError) as caught:
        Thresholds.from_dict(fields)
    assert caught.value.code == code


def test_what_does_not_fit_is_refused() -> None:
    rows, labels = rows_of([0.9, 0.8]), np.array([0, 0])
    for wrong, parameter in itertools.chain(
        [({"precision": p}, "precision") for p in (0, 1, 98, "x")],
        [({"confidence_level": c}, "confidence_level") for c in (0, 1, 95)],
    ):
        with refuses(InvalidParameterError, "not-in-range", parameter):
            Thresholds.for_precision(rows, labels, **wrong)  # type: ignore[arg-type]  # on purpose
    with refuses(InvalidParameterError, "wrong-length", "groups"):
        Thresholds.for_precision(rows, labels, ["a"])
    with refuses(InvalidParameterError, "not-in-range", "mistake_cost"):
        Thresholds.for_cost(rows, labels, mistake_cost=0, review_cost=1)
    with refuses(InvalidParameterError, "wrong-shape", "probabilities"):
        Thresholds(values=(0.1, 0.2, 0.3)).decide(rows)
    with refuses(DataError, "empty", "labels"):
        Thresholds.for_precision(rows[:0], labels[:0])


def test_a_group_whose_photos_are_all_wrong_is_one_mistake() -> None:
    rows, labels = rows_of(np.full(400, 0.9)), np.zeros(400, int)
    labels[:12] = 1
    found = Thresholds.for_precision(rows, labels, np.arange(400) // 4, precision=0.9)
    assert (found.n_accepted, found.n_mistakes) == (400, 12)


def test_sequences_of_tests_share_the_error() -> None:
    rows = rows_of(np.full(600, 0.9))
    p_values = [binomtest(wrong, 600, 0.05, alternative="less").pvalue for wrong in (19, 20)]
    # 600 photos are enough for two sequences.
    assert p_values[0] < 0.05 / 2 < p_values[1] < 0.05
    for wrong, supported in ((19, True), (20, False)):
        labels = np.where(np.arange(600) < wrong, 1, 0)
        found = Thresholds.for_precision(rows, labels, precision=0.95)
        assert (found.values[0] is not None) == supported


def test_the_first_test_that_fails_ends_a_sequence() -> None:
    rows = rows_of(np.linspace(0.99, 0.6, 200))
    labels = np.where(np.arange(200) < 3, 1, 0)
    # All 200 together would pass, but the most confident 59 do not.
    assert binomtest(3, 200, 0.05, alternative="less").pvalue < 0.05
    assert Thresholds.for_precision(rows, labels, precision=0.95).values == (None,)


@pytest.mark.parametrize("nudge", [-3e-7, 3e-7])
def test_the_last_bits_of_a_confidence_decide_nothing(nudge: float) -> None:
    sure = np.linspace(0.6, 0.95, 300)
    rows, labels = rows_of(list(sure)), np.zeros(300, np.int64)
    chosen = Thresholds.for_precision(rows, labels, precision=0.9)
    assert chosen.n_accepted == 300
    assert chosen.decide(rows_of(list(sure + nudge))).tolist() == ["accept"] * 300
    cheap = Thresholds.for_cost(rows, labels, mistake_cost=0.3, review_cost=0.1)
    assert cheap.decide(rows_of(list(sure + nudge))).tolist() == ["accept"] * 300


@pytest.mark.parametrize("seed", range(20))
def test_confidences_that_differ_in_the_last_bits_are_accepted_together(seed: int) -> None:
    random = np.random.default_rng(seed)
    sure = 0.9 - random.integers(0, 60, 50) * 1.5e-7
    rows, labels = rows_of(list(sure)), random.integers(0, 2, 50) // 2 + (random.random(50) < 0.4)
    for review in (0.2, 0.5, 0.8):
        chosen = Thresholds.for_cost(rows, labels, mistake_cost=1.0, review_cost=review)
        accepted = chosen.decide(rows) == "accept"
        assert (accepted.sum(), labels[accepted].sum()) == (chosen.n_accepted, chosen.n_mistakes)


def test_costs_without_exact_sums_tie_as_those_of_whole_numbers() -> None:
    sure = np.linspace(0.95, 0.6, 30)
    labels = np.array([0, 0, 1] * 10)
    tenths = Thresholds.for_cost(rows_of(list(sure)), labels, mistake_cost=0.3, review_cost=0.1)
    whole = Thresholds.for_cost(rows_of(list(sure)), labels, mistake_cost=3, review_cost=1)
    assert tenths.values == whole.values
