"""What a classifier is known by: all that it sees with, and nothing else."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.inference.digest import classifier_digest
from shelfvision.inference.served import ServedModel
from shelfvision.models import ModelSpec

KERNEL = np.array([[0.5, -1.0]], np.float32)
SPEC = ModelSpec(architecture="mine", num_classes=2, image_size=(3, 5))


def classifier(**changes: object) -> ServedModel:
    """Return what a digest is taken of, without a network behind it."""
    values: dict[str, object] = {
        "spec": None,
        "class_names": ("a", "é"),
        "preprocessing": Preprocessing(image_size=(3, 5), resize="pad"),
        "weights": {"w": KERNEL},
    }
    values |= changes
    network = SimpleNamespace(weights=values.pop("weights"))
    return cast("ServedModel", SimpleNamespace(**values, network=network))


def test_the_digest_is_taken_as_it_always_was() -> None:
    about = b'{"class_names":["a","\\u00e9"],"image_size":[3,5],"resize":"pad","spec":null}'
    whole = about + b'["f4",[1,2]]' + KERNEL.tobytes()
    assert classifier_digest(classifier()) == hashlib.sha256(whole).hexdigest()
    spec = b'{"architecture":"mine","dropout":null,"image_size":[3,5],"num_classes":2,"seed":42}'
    whole = about.replace(b"null", spec) + b'["f4",[1,2]]' + KERNEL.tobytes()
    assert classifier_digest(classifier(spec=SPEC)) == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ("a", "e")},
        {"preprocessing": Preprocessing(image_size=(5, 3), resize="pad")},
        {"preprocessing": Preprocessing(image_size=(3, 5), resize="crop")},
        {"preprocessing": Preprocessing(image_size=(3, 5), resize="pad", test_time_crop=0.875)},
        {"spec": SPEC},
        {"weights": {"w": KERNEL * 2}},
        {"weights": {"w": KERNEL.reshape(2, 1)}},
        {"weights": {"w": KERNEL.view(np.int32)}},
        {"weights": {"w": KERNEL, "v": KERNEL}},
    ],
)
def test_all_that_it_sees_with_counts(change: dict[str, object]) -> None:
    assert classifier_digest(classifier(**change)) != classifier_digest(classifier())


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"another": KERNEL}},
        {"weights": {"w": KERNEL.astype(">f4")}},
        {"provenance": {"data": "other"}},
        {"preprocessing": Preprocessing(image_size=(3, 5), resize="pad", context=0.1)},
    ],
)
def test_names_of_weights_byte_order_and_provenance_do_not(change: dict[str, object]) -> None:
    assert classifier_digest(classifier(**change)) == classifier_digest(classifier())
