"""The Grocery Store photos as a classifier's ``embed`` sees them, kept in a file."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as shv


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """Photos of one part, one entry each."""

    seen: npt.NDArray[np.float32]
    """What the network sees, shape (n, d)."""
    labels: npt.NDArray[np.int64]
    """The number of the product."""
    groups: npt.NDArray[np.int64]
    """The number of the burst."""

    def of(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Photos:
        """Return some of the photos."""
        return Photos(seen=self.seen[rows], labels=self.labels[rows], groups=self.groups[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """All photos."""

    train: Photos
    val: Photos
    names: list[str]
    """The products in the order of their numbers."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where the photos are, what sees them, and where that is kept."""
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--cache", type=Path, help="a file to keep what the network sees in")
    parser.add_argument(
        "--classifier", type=Path, help="a saved classifier; by default frozen EfficientNet-Lite0"
    )


def manifest_of(place: str) -> Path:
    """Return the manifest that an option names, as a file or by its folder."""
    manifest = Path(place) if Path(place).is_file() else Path(place) / "manifest.csv"
    if not place or not manifest.is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    return manifest


def embedded(options: argparse.Namespace) -> Embedded:
    """Return the photos of train and val; read from the file where it is there."""
    cache: Path | None = options.cache
    if cache is not None and cache.is_file():
        return _kept(cache)
    manifest = manifest_of(options.photos)
    classifier = _seeing(options.classifier)
    parts, names = {}, []
    for part in ("train", "val"):
        photos = shv.Dataset.from_manifest(
            manifest,
            label_column="product",
            where={"split": part},
            image_size=classifier.image_size,
            resize=classifier.resize,
        )
        bursts = photos.group_bursts().groups.astype(str)
        parts[part] = Photos(
            seen=classifier.embed(photos),
            labels=photos.labels,
            groups=np.unique(bursts, return_inverse=True)[1].astype(np.int64),
        )
        names = list(photos.class_names)
    found = Embedded(train=parts["train"], val=parts["val"], names=names)
    if cache is not None:
        _keep(found, cache)
    return found


def embedded_judge(options: argparse.Namespace, names: list[str]) -> Photos:
    """Return all photos of the manifest of ``--judge``, with these products."""
    cache: Path | None = options.cache and options.cache.with_suffix(".judge.npz")
    if cache is not None and cache.is_file():
        with np.load(cache) as file:
            return Photos(seen=file["seen"], labels=file["labels"], groups=file["groups"])
    classifier = _seeing(options.classifier)
    photos = shv.Dataset.from_manifest(
        manifest_of(options.judge),
        label_column="product",
        class_names=names,
        image_size=classifier.image_size,
        resize=classifier.resize,
    )
    bursts = photos.group_bursts().groups.astype(str)
    numbers = np.unique(bursts, return_inverse=True)[1].astype(np.int64)
    found = Photos(seen=classifier.embed(photos), labels=photos.labels, groups=numbers)
    if cache is not None:
        np.savez(
            cache, allow_pickle=False, seen=found.seen, labels=found.labels, groups=found.groups
        )
    return found


def _seeing(path: Path | None) -> shv.Classifier:
    if path is not None:
        return shv.Classifier.load(path)
    model = shv.build_model(2, architecture="efficientnet_lite0", weights="imagenet")
    return shv.Classifier.from_model(model, class_names=["a", "b"])


def _keep(found: Embedded, cache: Path) -> None:
    columns = {
        f"{part}_{key}": getattr(getattr(found, part), key)
        for part in ("train", "val")
        for key in ("seen", "labels", "groups")
    }
    np.savez(cache, allow_pickle=False, names=np.array(found.names), **columns)


def _kept(cache: Path) -> Embedded:
    with np.load(cache) as file:
        parts = {
            part: Photos(**{key: file[f"{part}_{key}"] for key in ("seen", "labels", "groups")})
            for part in ("train", "val")
        }
        return Embedded(train=parts["train"], val=parts["val"], names=file["names"].tolist())
