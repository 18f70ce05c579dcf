"""Errors can be caught as one kind or as the usual kind, and say in one sentence what is wrong."""

from __future__ import annotations

import ast
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as sv
from shelfvision import augment, errors
from shelfvision.errors import ShelfVisionError, ShelfVisionWarning

KINDS = [getattr(errors, name) for name in errors.__all__]
ERRORS = [kind for kind in KINDS if issubclass(kind, ShelfVisionError)]
PACKAGE = Path(sv.__file__).parent
USUAL = (ValueError, OSError, ImportError, RuntimeError)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_of_our_kind_and_of_the_usual_one(kind: type[Exception]) -> None:
    assert kind is ShelfVisionError or issubclass(kind, USUAL)


def test_every_other_kind_is_a_warning() -> None:
    assert all(issubclass(kind, ShelfVisionWarning) for kind in KINDS if kind not in ERRORS)


@given(st.sampled_from(ERRORS), st.text())
def test_an_error_comes_whole_from_another_process(kind: type[Exception], text: str) -> None:
    error = kind(text)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))


def messages() -> Iterator[tuple[str, str]]:
    """Yield where each error is made and what it says, with ``x`` for what is filled in."""
    names = {kind.__name__ for kind in ERRORS}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            if ast.unparse(node.func).rpartition(".")[2] not in names:
                continue
            text = text_of(node.args[0])
            if text is not None:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


def text_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "x" for part in node.values)
    return None


def test_every_message_is_one_sentence() -> None:
    found = list(messages())
    assert len(found) > 300
    for where, text in found:
        assert "\n" not in text.removesuffix("breaks its contract:x"), where
        assert not text.endswith("."), f"{where} ends in a full stop: {text}"
        assert not re.search(r"[a-z)][.!] [A-Z]", text), f"{where} is two sentences: {text}"


numbers = st.one_of(st.integers(-3, 2**40), st.floats())
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=4,
)
IMAGES = np.zeros((2, 3, 3, 3), np.uint8)
PHOTOS = sv.Dataset.from_arrays(np.arange(18, dtype=np.uint8).reshape(2, 1, 3, 3), ["a", "b"])
ENTRANCES: dict[str, Callable[[Any], object]] = {
    "images": lambda value: sv.Dataset.from_arrays(value, ["a"]),
    "labels": lambda value: sv.Dataset.from_arrays(IMAGES, value),
    "names of classes": lambda value: sv.Dataset.from_arrays(IMAGES, [0, 0], class_names=value),
    "ids": lambda value: sv.Dataset.from_arrays(IMAGES, ["a", "a"], ids=value),
    "classes to select": PHOTOS.select,
    "names to relabel": PHOTOS.relabel,
    "a directory": lambda value: sv.Dataset.from_directory("none", image_size=value),
    "a way to resize": lambda value: sv.Dataset.from_directory("none", resize=value),
    "a share": lambda value: sv.SeededSplitter(train=value),
    "a seed": lambda value: sv.SeededSplitter(seed=value),
    "a method": lambda value: sv.SeededSplitter(method=value),
    "labels to split": lambda value: sv.SeededSplitter().split_indices(value),
    "groups to split": lambda value: sv.SeededSplitter().split_indices(["a"] * 9, groups=value),
    "photos to split": lambda value: sv.SeededSplitter().split(value),
    "a part": lambda value: sv.Splits(train=PHOTOS, test=value),
    "a strategy": lambda value: sv.BalancingAugmenter(sampling_strategy=value).plan({"a": 2}),
    "an augmenter": sv.BalancingAugmenter,
    "counts": sv.BalancingAugmenter().plan,
    "a recipe": augment.from_dict,
    "degrees": augment.Rotate,
    "a share to zoom": augment.Zoom,
    "a list of augmenters": augment.Compose,
    "probabilities": lambda value: sv.Predictions(value, ["a"], ["1"]),
    "thresholds": lambda value: sv.Thresholds(values=value),
    "thresholds of a file": sv.Thresholds.from_dict,
    "a calibration of a file": sv.Calibration.from_dict,
    "scores to calibrate": lambda value: sv.Calibration.fit(value, [0, 1]),
    "boxes": sv.Boxes,
    "a taxonomy": sv.Taxonomy.from_mapping,
    "epochs": lambda value: sv.Trainer(epochs=value),
    "a batch size": lambda value: sv.Trainer(batch_size=value),
    "patience": lambda value: sv.Trainer(patience=value),
    "settings of a trainer": sv.Trainer.from_dict,
    "a schedule": lambda value: sv.training.CosineSchedule(warmup_epochs=value),
    "a limit of gradients": lambda value: sv.training.GradientClipping(global_norm=value),
    "settings of a model": sv.models.ModelSpec.from_dict,
    "a number of folds": lambda value: sv.SeededSplitter().folds(PHOTOS, value),
    "a threshold of likeness": lambda value: PHOTOS.group_near_duplicates(threshold=value),
    "embeddings": lambda value: PHOTOS.group_near_duplicates(embeddings=value),
    "photos to audit": sv.audit,
    "a classifier to judge": lambda value: sv.evaluate(value, PHOTOS),
    "a classifier to count with": lambda value: sv.take_inventory(value, PHOTOS),
    "what to roll up": sv.Taxonomy.from_mapping({"a": "b", "c": "b"}).roll_up,
    "boxes of a file": lambda value: sv.Boxes.from_coco(value, image="a.jpg"),
    "a size of boxes": sv.Boxes([[0, 0, 1, 1]]).in_pixels,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@settings(max_examples=60)
@given(value=junk)
def test_whatever_is_passed_in_is_taken_or_refused_in_one_sentence(
    entrance: str, value: object
) -> None:
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ENTRANCES[entrance](value)
        except ShelfVisionError as error:
            said = str(error) or "\n"
    assert "\n" not in said
