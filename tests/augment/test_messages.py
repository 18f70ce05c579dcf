"""Golden messages of the room."""

from __future__ import annotations

import pytest

from shelfvision.augment import BalancingAugmenter, Compose, Flip, Rotate
from shelfvision.errors import InvalidParameterError, ShelfVisionError
from support import refuses

GOLDEN = [
    (
        lambda: Rotate(200),
        "Rotate: degrees must be a number from 0 to 180, not 200",
    ),
    (
        lambda: Compose([Flip]),  # type: ignore[list-item]  # wrong on purpose
        "Compose: an augmenter must be an object, got the class Flip; write Flip()",
    ),
    (
        lambda: BalancingAugmenter(sampling_strategy={"b": 4}).plan({"a": 2, "b": 5}),
        (
            "sampling_strategy must be at least 5 for class 'b', its number of photos, got 4; "
            "photos are never removed, so use a larger number"
        ),
    ),
    (
        lambda: BalancingAugmenter(sampling_strategy={"x": 4}).plan({"a": 2, "b": 5}),
        "sampling_strategy must have known classes, got 'x'; the classes are 'a', 'b'",
    ),
]


@pytest.mark.parametrize(("make", "message"), GOLDEN)
def test_messages_are_worded_like_this(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ShelfVisionError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.remedy("is-a-class")
def test_an_operation_given_as_a_class_works_once_it_is_called() -> None:
    with refuses(InvalidParameterError, "is-a-class", "augmenters"):
        Compose([Flip])  # type: ignore[list-item]  # wrong on purpose
    assert Compose([Flip()]).augmenters == (Flip(),)


@pytest.mark.remedy("wrong-type")
def test_an_augmenter_that_is_not_in_a_list_works_in_one() -> None:
    with refuses(InvalidParameterError, "wrong-type", "augmenters"):
        Compose(Flip())  # type: ignore[arg-type]  # wrong on purpose
    assert Compose([Flip()]).augmenters == (Flip(),)
