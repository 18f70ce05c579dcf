"""What the room promises holds for any photos and answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import shelfvision as shv


@dataclass
class Says:
    """A classifier that has its answers ready."""

    class_names: tuple[str, ...]
    answers: list[int]
    errors: list[str | None]

    def predict(self, photos: shv.Dataset, /, *, on_error: str = "skip") -> shv.Predictions:
        rows = np.eye(len(self.class_names), dtype=np.float32)[self.answers]
        return shv.Predictions(rows, self.class_names, photos.ids.tolist(), self.errors)


photos = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=40)
@given(photos, st.permutations("abc"))
def test_classes_are_matched_by_name_and_failed_photos_are_listed_and_not_scored(
    rows: list[tuple[int, int, bool]], names: list[str]
) -> None:
    images = np.arange(len(rows), dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(3, axis=3)
    ds = shv.Dataset.from_arrays(images, [true for true, _, _ in rows], class_names=list("abc"))
    errors = ["torn" if bad else None for _, _, bad in rows]
    judge = Says(tuple(names), [said for _, said, _ in rows], errors)
    # The report numbers the classes as the classifier does.
    number = [names.index(name) for name in "abc"]
    good = [(number[true], said) for true, said, bad in rows if not bad]
    assume(good)
    report = shv.evaluate(judge, ds, resamples=100)
    assert report.accuracy == pytest.approx(sum(t == s for t, s in good) / len(good))
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, tuple(np.array(good).T), 1)
    np.testing.assert_array_equal(report.confusion, confusion)
    assert report.failed == tuple((str(n), "torn") for n, row in enumerate(rows) if row[2])
