"""What a classifier says about itself: the manifest of its bundle, the card of its exports."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from shelfvision._runtime.card import Card
from shelfvision.export.exporting import Source
from shelfvision.inference._manifest import Manifest, package_versions
from shelfvision.inference._predicting import PredictingClassifier
from shelfvision.models import ModelSpec
from shelfvision.models.registry import is_builtin

if TYPE_CHECKING:
    from shelfvision.inference._classifier import Classifier


def manifest_of(classifier: PredictingClassifier) -> Manifest:
    """Return what a classifier's bundle holds beside its numbers."""
    network, trust, known = classifier._network, classifier._trust, classifier._spec
    spec = known or ModelSpec(
        architecture=network.model.name or "model",
        num_classes=network.num_classes,
        image_size=network.image_size,
    )
    return Manifest(
        spec=spec,
        own_architecture=known is None or not is_builtin(known.architecture),
        class_names=classifier.class_names,
        preprocessing=classifier.preprocessing,
        provenance=classifier.provenance,
        created_with=package_versions(),
        weights=tuple(network.weights),
        calibration=trust.calibration,
        thresholds=trust.thresholds,
        n_validation=None if trust.validation is None else len(trust.validation),
    )


def exported_source(classifier: Classifier) -> Source:
    """Return what exporting a classifier needs."""
    network, spec = classifier._network, classifier._spec
    return Source(
        card=_card_of(classifier, classifier.save(io.BytesIO())),
        model=network.model,
        values=list(network.weights.values()),
        spec=spec if spec is not None and is_builtin(spec.architecture) else None,
        probabilities=classifier._scores,
    )


def _card_of(classifier: PredictingClassifier, sha256: str) -> Card:
    """Return what a file exported from a classifier, whose bundle has this digest, says."""
    prior = classifier._training_prior()
    return Card(
        class_names=classifier.class_names,
        preprocessing=classifier.preprocessing,
        calibration=classifier._trust.calibration,
        thresholds=classifier._trust.thresholds,
        trained_shares=None if prior is None else tuple(prior.tolist()),
        source_sha256=sha256,
        created_with=tuple(package_versions().items()),
    )
