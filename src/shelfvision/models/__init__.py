"""Networks that tell products apart."""

from shelfvision.models._backbone import cut_points, freeze_backbone, save_backbone
from shelfvision.models._build import build_model
from shelfvision.models._registry import register_architecture
from shelfvision.models._spec import ModelSpec, spec_of

__all__ = [
    "ModelSpec",
    "build_model",
    "cut_points",
    "freeze_backbone",
    "register_architecture",
    "save_backbone",
    "spec_of",
]
