"""What the room promises holds for any photos and answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import shelfvision as shv
from support.answers import Says

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
    judge = Says([said for _, said, _ in rows], tuple(names), errors=errors)
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
