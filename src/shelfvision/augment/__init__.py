"""Data augmentation, and oversampling of small classes with augmented copies.

An augmenter is a callable ``(image, rng) -> image``. The operations of this package are augmenters;
`Compose`, `OneOf` and `Maybe` combine them. `BalancingAugmenter` adds augmented copies to small
classes of a training set.
"""

from shelfvision.augment._adapters import from_albumentations, from_keras_layer, from_torchvision
from shelfvision.augment._compose import AlwaysChange, Compose, Maybe, OneOf
from shelfvision.augment._defaults import default_augmenter
from shelfvision.augment._preview import preview, preview_array
from shelfvision.augment._recipes import available_augmenters, from_dict, to_dict
from shelfvision.augment.balancing._balancing import BalancingAugmenter
from shelfvision.augment.balancing._plan import BalancingPlan
from shelfvision.augment.contract import apply_augmenter
from shelfvision.augment.copies import read_epoch
from shelfvision.augment.operations._colour import (
    Brightness,
    ColorTemperature,
    Contrast,
    Hue,
    Saturation,
)
from shelfvision.augment.operations._effects import Blur, JpegArtifacts, MotionBlur, Noise
from shelfvision.augment.operations._geometry import Flip, Perspective, Rotate, Shear, Shift, Zoom
from shelfvision.augment.operations._light import Erase, Glare, PriceTag, ShadowBand
from shelfvision.augment.operations._operation import Operation, Spread

__all__ = [
    "AlwaysChange",
    "BalancingAugmenter",
    "BalancingPlan",
    "Blur",
    "Brightness",
    "ColorTemperature",
    "Compose",
    "Contrast",
    "Erase",
    "Flip",
    "Glare",
    "Hue",
    "JpegArtifacts",
    "Maybe",
    "MotionBlur",
    "Noise",
    "OneOf",
    "Operation",
    "Perspective",
    "PriceTag",
    "Rotate",
    "Saturation",
    "ShadowBand",
    "Shear",
    "Shift",
    "Spread",
    "Zoom",
    "apply_augmenter",
    "available_augmenters",
    "default_augmenter",
    "from_albumentations",
    "from_dict",
    "from_keras_layer",
    "from_torchvision",
    "preview",
    "preview_array",
    "read_epoch",
    "to_dict",
]
