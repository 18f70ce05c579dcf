"""Networks that tell products apart."""

from shelfvision.models._build import build_model
from shelfvision.models._spec import ModelSpec, spec_of

__all__ = ["ModelSpec", "build_model", "spec_of"]
