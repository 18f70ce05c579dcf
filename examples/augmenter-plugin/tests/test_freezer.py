"""Both augmenters keep the contract of shelfvision, and are found by name."""

from __future__ import annotations

import pytest
from shelfvision_freezer import Frost, fog

from shelfvision.augment import from_dict, to_dict
from shelfvision.protocols import Augmenter
from shelfvision.testing import check_augmenter


@pytest.mark.parametrize("augmenter", [fog, Frost(), Frost(cover=1, light=0)])
def test_it_keeps_the_contract(augmenter: Augmenter) -> None:
    check_augmenter(augmenter)


def test_it_goes_to_a_recipe_and_back() -> None:
    assert from_dict({"name": "fog"}) is fog
    assert to_dict(Frost(0.2)) == {"name": "Frost", "cover": 0.2, "light": 225}
    assert from_dict(to_dict(Frost(0.2))) == Frost(0.2)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="cover must be from 0 to 1"):
        Frost(cover=2)
