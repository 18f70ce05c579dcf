"""Real packages of others work with ours; each test is skipped where its package is not there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import shelfvision as shv
from shelfvision._random import rng_for
from shelfvision.augment import Brightness, Compose, from_albumentations, from_torchvision
from shelfvision.protocols import Augmenter
from shelfvision.testing import check_augmenter

DOCS = Path(__file__).parents[2] / "docs" / "how-to"
OPTIONAL = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGE = rng_for(0, "t").integers(0, 256, (40, 50, 3), dtype=np.uint8)


def wanted(name: str) -> ModuleType:
    """Return a package, or skip the test; a broken installation raises anything."""
    try:
        package: ModuleType = pytest.importorskip(name, exc_type=ImportError)
    except RuntimeError as error:
        pytest.skip(f"{name} cannot be imported: {error}")
    return package


def assert_keyed_and_varied(augmenter: Augmenter) -> None:
    check_augmenter(augmenter)
    results = [augmenter(IMAGE, rng_for(0, "t", key)) for key in range(8)]
    assert_array_equal(results[3], augmenter(IMAGE, rng_for(0, "t", 3)))
    assert len({result.tobytes() for result in results}) > 4


ALBUMENTATIONS: list[Callable[[Any], Any]] = [
    lambda alb: alb.Compose([alb.HorizontalFlip(p=0.5), alb.RandomBrightnessContrast(p=1)]),
    lambda alb: alb.RandomRain(p=1),
    lambda alb: alb.OneOf([alb.GaussNoise(p=1), alb.Rotate(limit=20, p=1)], p=1),
    lambda alb: alb.Affine(rotate=(-20, 20), p=1),
]


@pytest.mark.parametrize("make", ALBUMENTATIONS)
def test_albumentations_keep_the_contract(make: Callable[[Any], Any]) -> None:
    assert_keyed_and_varied(from_albumentations(make(wanted("albumentations"))))


TORCHVISION: list[Callable[[Any], Any]] = [
    lambda kinds: kinds.Compose([kinds.RandomRotation(20), kinds.ColorJitter(0.3, 0.3, 0.3)]),
    lambda kinds: kinds.Compose([kinds.RandomAffine(10), kinds.PILToTensor()]),
]


@pytest.mark.parametrize("make", TORCHVISION)
@pytest.mark.parametrize("home", ["torchvision.transforms", "torchvision.transforms.v2"])
def test_torchvision_keeps_the_contract(home: str, make: Callable[[Any], Any]) -> None:
    assert_keyed_and_varied(from_torchvision(make(wanted(home))))


def test_an_adapted_transform_balances_a_dataset_the_same_in_any_order() -> None:
    alb = wanted("albumentations")
    augmenter = Compose([from_albumentations(alb.Rotate(limit=20, p=1)), Brightness(0.2)])
    photos = shv.samples.render_products({"Can": 5, "Jar": 2}, image_size=(40, 40))
    balanced = shv.BalancingAugmenter(augmenter).balance(photos)
    again = shv.BalancingAugmenter(augmenter).balance(photos)
    whole = balanced.to_arrays()[0]
    assert_array_equal(again.read_batch(np.arange(9, -1, -1)), whole[::-1])
    assert again.fingerprint == balanced.fingerprint


STRATEGIES = ["auto", "minority", "not minority", "not majority", "all", {0: 9, 1: 8}]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_mean_what_they_mean_to_imbalanced_learn(strategy: Any) -> None:
    sampling = wanted("imblearn.over_sampling")
    labels = np.repeat([0, 1, 2], [3, 5, 11])
    rows = np.arange(len(labels)).reshape(-1, 1)
    theirs = sampling.RandomOverSampler(sampling_strategy=strategy, random_state=0)
    counts = np.bincount(theirs.fit_resample(rows, labels)[1])
    ours = shv.BalancingAugmenter(sampling_strategy=strategy)
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    resampled, more = ours.fit_resample(images, labels)
    assert np.bincount(np.asarray(more, np.int64)).tolist() == counts.tolist()
    made: Mapping[int, int] = {name: n for name, n in theirs.sampling_strategy_.items() if n}
    assert ours.sampling_strategy_ == made
    assert len(ours.sample_indices_) == len(resampled) == len(theirs.sample_indices_)


def test_samplers_of_imbalanced_learn_choose_rows_for_ours() -> None:
    sampler = wanted("imblearn.under_sampling").RandomUnderSampler(
        sampling_strategy={2: 6}, random_state=0
    )
    labels = np.repeat([0, 1, 2], [3, 5, 11])
    images = rng_for(0, "t").integers(0, 256, (len(labels), 4, 4, 3), dtype=np.uint8)
    rows, chosen = sampler.fit_resample(np.arange(len(labels)).reshape(-1, 1), labels)
    balancer = shv.BalancingAugmenter()
    more, targets = balancer.fit_resample(images[rows.ravel()], chosen)
    assert np.bincount(np.asarray(targets, np.int64)).tolist() == [6, 6, 6]
    assert_array_equal(more[: len(chosen)], images[rows.ravel()])


@pytest.mark.parametrize(
    ("page", "package"),
    [("write-your-own-augmenter.md", "albumentations"), ("balance.md", "imblearn")],
)
def test_the_blocks_of_a_guide_that_need_a_package_run(
    page: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(package)
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = [block for block in OPTIONAL.findall(text) if package in block]
    photos = shv.samples.render_products({"Can": 60, "Carton": 30, "Jar": 12}, image_size=(24, 24))
    names = {"np": np, "shv": shv, "splits": shv.SeededSplitter(seed=42).split(photos)}
    assert len(blocks) == 1
    exec(compile(blocks[0], page, "exec"), names)
    assert {"albumentations", "imblearn"} & set(sys.modules)
