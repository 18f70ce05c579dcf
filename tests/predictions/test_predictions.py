"""`Predictions`: columns, rows and their table."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfvision import Prediction, Predictions
from shelfvision.errors import InvalidParameterError, MissingDependencyError
from support import refuses

NAMES = ("juice", "milk", "yoghurt")


@pytest.fixture
def found() -> Predictions:
    rows = [[0.7, 0.2, 0.1], [0.0, 0.0, 0.0], [0.1, 0.1, 0.8], [0.4, 0.4, 0.2]]
    errors = [None, "cannot read 'b.jpg'", None, None]
    return Predictions(rows, NAMES, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], errors)


def test_columns_tell_the_most_probable_class(found: Predictions) -> None:
    assert found.labels.tolist() == ["juice", None, "yoghurt", "juice"]
    assert found.confidences[[0, 2]] == pytest.approx([0.7, 0.8])
    assert found.ids.tolist() == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.shape == (4, 3)


def test_a_photo_that_failed_has_no_label_and_goes_to_review(found: Predictions) -> None:
    failed = found[1]
    assert (failed.label, failed.decision, failed.error) == (None, "review", "cannot read 'b.jpg'")
    assert np.isnan(failed.confidence)
    assert np.isnan(failed.probabilities).all()
    assert found.decisions.tolist() == [None, "review", None, None]
    assert found[0].decision is None


def test_iterating_gives_a_prediction_for_every_photo(found: Predictions) -> None:
    rows = list(found)
    assert all(isinstance(row, Prediction) for row in rows)
    assert [row.id for row in rows] == found.ids.tolist()
    assert len(rows) == len(found) == 4
    assert found[-1].label == rows[-1].label


def test_a_tie_goes_to_the_first_class(found: Predictions) -> None:
    assert found[3].label == "juice"


def test_slices_masks_and_lists_choose_rows(found: Predictions) -> None:
    assert found[1:3].ids.tolist() == ["b.jpg", "c.jpg"]
    assert found[[3, 0]].ids.tolist() == ["d.jpg", "a.jpg"]
    assert found[found.decisions == "review"].errors == ("cannot read 'b.jpg'",)
    assert len(found[[]]) == 0


def test_a_row_that_is_not_there_is_an_index_error(found: Predictions) -> None:
    with pytest.raises(IndexError):
        found[4]


def test_nothing_can_be_written_into(found: Predictions) -> None:
    columns = (found.probabilities, found.ids, found.decisions, found.labels, found.confidences)
    for column in columns:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[1]


def test_what_was_passed_in_stays_the_callers() -> None:
    rows = np.array([[0.5, 0.5]], dtype=np.float32)
    found = Predictions(rows, ["a", "b"], ["x"])
    rows[0] = 0
    assert found[0].confidence == 0.5


def test_top_gives_the_best_classes_first(found: Predictions) -> None:
    top = found.top(2)
    assert [name for name, _ in top[2]] == ["yoghurt", "juice"]
    assert top[1] == []
    assert len(found.top(10)[0]) == 3


def test_decisions_can_be_given_but_failures_stay_to_review() -> None:
    found = Predictions(
        [[0.9, 0.1]] * 2, ["a", "b"], ["x", "y"], ["broken", None], decisions=["accept", "review"]
    )
    assert found.decisions.tolist() == ["review", "review"]


def test_without_thresholds_nothing_is_decided() -> None:
    found = Predictions([[0.25] * 4], ["a", "b", "c", "d"], ["x"])
    assert found[0].confidence == 0.25
    assert found.decisions.tolist() == [None]
    assert found[[0]].decisions.tolist() == pickle.loads(pickle.dumps(found)).decisions.tolist()
    assert found.to_frame()["decision"].isna().all()
    assert found.to_frame().to_csv(columns=["decision"], index=False) == 'decision\n""\n'
    assert repr(found).splitlines()[-1].split() == ["x", "a", "0.250"]


def test_no_photos_are_an_empty_table() -> None:
    found = Predictions(np.empty((0, 2)), ["a", "b"], [])
    assert len(found) == 0
    assert found.labels.shape == (0,)
    assert found.confidences.shape == (0,)
    assert repr(found) == "<Predictions: 0 photos, 2 classes>"


def test_printing_shows_the_first_and_last_photos() -> None:
    ids = [f"shelf/{number}.jpg" for number in range(100)]
    text = repr(Predictions([[0.9, 0.1]] * 100, ["juice", "milk"], ids))
    assert "100 photos" in text
    assert "shelf/0.jpg" in text
    assert "shelf/99.jpg" in text
    assert "93 more" in text
    assert len(text.splitlines()) < 12


def test_printing_survives_names_of_every_kind() -> None:
    found = Predictions([[1, 0]] * 2, ["a\udcff", "b"], ["x\ny", "z" * 500], [None, "bad\nphoto"])
    repr(found).encode()
    assert max(map(len, repr(found).splitlines())) < 140


def test_a_frame_has_a_row_for_every_photo(found: Predictions) -> None:
    pytest.importorskip("pandas")
    frame = found.to_frame()
    assert frame["id"].tolist() == found.ids.tolist()
    assert frame.columns.tolist()[-3:] == ["p(juice)", "p(milk)", "p(yoghurt)"]


def test_a_frame_without_pandas_gives_the_pip_line(
    found: Predictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with refuses(MissingDependencyError, "missing-dependency"):
        found.to_frame()


@pytest.mark.parametrize(
    ("rows", "ids", "errors", "code", "parameter"),
    [
        ([[0.5, 0.5]], ["x", "y"], None, "wrong-shape", "probabilities"),
        ([[0.5, 0.5, 0.0]], ["x"], None, "wrong-shape", "probabilities"),
        ([[0.5, np.nan]], ["x"], None, "not-in-range", "probabilities"),
        ([[1.5, -0.5]], ["x"], None, "not-in-range", "probabilities"),
        ([[0.5, 0.5]], ["x"], [None, None], "wrong-length", "errors"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    rows: list[list[float]],
    ids: list[str],
    errors: list[str | None] | None,
    code: str,
    parameter: str,
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        Predictions(rows, ["a", "b"], ids, errors)


def test_decisions_that_are_none_are_refused() -> None:
    with refuses(InvalidParameterError, "not-an-option", "decisions"):
        Predictions([[0.5, 0.5]], ["a", "b"], ["x"], decisions=["maybe"])  # type: ignore[list-item]  # wrong on purpose
    with refuses(InvalidParameterError, "wrong-length", "decisions"):
        Predictions([[0.5, 0.5]], ["a", "b"], ["x"], decisions=[])


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), max_size=8))
def test_labels_and_confidences_agree_with_the_probabilities(rows: list[list[float]]) -> None:
    found = Predictions(np.reshape(rows, (-1, 3)), NAMES, [str(n) for n in range(len(rows))])
    for row, prediction in zip(rows, found, strict=True):
        assert prediction.confidence == np.max(np.array(row, dtype=np.float32))
        assert prediction.label == NAMES[int(np.argmax(row))]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_copy_for_another_process_is_equal_and_read_only(
    found: Predictions, copied: Callable[[Predictions], Predictions]
) -> None:
    again = copied(found)
    assert again.labels.tolist() == found.labels.tolist()
    assert again.errors == found.errors
    np.testing.assert_array_equal(again.probabilities, found.probabilities)
    for column in (again.probabilities, again.ids, again.decisions):
        assert not column.flags.writeable


def test_one_photo_is_told_as_one() -> None:
    one = Predictions([[1.0]], ["a"], ["x"])
    assert repr(one).startswith("<Predictions: 1 photo, 1 class>")


@pytest.mark.parametrize(
    ("rows", "code"),
    [([["x", "y"]], "wrong-type"), ([[0.5], [0.5, 0.5]], "wrong-type"), (None, "wrong-shape")],
)
def test_probabilities_that_are_no_numbers_are_refused(rows: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "probabilities"):
        Predictions(rows, ["a", "b"], ["x"])  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("name", [Path("x.jpg"), None, 3])
def test_ids_that_are_not_text_are_refused(name: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "ids"):
        Predictions([[0.5, 0.5]], ["a", "b"], [name])  # type: ignore[list-item]  # wrong on purpose
