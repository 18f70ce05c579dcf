"""A few messages of classifiers and bundles, word for word."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

import shelfvision as shv
from shelfvision.errors import ShelfVisionError

GOLDEN: list[tuple[Callable[[shv.Classifier], object], str]] = [
    (
        lambda classifier: classifier.predict_stream([], batch_size=0),
        "batch_size must be a whole number, at least 1, not 0",
    ),
    (
        lambda classifier: classifier.with_calibration(),
        (
            "calibration is learned from photos that the network was not trained on, and this "
            "classifier keeps no scores of such photos; pass dataset=, or train with a validation "
            "part"
        ),
    ),
    (
        lambda classifier: classifier.predict_regions([], [[0, 0, 9, 9]]),  # type: ignore[arg-type]  # wrong on purpose
        (
            "photo must be a path, the bytes of an encoded file, a PIL image or uint8 pixels of "
            "shape (height, width, 3), got list; pass several photos one by one"
        ),
    ),
    (
        lambda classifier: shv.Classifier.load(io.BytesIO(b"a note")),
        (
            "the given file cannot be loaded: it is not a classifier saved by shelfvision, being "
            "too short for one; check that it is the right file, and copy it from its source again"
        ),
    ),
]


@pytest.mark.parametrize(("make", "message"), GOLDEN)
def test_messages_are_worded_like_this(
    make: Callable[[shv.Classifier], object], message: str, classifier: shv.Classifier
) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        make(classifier)
    assert str(caught.value) == message
