"""``train``: train a classifier with the recommended hyperparameters for the dataset."""

from __future__ import annotations

import argparse
from typing import cast

from shelfvision._cli._photos import (
    dataset_of,
    is_manifest,
    report_skipped,
    require_boxes_alone,
    require_place,
)
from shelfvision._cli._say import complain, say
from shelfvision._cli.options.network import DEFAULT, choose_network
from shelfvision._csv import read_table
from shelfvision._identifiers import clean_name
from shelfvision._keras.backend import require_any_backend
from shelfvision._storage import as_location
from shelfvision._urls import is_url, shown_url
from shelfvision._validation import counted
from shelfvision.augment import BalancingAugmenter
from shelfvision.data import Dataset, SeededSplitter, Splits
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.evaluation import evaluate
from shelfvision.models import build_model
from shelfvision.models.building import IMAGENET
from shelfvision.models.pretrained import require_installation
from shelfvision.models.registry import architecture_named
from shelfvision.training import Trainer, TrainingResult

_INTERRUPTED = 130
_VALIDATION = ("validation", "val", "valid")


def run(chosen: argparse.Namespace) -> int:
    """Train, evaluate and save; the same command resumes after an interruption."""
    require_any_backend()  # the search for near-duplicates may take long
    require_place(chosen.output, "--output")
    _require_run(chosen)
    require_boxes_alone(chosen)
    choice = choose_network(chosen)
    if chosen.weights == IMAGENET:
        require_installation(chosen.architecture)
    splits = _splits(chosen)
    _report_photos(splits)
    if choice:
        complain(choice)
    result = _trained(chosen, splits)
    if result.interrupted:
        complain("interrupted; run the same command again to resume")
        return _INTERRUPTED
    digest = result.classifier.save(chosen.output)
    complain(f"best epoch {result.best_epoch} of {result.stopped_epoch}")
    for name, part in (("validation", splits.validation), ("test", splits.test)):
        if part is not None and len(part):
            say(f"{name} photos")
            say(evaluate(result.classifier, part))
    say(f"saved {chosen.output!r}, SHA-256 {digest}")
    return 0


def _require_run(chosen: argparse.Namespace) -> None:
    """Refuse a URL as the output without a folder for the checkpoints."""
    if is_url(chosen.output) and chosen.run is None:
        raise InvalidParameterError(
            f"--run must name a folder of this computer if --output is a URL, got the output "
            f"{shown_url(chosen.output)!r} alone; add --run FOLDER, or give --output a path",
            code="conflict",
            parameter="--run",
        )


def _trained(chosen: argparse.Namespace, splits: Splits) -> TrainingResult:
    train = splits.train
    if chosen.balance:
        train = BalancingAugmenter(seed=chosen.seed).balance(train)
    model = build_model(
        len(train.class_names),
        image_size=train.image_size,
        architecture=chosen.architecture,
        weights=chosen.weights,
        seed=chosen.seed,
    )
    wanted = {"epochs": chosen.epochs, "batch_size": chosen.batch_size}
    overrides = {name: value for name, value in wanted.items() if value is not None}
    folder = chosen.run or f"{chosen.output}.run"
    if splits.validation is None:
        overrides["monitor"] = "loss"
    trainer = Trainer.recommended(
        model,
        train,
        tier=chosen.tier or DEFAULT,
        checkpoint_dir=folder,
        seed=chosen.seed,
        **overrides,
    )
    return trainer.fit(model, train, splits.validation, resume="never" if chosen.fresh else "auto")


def _splits(chosen: argparse.Namespace) -> Splits:
    size = chosen.image_size or architecture_named(chosen.architecture).image_size
    if chosen.split_column:
        return _listed(chosen, size)
    share = 1 - chosen.validation - chosen.test
    if not 0 < share <= 1:
        raise InvalidParameterError(
            "--validation and --test must leave photos to train on, got "
            f"{chosen.validation} and {chosen.test}; choose shares whose sum is below 1",
            code="not-in-range",
            parameter="--validation",
        )
    photos = _photos(chosen, size)
    report_skipped(photos, boxes=chosen.boxes is not None)
    if not chosen.group_column:
        complain(f"searching {counted(len(photos), 'photo')} for near-duplicates and bursts")
        photos = photos.group_near_duplicates().group_bursts()
    if share == 1:
        return Splits(train=photos)
    return SeededSplitter(
        train=share, validation=chosen.validation, test=chosen.test, seed=chosen.seed
    ).split(photos)


def _photos(chosen: argparse.Namespace, size: tuple[int, int]) -> Dataset:
    """Return photos of one product each, or the crops of annotated boxes."""
    if chosen.boxes is None:
        return dataset_of(chosen, image_size=size, resize=chosen.resize)
    return Dataset.from_boxes(
        chosen.boxes,
        images=chosen.dataset,
        context=chosen.context,
        shape=chosen.shape,
        image_size=size,
        resize=chosen.resize,
        on_error=chosen.on_error,
    )


def _listed(chosen: argparse.Namespace, size: tuple[int, int]) -> Splits:
    """Return the splits that a column of the manifest defines."""
    values = _values(chosen.dataset, chosen.split_column, chosen.encoding)
    if "train" not in values:
        raise DataError(
            f"the column {chosen.split_column!r} of {chosen.dataset!r} must have rows with "
            "'train', got none; check --split-column",
            code="no-training-photos",
            parameter="--split-column",
        )

    def part(names: tuple[str, ...]) -> Dataset | None:
        name = next((name for name in names if name in values), None)
        if name is None:
            return None
        where = {chosen.split_column: name}
        found = dataset_of(chosen, image_size=size, resize=chosen.resize, where=where)
        report_skipped(found, boxes=False)
        return found

    train = cast("Dataset", part(("train",)))
    return Splits(train=train, validation=part(_VALIDATION), test=part(("test",)))


def _values(path: str, column: str, encoding: str | None) -> set[str]:
    """Return the distinct values of a manifest column."""
    if not is_manifest(as_location(path, "PHOTOS")):
        raise InvalidParameterError(
            f"--split-column is for CSV manifests, got the folder {path!r}; leave it out, or "
            "name a manifest",
            code="conflict",
            parameter="--split-column",
        )
    rows = read_table(path, {column: "--split-column"}, encoding=encoding).rows
    return {clean_name(row[column]) for _, row in rows}


def _report_photos(splits: Splits) -> None:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    sizes = [f"{name} {len(part)}" for name, part in parts.items() if part is not None]
    complain(f"{counted(len(splits.train.class_names), 'class')}; photos: {', '.join(sizes)}")
