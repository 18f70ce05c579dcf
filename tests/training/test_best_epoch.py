"""Which epoch is best, and when patience is out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision.training.run._best_epoch import BestEpoch, Mode, mode_of


def judged(values: list[float], best: BestEpoch) -> BestEpoch:
    for epoch, value in enumerate(values, start=1):
        best = best.after(epoch, value)
    return best


def test_the_lowest_loss_is_best() -> None:
    assert judged([3.0, 1.0, 2.0], BestEpoch(mode="min")).epoch == 2


def test_the_highest_accuracy_is_best() -> None:
    assert judged([0.1, 0.9, 0.5], BestEpoch(mode="max")).epoch == 2


def test_a_tie_keeps_the_earlier_epoch() -> None:
    assert judged([2.0, 1.0, 1.0], BestEpoch(mode="min")).epoch == 2


def test_patience_runs_out_after_as_many_epochs_without_improvement() -> None:
    best = BestEpoch(mode="min", patience=2)
    assert not judged([1.0, 2.0], best).out_of_patience
    assert judged([1.0, 2.0, 2.0], best).out_of_patience


def test_without_patience_nothing_stops() -> None:
    assert not judged([1.0] * 1000, BestEpoch(mode="min")).out_of_patience


def test_a_gain_below_min_delta_is_kept_as_best_but_buys_no_patience() -> None:
    best = judged([1.0, 0.95, 0.93], BestEpoch(mode="min", patience=2, min_delta=0.1))
    assert best.epoch == 3
    assert best.out_of_patience


def test_small_gains_that_add_up_to_min_delta_buy_patience() -> None:
    best = judged([1.0, 0.95, 0.85], BestEpoch(mode="min", patience=2, min_delta=0.1))
    assert not best.out_of_patience


@pytest.mark.parametrize(
    ("name", "mode"),
    [("val_loss", "min"), ("loss", "min"), ("val_accuracy", "max"), ("auc", "max"), ("mae", "min")],
)
def test_the_direction_follows_from_the_metrics_name(name: str, mode: Mode) -> None:
    assert mode_of(name) == mode


@given(
    values=st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    cut=st.integers(0, 30),
    mode=st.sampled_from(["min", "max"]),
)
def test_a_judgement_that_is_stored_and_continued_ends_the_same(
    values: list[float], cut: int, mode: Mode
) -> None:
    fresh = BestEpoch(mode=mode, patience=3, min_delta=0.5)
    first = judged(values[:cut], fresh)
    continued = fresh.continued(first.progress()) if values[:cut] else fresh
    for epoch, value in enumerate(values[cut:], start=len(values[:cut]) + 1):
        continued = continued.after(epoch, value)
    assert continued == judged(values, fresh)
    wanted = (min if mode == "min" else max)(values)
    assert (continued.value, continued.epoch) == (wanted, values.index(wanted) + 1)
