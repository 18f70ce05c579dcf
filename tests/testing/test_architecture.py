"""`check_architecture` tells an author, in one sentence each, what an architecture lacks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.models import ModelSpec, registry
from shelfvision.models.architecture import Architecture
from shelfvision.testing import check_architecture
from support import refuses

if TYPE_CHECKING:
    import keras

SIZE = (12, 16)
_count = itertools.count()


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})


def network(
    spec: ModelSpec,
    *,
    dtype: str = "uint8",
    seed: int | None = None,
    activation: str | None = "softmax",
    units: int | None = None,
    filters: int = 4,
    rate: float = 0.0,
    dropout_seed: int | None = None,
    float16: bool = False,
) -> keras.Model:
    """Return a small network that keeps the contract, unless it is told otherwise."""
    keras = load_keras()
    layers = keras.layers
    seed = spec.seed if seed is None else seed
    draw = keras.initializers.GlorotUniform
    image = keras.Input((*spec.image_size, 3), dtype=dtype, name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    x = layers.Conv2D(filters, 3, padding="same", kernel_initializer=draw(seed=seed), name="conv")(
        x
    )
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    if rate:
        x = layers.Dropout(rate, seed=dropout_seed, name="dropout")(x)
    x = layers.Dense(
        units or spec.num_classes,
        activation=activation,
        kernel_initializer=draw(seed=seed + 1),
        dtype="float16" if float16 else None,
        name="probabilities",
    )(x)
    return keras.Model(image, x)


def tensors(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    return {
        "conv/kernel": (3, 3, 3, 4),
        "conv/bias": (4,),
        "probabilities/kernel": (4, spec.num_classes),
        "probabilities/bias": (spec.num_classes,),
    }


@pytest.mark.parametrize("name", ["grocery_cnn", "shelf_cnn"])
def test_the_networks_of_the_library_pass(name: str) -> None:
    check_architecture(name)


def test_a_good_network_passes() -> None:
    shv.register_architecture("good", network, tensors=tensors, image_size=SIZE)
    check_architecture("good")
    shv.register_architecture(
        "dropout", lambda spec: network(spec, rate=0.5, dropout_seed=spec.seed), image_size=SIZE
    )
    check_architecture("dropout")


def test_an_unknown_name_is_refused() -> None:
    with refuses(ModelError, "not-an-option", "architecture"):
        check_architecture("nowhere")


def test_a_name_is_a_text() -> None:
    with refuses(InvalidParameterError, "wrong-type", "name"):
        check_architecture(3)  # type: ignore[arg-type]  # wrong on purpose


def subclassed(spec: ModelSpec) -> keras.Model:
    class Own(load_keras().Model):  # type: ignore[misc]  # the module is loaded late
        def __init__(self) -> None:
            super().__init__()
            self.inner = network(spec)

        def call(self, images: Any) -> Any:
            return self.inner(images)

    model: keras.Model = Own()
    model.build((None, *spec.image_size, 3))
    return model


def grows(spec: ModelSpec) -> keras.Model:
    return network(spec, filters=2 + next(_count))


def twice(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    return dict(reversed(tensors(spec).items()))


def wide(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    return tensors(spec) | {"conv/bias": (5,)}


def short(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    return dict(list(tensors(spec).items())[:-1])


def more(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    return tensors(spec) | {"more": (1,)}


def fails(spec: ModelSpec) -> Any:
    raise KeyError("image")


def unseeded(spec: ModelSpec) -> keras.Model:
    return network(spec, seed=next(_count))


def global_dropout(spec: ModelSpec) -> keras.Model:
    return network(spec, rate=0.5)


BROKEN: list[tuple[Callable[[ModelSpec], Any], str]] = [
    (fails, "it fails with KeyError"),
    (lambda spec: "a model", "must return a keras.Model"),
    (lambda spec: network(spec, units=7), "returned a model from"),
    (subclassed, "returned a model from"),
    (lambda spec: network(spec, dtype="float32"), "type float32, not uint8"),
    (lambda spec: network(spec, activation=None), "not probabilities"),
    (lambda spec: network(spec, activation="sigmoid"), "not probabilities"),
    (lambda spec: network(spec, float16=True), "it returns float16"),
    (unseeded, "other initial weights"),
    (grows, "gives other layers"),
    (global_dropout, "other dropout"),
    (global_dropout, "global generator of the random module"),
    (lambda spec: network(spec, seed=3), "another seed gives the same"),
]


@pytest.mark.parametrize(("builder", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_every_fault_of_a_builder_is_told(builder: Callable[[ModelSpec], Any], words: str) -> None:
    shv.register_architecture("broken", builder, image_size=SIZE)
    with refuses(ModelError, "contract", "name") as caught:
        check_architecture("broken")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (fails, "tensors fails with KeyError"),
        (twice, "in the model's order"),
        (wide, "it has ('conv/bias', (5,)) where the model has ('conv/bias', (4,))"),
        (short, "it has None where the model has ('probabilities/bias', (5,))"),
        (more, "it has ('more', (1,)) where the model has None"),
    ],
)
def test_every_fault_of_its_tensors_is_told(given: Any, words: str) -> None:
    shv.register_architecture("broken", network, tensors=given, image_size=SIZE)
    with refuses(ModelError, "contract", "name") as caught:
        check_architecture("broken")
    assert words in str(caught.value)


def test_a_size_below_which_it_fails_is_told() -> None:
    def large(spec: ModelSpec) -> keras.Model:
        if min(spec.image_size) < 8:
            raise ValueError("too small")
        return network(spec)

    shv.register_architecture("large", large, image_size=SIZE)
    with refuses(ModelError, "contract", "name") as caught:
        check_architecture("large")
    assert "image_size=(1, 9)" in str(caught.value)
    shv.register_architecture("larger", large, image_size=SIZE, smallest=8)
    check_architecture("larger")


@pytest.fixture
def cut_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def known(*names: str) -> None:
        made = Architecture(build=network, image_size=SIZE, cuts=lambda _: names)
        monkeypatch.setattr(registry, "_registered", {"cut": made})

    return known


def test_cut_points_are_layers_at_which_the_model_can_be_cut(
    cut_at: Callable[..., None],
) -> None:
    cut_at("conv", "pool")
    check_architecture("cut")
    cut_at("conv", "nowhere")
    with refuses(ModelError, "contract", "name") as caught:
        check_architecture("cut")
    assert "'nowhere'" in str(caught.value)
