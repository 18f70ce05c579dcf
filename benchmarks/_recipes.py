"""The networks and recipes that `ablation.py` compares, each by a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shelfvision as shv
from shelfvision.augment import (
    Brightness,
    ColorTemperature,
    Compose,
    Contrast,
    Erase,
    Flip,
    Hue,
    Maybe,
    Perspective,
    Rotate,
    Saturation,
    Shear,
    Shift,
    Zoom,
)
from shelfvision.models.architectures._shelf_cnn import PLAN, Plan
from shelfvision.training.settings._recommended import tilted

if TYPE_CHECKING:
    from shelfvision.protocols import Augmenter

STRONG = Compose(
    [
        Rotate(15),
        Zoom((-0.2, 0.35)),
        Shift(0.12),
        Shear(8),
        Perspective(0.25),
        Brightness(0.35),
        Contrast(0.35),
        Saturation(0.4),
        ColorTemperature(0.12),
        Hue(6),
    ]
)
AUGMENTERS: dict[str, Callable[[], Augmenter | None]] = {
    "none": lambda: None,
    "default": shv.augment.default_augmenter,
    "strong": lambda: STRONG,
    "strong+erase": lambda: Compose([STRONG, Maybe(Erase((0.05, 0.25)))]),
    "tilted": tilted,
    "tilted+flip": lambda: Compose([Maybe(Flip()), tilted()]),
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """A network and how it is trained."""

    network: Plan | None = PLAN
    """None is the article's network."""
    side: int = 100
    """Of the photos, in pixels."""
    augmenter: str = "strong+erase"
    epochs: int = 40
    batch_size: int = 32
    rate: float = 2e-3
    """The highest learning rate."""
    schedule: str = "cosine"
    """``"cosine"`` rises for a twentieth of the steps, then falls to nothing."""
    decay: float = 0.05
    """The weight decay, apart from the gradient, as in AdamW."""
    smoothing: float = 0.1
    loss: str = "categorical"
    labels: str = "label"
    """``"product"`` learns to tell products apart, whose probabilities are then summed up."""


def augmenter_of(config: Config) -> Augmenter | None:
    """Return what varies the photos of a configuration."""
    return AUGMENTERS[config.augmenter]()


BASE = Config()


def changed(**settings: object) -> Config:
    """Return the base with other settings."""
    return dataclasses.replace(BASE, **settings)  # type: ignore[arg-type]  # names from above


def planned(labels: str = "label", **settings: object) -> Config:
    """Return the base with another plan of the network."""
    plan = dataclasses.replace(PLAN, **settings)  # type: ignore[arg-type]  # the same
    return changed(network=plan, labels=labels)


RECOMMENDED = changed(augmenter="tilted", batch_size=16, epochs=100, rate=1.5e-3)
CONFIGS = {
    "article": Config(
        network=None,
        augmenter="none",
        rate=1e-3,
        schedule="constant",
        decay=0.0,
        smoothing=0.0,
        loss="binary",
    ),
    "article, our recipe": changed(network=None),
    "base": BASE,
    "no norm": planned(momentum=None),
    "norm momentum 0.99": planned(momentum=0.99),
    "flatten": planned(pooled=False),
    "slim early": planned(stem=16, widths=(24, 48, 96)),
    "shallow": planned(stem=24, widths=(32, 64, 96), blocks=(0, 0, 1)),
    "no augmenting": changed(augmenter="none"),
    "default augmenter": changed(augmenter="default"),
    "no erasing": changed(augmenter="strong"),
    "tilted": changed(augmenter="tilted"),
    "no smoothing": changed(smoothing=0.0),
    "constant rate": changed(schedule="constant", rate=1e-3),
    "no decay": changed(decay=0.0),
    "batch 16": changed(batch_size=16),
    "128 pixels": changed(side=128),
    "products": changed(labels="product"),
    "products, slim early": planned(stem=16, widths=(24, 48, 96), labels="product"),
    "recommended": RECOMMENDED,
    "recommended, flips": dataclasses.replace(RECOMMENDED, augmenter="tilted+flip"),
    "recommended, 128 pixels": dataclasses.replace(RECOMMENDED, side=128),
}
