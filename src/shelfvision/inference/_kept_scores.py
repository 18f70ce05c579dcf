"""Convert validation scores to tensors of a bundle, and back.

The names of these tensors begin with a reserved prefix, which weights cannot use.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfvision._storage.safetensors import KEPT, Tensor
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.inference._manifest import BundleManifest
from shelfvision.predictions import ValidationScores

_PROBABILITIES, _LABELS, _GROUPS = (KEPT + name for name in ("probabilities", "labels", "groups"))


def kept_tensors(scores: ValidationScores | None) -> dict[str, Tensor]:
    """Return the tensors of the scores; no tensors for None."""
    if scores is None:
        return {}
    return {_PROBABILITIES: scores.probabilities, _LABELS: scores.labels, _GROUPS: scores.groups}


def kept_entries(manifest: BundleManifest) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the dtype and shape of each score tensor that the manifest requires."""
    n = manifest.n_validation
    if n is None:
        return {}
    whole = ("I32", (n,))
    k = manifest.spec.num_classes
    return {_PROBABILITIES: ("F32", (n, k)), _LABELS: whole, _GROUPS: whole}


def kept_scores(tensors: Mapping[str, Tensor], where: str) -> ValidationScores | None:
    """Return the checked validation scores from the tensors of a bundle; None without scores."""
    if _PROBABILITIES not in tensors:
        return None
    rows = tensors[_PROBABILITIES].astype(np.float32)
    labels, groups = (tensors[name].astype(np.int32) for name in (_LABELS, _GROUPS))
    try:
        return ValidationScores(probabilities=rows, labels=labels, groups=groups)
    except InvalidParameterError as error:
        raise BundleError(
            f"{where} cannot be loaded: its validation scores are invalid: {error}", code=error.code
        ) from error
