"""The networks of `keras.applications`, each with its own preprocessing inside the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from shelfvision._keras.backend import load_keras, untouched
from shelfvision._random import seed_for
from shelfvision.errors import ModelError
from shelfvision.models.architecture import Architecture
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

PREFIX = "keras:"
"""The prefix of the names of these architectures."""
RATE = 0.2
"""The dropout rate before the last layer."""


@dataclass(frozen=True, slots=True)
class Application:
    """The properties of one network that are needed without Keras."""

    parameters: int
    """Number of parameters before the last layer, in Keras 3.15."""
    side: int = 224
    """The side of the images that its weights were trained on, in pixels."""
    scale: Literal["inside", "unit", "caffe", "torch"] = "inside"
    """How pixels are scaled: inside the network, to -1 to 1, or as for Caffe or PyTorch models."""
    smallest: int = 32
    """The smallest side of an image that Keras supports."""


APPLICATIONS = MappingProxyType(
    {
        "ConvNeXtBase": Application(87_566_464),
        "ConvNeXtLarge": Application(196_230_336),
        "ConvNeXtSmall": Application(49_454_688),
        "ConvNeXtTiny": Application(27_820_128),
        "DenseNet121": Application(7_037_504, scale="torch"),
        "DenseNet169": Application(12_642_880, scale="torch"),
        "DenseNet201": Application(18_321_984, scale="torch"),
        "EfficientNetB0": Application(4_049_571),
        "EfficientNetB1": Application(6_575_239, 240),
        "EfficientNetB2": Application(7_768_569, 260),
        "EfficientNetB3": Application(10_783_535, 300),
        "EfficientNetB4": Application(17_673_823, 380),
        "EfficientNetB5": Application(28_513_527, 456),
        "EfficientNetB6": Application(40_960_143, 528),
        "EfficientNetB7": Application(64_097_687, 600),
        "EfficientNetV2B0": Application(5_919_312),
        "EfficientNetV2B1": Application(6_931_124, 240),
        "EfficientNetV2B2": Application(8_769_374, 260),
        "EfficientNetV2B3": Application(12_930_622, 300),
        "EfficientNetV2L": Application(117_746_848, 480),
        "EfficientNetV2M": Application(53_150_388, 480),
        "EfficientNetV2S": Application(20_331_360, 384),
        "InceptionResNetV2": Application(54_336_736, 299, "unit", 75),
        "InceptionV3": Application(21_802_784, 299, "unit", 75),
        "MobileNet": Application(3_228_864, scale="unit"),
        "MobileNetV2": Application(2_257_984, scale="unit"),
        "MobileNetV3Large": Application(2_996_352),
        "MobileNetV3Small": Application(939_120),
        "NASNetLarge": Application(84_916_818, 331, "unit"),
        "NASNetMobile": Application(4_269_716, scale="unit"),
        "ResNet101": Application(42_658_176, scale="caffe"),
        "ResNet101V2": Application(42_626_560, scale="unit"),
        "ResNet152": Application(58_370_944, scale="caffe"),
        "ResNet152V2": Application(58_331_648, scale="unit"),
        "ResNet50": Application(23_587_712, scale="caffe"),
        "ResNet50V2": Application(23_564_800, scale="unit"),
        "VGG16": Application(14_714_688, scale="caffe"),
        "VGG19": Application(20_024_384, scale="caffe"),
        "Xception": Application(20_861_480, 299, "unit", 71),
    }
)
"""The networks by their Keras name; ConvNeXtXLarge exceeds the size limit of a bundle."""

_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red


def build_application(spec: ModelSpec) -> keras.Model:
    """Return the network for a spec, uncompiled, with weights drawn from its seed."""
    model = _network(spec, weights=None)
    _draw_weights(model, spec)
    return model


def _network(spec: ModelSpec, *, weights: str | None) -> keras.Model:
    keras = load_keras()
    if keras.config.image_data_format() != "channels_last":
        raise ModelError(
            f"{spec.architecture} cannot be built while Keras's image_data_format is "
            f"{keras.config.image_data_format()!r}; call "
            "keras.config.set_image_data_format('channels_last')",
            code="channels-first",
        )
    known = APPLICATIONS[spec.architecture.removeprefix(PREFIX)]
    build = getattr(keras.applications, spec.architecture.removeprefix(PREFIX))
    image = keras.Input(shape=(*spec.image_size, 3), dtype="uint8", name="image")
    with untouched():
        body = build(
            include_top=False,
            weights=weights,
            input_tensor=_scaled(image, known),
            input_shape=(*spec.image_size, 3),
        )
        return _with_head(image, body.output, spec)


def _with_head(image: keras.KerasTensor, x: keras.KerasTensor, spec: ModelSpec) -> keras.Model:
    keras = load_keras()
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    rate = RATE if spec.dropout is None else spec.dropout
    seed = seed_for(spec.seed, "dropout", "dropout")
    x = keras.layers.Dropout(rate, seed=seed, name="dropout")(x)
    probabilities = keras.layers.Dense(
        spec.num_classes, activation="softmax", dtype="float32", name="probabilities"
    )(x)
    return keras.Model(image, probabilities, name=spec.architecture.removeprefix(PREFIX))


def _scaled(image: keras.KerasTensor, known: Application) -> keras.KerasTensor:
    """Return pixels scaled as in the training of the network."""
    keras = load_keras()
    rescaling = partial(keras.layers.Rescaling, name="rescale")
    if known.scale == "unit":
        return rescaling(1 / 127.5, offset=-1.0)(image)
    if known.scale == "torch":
        pairs = list(zip(_IMAGENET_MEAN, _IMAGENET_DEVIATION, strict=True))
        scale = [1 / (255 * deviation) for _, deviation in pairs]
        return rescaling(scale, offset=[-mean / deviation for mean, deviation in pairs])(image)
    if known.scale == "caffe":
        backwards = keras.ops.flip(image, axis=-1)
        return rescaling(1.0, offset=[-mean for mean in _CAFFE_MEAN])(backwards)
    return rescaling(1.0)(image)


def _draw_weights(model: keras.Model, spec: ModelSpec) -> None:
    """Derive all initial weights and dropout seeds from the spec's seed.

    The functions of `keras.applications` have no seed parameter, so their layers take seeds from
    Python's global generator.
    """
    # Identify layers by position, because Keras numbers unnamed layers over the whole process.
    numbers = {id(weight): number for number, weight in enumerate(model.weights)}
    for place, layer in enumerate(model.layers):
        for initializer, variable in _drawn_at_random(layer):
            if id(variable) in numbers:
                seed = seed_for(spec.seed, "initial weights", numbers[id(variable)])
                settings = initializer.get_config() | {"seed": seed}
                draw = type(initializer).from_config(settings)
                variable.assign(draw(variable.shape, dtype=variable.dtype))
        generator = getattr(layer, "seed_generator", None)
        if generator is not None and layer.name != "dropout":
            generator.state.assign([seed_for(spec.seed, "dropout", place), 0])


def _drawn_at_random(
    layer: keras.layers.Layer,
) -> Iterator[tuple[keras.initializers.Initializer, keras.Variable]]:
    """Yield each weight of a layer that has random initial values, and its initializer."""
    for name in [name for name in vars(layer) if name.endswith("_initializer")]:
        initializer, kind = getattr(layer, name), name.removesuffix("_initializer")
        # A layer with several kernels names each initializer; a layer with one kernel may not.
        places = (kind, f"{kind}_kernel", "kernel")
        variable = next(
            (v for v in (getattr(layer, p, None) for p in places) if v is not None), None
        )
        if variable is not None and hasattr(initializer, "seed"):
            yield initializer, variable


def _set_imagenet(model: keras.Model, spec: ModelSpec) -> None:
    """Set all weights below the last layer to those that Keras downloads or has cached."""
    try:
        trained = _network(spec, weights="imagenet")
    except ModelError:
        raise
    except Exception as error:
        # Keras raises a bare Exception if its download fails.
        raise ModelError(
            f"weights='imagenet' for {spec.architecture} cannot be downloaded: {error}; connect to "
            "the internet once, because Keras keeps them, or pass weights= the path of a "
            "safetensors file that save_backbone wrote on another computer",
            code="no-weights",
            parameter="weights",
        ) from error
    head = {id(weight) for weight in model.get_layer("probabilities").weights}
    for weight, value in zip(model.weights, trained.weights, strict=True):
        if id(weight) not in head:
            weight.assign(value)


def _architecture(known: Application) -> Architecture:
    return Architecture(
        build=build_application,
        # Half of them, because another version of Keras may build a slightly different network.
        fewest=known.parameters // 2,
        smallest=known.smallest,
        image_size=(known.side, known.side),
        imagenet=_set_imagenet,
    )


ARCHITECTURES = MappingProxyType(
    {PREFIX + name: _architecture(known) for name, known in APPLICATIONS.items()}
)
"""The networks by name."""
