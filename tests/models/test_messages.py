"""A few messages of networks and their files, word for word."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

import shelfvision as shv
from shelfvision._storage.safetensors import read_tensor_header
from shelfvision.errors import ShelfVisionError

GOLDEN: list[tuple[Callable[[], object], str]] = [
    (
        lambda: shv.build_model(1),
        "num_classes must be at least 2, got 1; add a second class",
    ),
    (
        lambda: shv.build_model(2, image_size=(9, 9)),
        (
            "image_size (9, 9) is too small for grocery_cnn, which needs at least (88, 88) pixels; "
            "choose a larger one"
        ),
    ),
    (
        lambda: shv.build_model(2, weights="imagenet"),
        (
            "weights='imagenet' is not available for grocery_cnn; choose an architecture that has "
            "them, such as 'efficientnet_lite0', or pass the path of a file"
        ),
    ),
    (
        lambda: read_tensor_header(io.BytesIO(b"\x89PNG\r\n\x1a\n"), "'x.png'", kind="a gallery"),
        (
            "'x.png' cannot be loaded: it is not a gallery; check that it is the right file, and "
            "copy it from its source again"
        ),
    ),
]


@pytest.mark.parametrize(("make", "message"), GOLDEN)
def test_messages_are_worded_like_this(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        make()
    assert str(caught.value) == message
