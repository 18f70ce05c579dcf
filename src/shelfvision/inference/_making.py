"""Create the `ServedModel` of a classifier from a trained model or a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, SupportsFloat

from shelfvision._class_names import as_class_names
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.inference._bundle import LoadedBundle
from shelfvision.inference._decision_rule import DecisionRule
from shelfvision.inference._frozen_network import FrozenNetwork
from shelfvision.inference._manifest import plain
from shelfvision.inference.served import ServedModel
from shelfvision.models import spec_of
from shelfvision.protocols import ClassNames, Resize

if TYPE_CHECKING:
    import keras


def served_from_model(
    model: keras.Model,
    *,
    class_names: ClassNames,
    resize: Resize | None,
    preprocessing: Preprocessing | None,
    provenance: Mapping[str, object] | None,
) -> ServedModel:
    """Return the served model of a trained Keras model."""
    names = as_class_names(class_names)
    network = FrozenNetwork(model)
    if len(names) != network.num_classes:
        raise ModelError(
            f"class_names has {len(names)} names, but the model gives "
            f"{network.num_classes} probabilities; name each of them",
            code="wrong-length",
            parameter="class_names",
        )
    return ServedModel(
        network=network,
        class_names=names,
        preprocessing=_checked_preprocessing(preprocessing, resize, network.image_size),
        provenance=MappingProxyType(plain(provenance or {})),
        spec=spec_of(model),
        decision_rule=DecisionRule(),
    )


def served_from_bundle(bundle: LoadedBundle) -> ServedModel:
    """Return the served model of a loaded bundle."""
    manifest = bundle.manifest
    served = served_from_model(
        bundle.model,
        class_names=manifest.class_names,
        resize=None,
        preprocessing=manifest.preprocessing,
        provenance=manifest.provenance,
    )
    rule = DecisionRule(
        validation_scores=bundle.scores,
        calibration=manifest.calibration,
        thresholds=manifest.thresholds,
        profile=manifest.profile,
    )
    return replace(served, decision_rule=rule, product_codes=manifest.product_codes)


def served_with_crop(served: ServedModel, share: SupportsFloat) -> ServedModel:
    """Return the served model with another center crop, and without scores of other pixels."""
    # Preprocessing checks the value.
    rule = replace(served.preprocessing, test_time_crop=share)  # type: ignore[arg-type]
    if rule == served.preprocessing:
        return served
    return replace(served, preprocessing=rule, decision_rule=DecisionRule())


def _checked_preprocessing(
    given: object, resize: Resize | None, image_size: tuple[int, int]
) -> Preprocessing:
    """Return the given or default preprocessing after checking its image size."""
    if given is None:
        return Preprocessing(image_size=image_size, resize=resize or "stretch")
    if not isinstance(given, Preprocessing):
        raise InvalidParameterError(
            f"preprocessing must be a shelfvision.data.Preprocessing, got {received(given)}; pass "
            "another classifier's, or make one",
            code="wrong-type",
            parameter="preprocessing",
        )
    if resize is not None:
        raise InvalidParameterError(
            f"resize must not be given beside preprocessing, got {received(resize)}; leave it out,"
            " for preprocessing has a resize rule",
            code="conflict",
            parameter="resize",
        )
    if given.image_size != image_size:
        raise InvalidParameterError(
            f"preprocessing must have the model's image_size {image_size}, got "
            f"{given.image_size}; pass dataclasses.replace(preprocessing, image_size={image_size})",
            code="wrong-size",
            parameter="preprocessing",
        )
    return given
