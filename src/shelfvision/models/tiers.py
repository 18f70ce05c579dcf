"""Recommended pretrained networks, as tiers of accuracy and training time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, cast, final

from shelfvision._validation import one_of

TierName: TypeAlias = Literal["fast", "balanced", "accurate"]
"""The name of a tier."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A pretrained network, its input size and the length of its training.

    Attributes
    ----------
    architecture : str
        The network, for `~shelfvision.build_model`.
    image_size : (int, int)
        Height and width of the model input in pixels.
    effort : float
        Epochs and views of fine-tuning, relative to those of the balanced tier.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shv.models.TIERS["fast"].architecture
    'efficientnet_lite0'
    """

    architecture: str
    image_size: tuple[int, int]
    effort: float = 1.0


TIERS: Mapping[TierName, Tier] = MappingProxyType(
    {
        "fast": Tier(architecture="efficientnet_lite0", image_size=(224, 224), effort=0.5),
        "balanced": Tier(architecture="efficientnet_lite0", image_size=(260, 260)),
        "accurate": Tier(architecture="efficientnet_lite2", image_size=(300, 300)),
    }
)
"""The tiers by name, from the fastest to the most accurate."""


def tier_named(name: str, *, parameter: str = "tier") -> Tier:
    """Return a tier by its name; an error names the parameter."""
    return TIERS[cast("TierName", one_of(parameter, name, TIERS))]
