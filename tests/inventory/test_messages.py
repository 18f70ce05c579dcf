"""Messages of inventories, word for word."""

from __future__ import annotations

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import ShelfVisionError


@pytest.fixture
def stock() -> shv.Inventory:
    return shv.Inventory(
        class_names=("Milk",), naive={"Milk": 1}, draws=np.ones((9, 1), np.int64),
        confidence_level=0.9, n_photos=1, review=(), failed={}, unmeasured=(), parts={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (
            {"Milk": "1.000"},
            (
                "expected['Milk'] must have a whole number from 0, got '1.000', which is 1000 or a "
                "decimal number; write '1000' or '1'"
            ),
        ),
        (
            {"Milk": -1},
            f"expected['Milk'] must have a whole number from 0 to {10**15 - 1}, got -1; correct it",
        ),
        (
            {"milk": 1},
            (
                "expected['milk'] has the product 'milk', which differs from the class 'Milk' only "
                "in case or separators; write 'Milk'"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_stock_list(
    stock: shv.Inventory, expected: dict[str, int], message: str
) -> None:
    with pytest.raises(ShelfVisionError) as caught:
        stock.against(expected)
    assert str(caught.value) == message
