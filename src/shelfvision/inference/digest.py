"""Compute the digest of everything that the embeddings of a classifier depend on."""

from __future__ import annotations

import hashlib

from shelfvision._storage.json_values import canonical_json
from shelfvision.inference.served import ServedModel

__all__ = ["classifier_digest"]


def classifier_digest(served: ServedModel) -> str:
    """Return the SHA-256 of weights, settings, class names, image size, resize and test-time crop.

    The digest does not include the crop rule for boxes, provenance, calibration, thresholds,
    validation scores and package versions, because embeddings do not depend on them. So
    calibration, saving and loading do not change it. Weights are included in the order of the
    model and without their names, because Keras numbers some of them differently each time.
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
