"""Recipes: augmenters as plain dicts, and names that other packages bring."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from shelfvision.augment import (
    AlwaysChange,
    Compose,
    Flip,
    Maybe,
    OneOf,
    Rotate,
    available_augmenters,
    default_augmenter,
    from_dict,
    to_dict,
)
from shelfvision.augment._recipes import OPERATIONS
from shelfvision.errors import AugmenterError, ShelfVisionWarning
from shelfvision.protocols import Image
from shelfvision.testing import check_augmenter
from support import gives_warning, refuses

PLUGIN = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Invert:
    strength: float = 1.0

    def __call__(self, image, rng):
        return (image * (1 - self.strength) + (255 - image) * self.strength).astype("uint8")


def identity(image, rng):
    return image.copy()
"""
ENTRY_POINTS = """
[shelfvision.augmenters]
invert = inverting_plugin:Invert
same = inverting_plugin:identity
broken = no_such_package:Thing
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inverting_plugin.py").write_text(PLUGIN)
    info = tmp_path / "inverting_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: inverting-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "inverting_plugin", raising=False)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"Compose", "OneOf", "Maybe"}))
def test_every_operation_goes_through_json_and_back(name: str) -> None:
    operation = default_augmenter() if name == "AlwaysChange" else OPERATIONS[name]()
    assert from_dict(json.loads(json.dumps(to_dict(operation)))) == operation


def test_a_nested_recipe_goes_through_json_and_back() -> None:
    augmenter = Compose(
        [Maybe(Flip(), p=0.1), OneOf([Rotate((1, 2), fill=(1, 2, 3)), Flip("vertical")], [1, 2])]
    )
    assert from_dict(json.loads(json.dumps(to_dict(augmenter)))) == augmenter


def test_a_recipe_can_be_written_in_toml() -> None:
    text = """
    name = "Compose"
    augmenters = [{name = "Rotate", degrees = 10}, {name = "Maybe", augmenter = {name = "Flip"}}]
    """
    assert from_dict(tomllib.loads(text)) == Compose([Rotate(10), Maybe(Flip())])


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        ({"name": "Rotates"}, "unknown-name"),
        ({"name": "os.system"}, "unknown-name"),
        ({"name": "Rotate", "angle": 3}, "unknown-name"),
        ({"name": "Rotate", "degrees": "ten"}, "unusable-settings"),
        ({"name": "Rotate", "degrees": True}, "unusable-settings"),
        ({"name": "Rotate", "degrees": [1, 2, 3]}, "unusable-settings"),
        ({"name": "Rotate", "fill": {"name": "Flip"}}, "unusable-settings"),
        ({"name": "Maybe"}, "incomplete"),
        ({"name": "Compose", "augmenters": [3]}, "unusable-settings"),
        ({"name": "Rotate", "degrees": {3}}, "wrong-type"),
        ({"degrees": 3}, "wrong-type"),
        ("Rotate", "wrong-type"),
    ],
)
def test_a_recipe_that_is_wrong_is_explained(recipe: object, code: str) -> None:
    with refuses(AugmenterError, code, "recipe"):
        from_dict(recipe)  # type: ignore[arg-type]  # wrong on purpose


def _nameless(image: Image, rng: np.random.Generator) -> Image:
    return image.copy()


def test_what_has_no_registered_name_cannot_be_written() -> None:
    with refuses(AugmenterError, "not-registered", "augmenter") as caught:
        to_dict(Compose([Flip(), _nameless]))
    assert "_nameless" in str(caught.value)


@pytest.mark.usefixtures("plugin")
def test_a_plugin_is_found_by_its_name() -> None:
    assert {"invert", "same", "broken"} < set(available_augmenters())
    assert "inverting_plugin" not in sys.modules
    recipe = {"name": "Maybe", "augmenter": {"name": "invert", "strength": 0.5}, "p": 1.0}
    augmenter = from_dict(recipe)
    check_augmenter(augmenter)
    assert augmenter(np.zeros((2, 2, 3), np.uint8), np.random.default_rng(0)).max() == 127


@pytest.mark.usefixtures("plugin")
def test_writing_a_recipe_imports_no_plugin() -> None:
    with refuses(AugmenterError, "not-registered", "augmenter"):
        to_dict(_nameless)
    assert "inverting_plugin" not in sys.modules


@pytest.mark.usefixtures("plugin")
def test_a_plugin_goes_to_a_recipe_and_back() -> None:
    for recipe in ({"name": "invert", "strength": 0.25}, {"name": "same"}):
        assert to_dict(from_dict(recipe)) == recipe
        whole = {"name": "Maybe", "augmenter": recipe, "p": 0.5}
        assert to_dict(from_dict(whole)) == whole


@pytest.mark.usefixtures("plugin")
def test_a_broken_plugin_only_warns() -> None:
    with (
        gives_warning(ShelfVisionWarning, "broken-plugin"),
        refuses(AugmenterError, "unknown-name", "recipe"),
    ):
        from_dict({"name": "broken"})
    assert from_dict({"name": "Flip"}) == Flip()


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("recipe", "code", "setting"),
    [
        ({"name": "invert", "power": 2}, "unusable-settings", "power"),
        ({"name": "same", "p": 2}, "unknown-name", "'p'"),
    ],
)
def test_settings_that_a_plugin_does_not_have_are_named(
    recipe: dict[str, object], code: str, setting: str
) -> None:
    with refuses(AugmenterError, code, "recipe") as caught:
        from_dict(recipe)
    assert setting in str(caught.value)


def test_settings_given_by_numpy_are_written_as_plain_numbers() -> None:
    rotate = Rotate(np.int64(3), fill=np.array([1, 2, 3]))  # type: ignore[arg-type]  # as arrays give them
    augmenter = AlwaysChange(rotate, attempts=np.int64(2))  # type: ignore[arg-type]  # the same
    assert from_dict(json.loads(json.dumps(to_dict(augmenter)))) == augmenter
