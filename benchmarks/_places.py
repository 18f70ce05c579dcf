"""Where photos to learn from and to judge by come from: folders, manifests, lists of files."""

from __future__ import annotations

import argparse
import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import shelfvision as shv

Part: TypeAlias = tuple[str, shv.Dataset, shv.Dataset]
"""A name, the photos to learn from and those to judge by."""

DRINKS = {
    "Juice": "Juice",
    "Milk": "Milk",
    "Yoghurt": "Yoghurt",
    "Oat-Milk": "Plant drink",
    "Soy-Milk": "Plant drink",
    "Oatghurt": "Plant yoghurt",
    "Soyghurt": "Plant yoghurt",
}
"""Five classes of packaged drinks, of seven labels of the Grocery Store photos."""
TASKS: dict[str, dict[str, object]] = {
    "drinks": {"label_column": "label", "relabel": [f"{a}={b}" for a, b in DRINKS.items()]},
    "coarse": {"label_column": "label"},
    "products": {"label_column": "product", "summed_column": "label"},
}
"""Tasks of the Grocery Store photos, as options of this program."""


def drinks(folder: Path, split: str, side: int) -> shv.Dataset:
    """Return the drinks of one part of the Grocery Store photos."""
    photos = shv.Dataset.from_manifest(
        folder / "manifest.csv",
        where={"split": split},
        class_names=list(DRINKS),
        image_size=(side, side),
    )
    return photos.relabel(DRINKS)


def drink_of_products(folder: Path) -> dict[str, str]:
    """Return the class of every product that is a drink."""
    labels = shv.Taxonomy.from_manifest(folder / "manifest.csv").mapping()
    return {product: DRINKS[label] for product, label in labels.items() if label in DRINKS}


def parts(options: argparse.Namespace, size: tuple[int, int]) -> Iterator[Part]:
    """Yield the rounds that a place holds, its photos at a size."""
    place = Path(options.photos)
    if (place / "splits").is_dir():
        yield from _listed(place, options, size)
    elif place.is_file() or (place / "manifest.csv").is_file():
        yield _from_manifest(place, options, size)
    else:
        photos = shv.Dataset.from_directory(place, image_size=size, on_error="skip")
        grouped = photos.group_near_duplicates().group_bursts()
        splits = shv.SeededSplitter(train=0.8, validation=0.0, test=0.2, seed=42).split(grouped)
        if splits.test is not None:
            yield "a fifth", splits.train, splits.test


def _listed(place: Path, options: argparse.Namespace, size: tuple[int, int]) -> Iterator[Part]:
    photos = shv.Dataset.from_directory(place / "images", image_size=size)
    found = sorted(re.findall(r"train(\d+)\.txt", " ".join(os.listdir(place / "splits"))))
    for fold in options.folds.split(",") if options.folds else found:
        lists = {part: place / "splits" / f"{part}{fold}.txt" for part in ("train", "test")}
        # The published lists have twins across folds; judged is as they are judged elsewhere.
        splits = shv.Splits.from_files(photos, **lists, on_leak="allow")
        if splits.leaks:
            print(f"fold {fold}: {len(splits.leaks)} groups of photos are on both lists")
        if splits.test is not None:
            yield f"fold {fold}", splits.train, splits.test


def judge_photos(place: Path, options: argparse.Namespace, size: tuple[int, int]) -> shv.Dataset:
    """Return all photos of another manifest with the same columns, to judge by."""
    return _opened(place, options, size, where=None)


def _from_manifest(place: Path, options: argparse.Namespace, size: tuple[int, int]) -> Part:
    train, test = (
        _opened(place, options, size, where={options.split_column: part})
        for part in (options.train, options.test)
    )
    return f"{options.train} to {options.test}", train, test


def _opened(
    place: Path,
    options: argparse.Namespace,
    size: tuple[int, int],
    *,
    where: dict[str, str] | None,
) -> shv.Dataset:
    """Return the photos of a manifest with the classes that the options ask for."""
    relabel = dict(pair.split("=", 1) for pair in options.relabel or ())
    manifest = place if place.is_file() else place / "manifest.csv"
    names = list(relabel) or None
    if options.leave_out:
        with manifest.open(newline="", encoding="utf-8") as file:
            there = names or sorted({row[options.label_column] for row in csv.DictReader(file)})
        names = [name for name in there if name not in options.leave_out]
    photos = shv.Dataset.from_manifest(
        manifest,
        path_column=options.path_column,
        label_column=options.label_column,
        where=where,
        class_names=names,
        image_size=size,
    )
    return photos.relabel({name: relabel[name] for name in names or () if name in relabel})
