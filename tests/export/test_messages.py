"""A few messages of exporting, word for word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import shelfvision as shv
from shelfvision.errors import ShelfVisionError

GOLDEN: list[tuple[Callable[[shv.Classifier], object], str]] = [
    (
        lambda classifier: classifier.export("a.bin"),
        "path must end in '.onnx' for onnx, got 'a.bin'; rename it",
    ),
    (
        lambda classifier: classifier.export("a.onnx", quantize="int8"),
        "quantize='int8' is for format='litert', not 'onnx'; leave it out",
    ),
    (
        lambda classifier: classifier.export("a.tflite", format="litert", quantize="int8"),
        (
            "quantize='int8' needs photos to measure the range of every layer; pass photos=, about "
            "a hundred photos of the training set"
        ),
    ),
    (
        lambda classifier: classifier.export("a.onnx", photos=[]),
        "photos must contain at least 1 photo, got none; pass some, or leave it out",
    ),
]


@pytest.mark.parametrize(("make", "message"), GOLDEN)
def test_messages_are_worded_like_this(
    make: Callable[[shv.Classifier], object], message: str, classifier: shv.Classifier
) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        make(classifier)
    assert str(caught.value) == message
