"""`ModelSpec`: settings that go to a file and come back, or are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.errors import InvalidParameterError, ModelError, ShelfVisionError
from shelfvision.models import ModelSpec, spec_of
from support import refuses

SPECS = st.builds(
    ModelSpec,
    architecture=st.text(min_size=1, max_size=20),
    num_classes=st.integers(2, 65_536),
    image_size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    dropout=st.none() | st.floats(0, 0.99),
    seed=st.integers(0, 2**32 - 1),
)


@given(SPECS)
def test_a_spec_survives_json(spec: ModelSpec) -> None:
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_model_remembers_what_it_was_built_from() -> None:
    model = shv.build_model(4, image_size=(90, 100), dropout=0.3, seed=7)
    assert spec_of(model) == ModelSpec(
        architecture="grocery_cnn", num_classes=4, image_size=(90, 100), dropout=0.3, seed=7
    )


GOOD: dict[str, object] = dict(ModelSpec(architecture="grocery_cnn", num_classes=2).to_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"num_classes": 1},
        {"num_classes": 2.0},
        {"num_classes": True},
        {"num_classes": "2"},
        {"num_classes": 10**9},
        {"image_size": [100]},
        {"image_size": [100.0, 100]},
        {"image_size": [True, 100]},
        {"image_size": "100"},
        {"image_size": [10**6, 100]},
        {"dropout": "0.1"},
        {"dropout": 1.0},
        {"seed": None},
        {"seed": False},
        {"architecture": 5},
        {"architecture": ""},
        {"surprise": 1},
    ],
)
def test_what_a_spec_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((InvalidParameterError, ModelError)):
        ModelSpec.from_dict(GOOD | change)


def test_a_missing_setting_is_refused() -> None:
    for name in GOOD:
        with refuses(ShelfVisionError, "foreign-format"):
            ModelSpec.from_dict({k: v for k, v in GOOD.items() if k != name})
