"""Describe a classifier for its files: the manifest of bundles and the card of exported models."""

from __future__ import annotations

from functools import partial

from shelfvision._runtime.card import Card
from shelfvision.export.exporting import Source
from shelfvision.inference._manifest import BundleManifest
from shelfvision.inference.served import (
    ServedModel,
    class_probabilities,
    measured_photos,
    training_prior,
)
from shelfvision.inference.versions import package_versions
from shelfvision.models import ModelSpec


def bundle_manifest_of(served: ServedModel) -> BundleManifest:
    """Return the manifest of the bundle of a classifier."""
    network, rule = served.network, served.decision_rule
    spec = served.spec or ModelSpec(
        architecture=network.model.name or "model",
        num_classes=network.num_classes,
        image_size=network.image_size,
    )
    scores = rule.validation_scores
    return BundleManifest(
        spec=spec,
        own_architecture=served.own_architecture,
        class_names=served.class_names,
        preprocessing=served.preprocessing,
        provenance=served.provenance,
        created_with=package_versions(),
        weights=tuple(network.weights),
        calibration=rule.calibration,
        thresholds=rule.thresholds,
        n_validation=None if scores is None else len(scores),
        product_codes=served.product_codes,
        profile=rule.profile,
    )


def exported_source(served: ServedModel, sha256: str) -> Source:
    """Return the input of an export; `sha256` is the digest of the classifier's bundle."""
    return Source(
        card=_card_of(served, sha256),
        model=served.network.model,
        values=list(served.network.weights.values()),
        spec=None if served.own_architecture else served.spec,
        probabilities=partial(class_probabilities, served),
    )


def _card_of(served: ServedModel, sha256: str) -> Card:
    """Return the metadata that exported files contain."""
    prior, measured = training_prior(served), measured_photos(served)
    return Card(
        class_names=served.class_names,
        preprocessing=served.preprocessing,
        calibration=served.decision_rule.calibration,
        thresholds=served.decision_rule.thresholds,
        trained_shares=None if prior is None else tuple(prior.tolist()),
        product_codes=served.product_codes,
        measured=() if measured is None else measured.summary(),
        profile=served.decision_rule.profile,
        source_sha256=sha256,
        created_with=tuple(package_versions().items()),
    )
