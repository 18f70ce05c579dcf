"""Build Keras models by the name of their architecture.

`build_model` returns an uncompiled Keras model, with initial or pretrained weights.
`TIERS` are recommended networks.
`register_architecture` adds a custom architecture. `cut_points`, `freeze_backbone` and
`save_backbone` work on the backbone of a model, the layers below its head.
"""

from shelfvision.models.backbone import cut_points, freeze_backbone, save_backbone
from shelfvision.models.building import build_model
from shelfvision.models.registry import available_architectures, register_architecture
from shelfvision.models.spec import ModelSpec, spec_of
from shelfvision.models.tiers import TIERS, Tier

__all__ = [
    "TIERS",
    "ModelSpec",
    "Tier",
    "available_architectures",
    "build_model",
    "cut_points",
    "freeze_backbone",
    "register_architecture",
    "save_backbone",
    "spec_of",
]
