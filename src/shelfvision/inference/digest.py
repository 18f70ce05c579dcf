"""The digest of a classifier: of all that its embedding depends on, and nothing else."""

from __future__ import annotations

import hashlib

from shelfvision._storage.json_values import canonical_json
from shelfvision.inference.served import ServedModel

__all__ = ["classifier_digest"]


def classifier_digest(served: ServedModel) -> str:
    """Return the SHA-256 of weights, settings, class names, image size, resize and test-time crop.

    The crop rule for boxes, provenance, calibration, thresholds and kept scores have no part in it,
    nor have the versions that it was made with: calibrating a classifier, or saving and loading it,
    changes none of what it sees. Weights count in the model's order, without their names, some of
    which Keras numbers anew each time.
    """
    spec, preprocessing = served.spec, served.preprocessing
    about: dict[str, object] = {
        "class_names": list(served.class_names),
        "image_size": list(preprocessing.image_size),
        "resize": preprocessing.resize,
        "spec": None if spec is None else spec.to_dict(),
    }
    if preprocessing.test_time_crop != 1:
        about["test_time_crop"] = preprocessing.test_time_crop
    hasher = hashlib.sha256(canonical_json(about).encode())
    for tensor in served.network.weights.values():
        hasher.update(
            canonical_json([tensor.dtype.str.lstrip("<>=|"), list(tensor.shape)]).encode()
        )
        hasher.update(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
    return hasher.hexdigest()
