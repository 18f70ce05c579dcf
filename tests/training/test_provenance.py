"""A classifier remembers how the photos that it saw were varied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import shelfvision as shv
from shelfvision import augment
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Image

if TYPE_CHECKING:
    import keras


def doubled(image: Image, rng: np.random.Generator) -> Image:
    """Return the image with twice the light."""
    return np.asarray(np.clip(image.astype(int) * 2, 0, 255), np.uint8)


def test_recipes_of_augmenters_are_on_the_classifier(
    make_model: Callable[..., keras.Model], train: Dataset
) -> None:
    recipe = augment.Compose([augment.Rotate(5), augment.Maybe(augment.Blur(), p=0.1)])
    few = train[(train.labels != 1) | (np.arange(len(train)) < 9)]
    by_class: dict[str, Augmenter] = {"milk": doubled, "juice": recipe}
    balancer = shv.BalancingAugmenter(by_class, seed=3)
    balanced = balancer.balance(few)
    trainer = shv.Trainer(epochs=1, batch_size=8, augmenter=recipe, monitor="loss")
    provenance: Mapping[str, Any] = trainer.fit(make_model(), balanced).classifier.provenance
    settings, (balancing,) = provenance["trainer"], provenance["balancing"]
    assert augment.from_dict(settings["augmenter"]) == recipe
    assert balancing["copies"] == np.count_nonzero(balanced.copies)
    assert (balancing["seed"], balancing["refresh"]) == (3, False)
    assert augment.from_dict(balancing["augmenters"][0]) == recipe
    assert balancing["augmenters"][1:] == ["doubled", augment.to_dict(augment.default_augmenter())]


def test_without_copies_there_is_nothing_to_tell(
    make_model: Callable[..., keras.Model], train: Dataset
) -> None:
    trainer = shv.Trainer(epochs=1, batch_size=8, monitor="loss")
    provenance = trainer.fit(make_model(), train).classifier.provenance
    assert provenance["balancing"] == []
