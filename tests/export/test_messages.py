"""A few messages of exporting, word for word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import shelfvision as shv
from shelfvision.errors import ShelfVisionError

GOLDEN: list[tuple[Callable[[shv.Classifier], object], str]] = [
    (
        lambda classifier: classifier.export("a.bin"),
        "the path of a file for onnx must end in '.onnx', not 'a.bin'",
    ),
    (
        lambda classifier: classifier.export("a.onnx", quantize="int8"),
        "quantize='int8' is for format='litert', not 'onnx'; leave it out",
    ),
    (
        lambda classifier: classifier.export("a.tflite", format="litert", quantize="int8"),
        (
            "quantize='int8' measures the range of every layer on photos; pass photos=, some "
            "hundred of those that the classifier was trained on"
        ),
    ),
    (
        lambda classifier: classifier.export("a.onnx", photos=[]),
        "photos is empty; give some, or leave it out",
    ),
]


@pytest.mark.parametrize(("make", "message"), GOLDEN)
def test_messages_are_worded_like_this(
    make: Callable[[shv.Classifier], object], message: str, classifier: shv.Classifier
) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        make(classifier)
    assert str(caught.value) == message
