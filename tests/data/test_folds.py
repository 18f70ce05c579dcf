"""Folds for scikit-learn: equal to those of the splitter, and a warning where they leak."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_score

import shelfvision as shv
from shelfvision.data import SeededFolds
from shelfvision.data.folds.parted import parted_photos
from shelfvision.data.folds.photo_columns import column_of_photos, dataset_of_photos, seem_photos
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    SplitError,
)
from support import gives_warning, refuses

RNG = np.random.default_rng(5)
NOISE = RNG.integers(0, 256, (24, 12, 12, 3), dtype=np.uint8)
NAMES = np.array(["juice", "milk", "tea"] * 8)
SESSIONS = np.array([f"session {row // 4}" for row in range(24)])


def noise(**columns: Any) -> shv.Dataset:
    return shv.Dataset.from_arrays(NOISE, NAMES, **columns)


def rows_tested(folds: Any) -> list[list[int]]:
    return [test.tolist() for _, test in folds]


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("groups", [None, SESSIONS])
def test_folds_of_a_dataset_are_those_of_the_splitter(seed: int, groups: Any) -> None:
    dataset = noise(groups=groups)
    splitter = shv.SeededSplitter(seed=seed)
    pairs = zip(splitter.cv(4).split(dataset), splitter.folds(dataset, 4), strict=True)
    for (train, test), splits in pairs:
        assert splits.test is not None
        assert dataset.ids[train].tolist() == splits.train.ids.tolist()
        assert dataset.ids[test].tolist() == splits.test.ids.tolist()


def test_columns_give_the_folds_of_their_dataset() -> None:
    folds = shv.SeededSplitter(seed=7).cv(3)
    expected = rows_tested(folds.split(noise(groups=SESSIONS)))
    features = np.zeros((24, 2))
    assert rows_tested(folds.split(features, NAMES, SESSIONS)) == expected
    assert rows_tested(folds.split(features, NAMES, noise(groups=SESSIONS).groups)) == expected
    assert rows_tested(folds.split(features, noise().one_hot(), SESSIONS)) == expected
    assert rows_tested(folds.split(NOISE, NAMES)) == rows_tested(folds.split(noise()))


def test_photo_files_give_the_folds_of_their_dataset(tmp_path: Path) -> None:
    shv.samples.write_products(tmp_path, n_per_class=6, class_names=["juice", "milk"])
    dataset = shv.Dataset.from_directory(tmp_path)
    paths = [tmp_path / name for name in dataset.ids]
    folds = shv.SeededSplitter(seed=3).cv(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakageWarning)
        assert rows_tested(folds.split(paths, dataset.labels)) == rows_tested(folds.split(dataset))


def test_each_row_is_tested_once_and_groups_stay_together() -> None:
    rows = list(SeededFolds(3, seed=1).split(np.zeros((24, 1)), NAMES, SESSIONS))
    assert sorted(np.concatenate([test for _, test in rows]).tolist()) == list(range(24))
    for train, test in rows:
        assert not set(SESSIONS[train]) & set(SESSIONS[test])


def test_folds_do_not_depend_on_the_order_of_the_rows() -> None:
    order = np.random.default_rng(0).permutation(24)
    folds = SeededFolds(3, seed=1)
    straight = rows_tested(folds.split(NOISE, NAMES))
    turned = rows_tested(folds.split(NOISE[order], NAMES[order]))
    assert [sorted(order[test].tolist()) for test in turned] == straight


def test_rows_without_groups_and_photos_are_each_a_group() -> None:
    rows = rows_tested(SeededFolds(4).split(np.zeros((24, 3)), NAMES))
    assert [len(test) for test in rows] == [6, 6, 6, 6]


def test_an_empty_group_name_is_a_group_of_its_own() -> None:
    groups = ["", "", *SESSIONS[2:]]
    rows = list(SeededFolds(3).split(np.zeros((24, 1)), NAMES, groups))
    assert sum(len(test) for _, test in rows) == 24


def test_scikit_learn_takes_them_as_cv() -> None:
    folds = shv.SeededSplitter(seed=2).cv(3)
    features = NOISE.mean(axis=(1, 2)) / 255
    assert check_cv(folds) is folds
    assert folds.get_n_splits(features, NAMES, SESSIONS) == 3
    scores = cross_val_score(LogisticRegression(), features, NAMES, groups=SESSIONS, cv=folds)
    assert scores.shape == (3,)
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=folds)
    assert clone(search).cv == folds
    search.fit(features, NAMES, groups=SESSIONS)
    assert search.n_splits_ == 3


def test_metadata_routing_passes_them_groups() -> None:
    from sklearn import config_context

    features = NOISE.mean(axis=(1, 2)) / 255
    folds = shv.SeededSplitter(seed=2).cv(3)
    plain = cross_val_score(LogisticRegression(), features, NAMES, groups=SESSIONS, cv=folds)
    with config_context(enable_metadata_routing=True):
        routed = cross_val_score(
            LogisticRegression(), features, NAMES, params={"groups": SESSIONS}, cv=folds
        )
    assert plain.tolist() == routed.tolist()


def test_they_are_values() -> None:
    folds = shv.SeededSplitter(seed=9).cv(4)
    assert folds == SeededFolds(4, seed=9)
    assert pickle.loads(pickle.dumps(folds)) == folds
    assert repr(folds) == "SeededFolds(n_folds=4, seed=9)"


def test_wrong_arguments_are_refused() -> None:
    with refuses(InvalidParameterError, "not-in-range", "n_folds"):
        SeededFolds(1)
    with refuses(InvalidParameterError, "missing", "y"):
        list(SeededFolds(3).split(NOISE))
    with refuses(DataError, "wrong-length", "groups"):
        list(SeededFolds(3).split(np.zeros((24, 1)), NAMES, SESSIONS[:3]))
    with refuses(SplitError, "too-few-groups"):
        list(SeededFolds(3).split(np.zeros((3, 1)), ["milk", "milk", "tea"]))
    balanced = shv.BalancingAugmenter(sampling_strategy=10).balance(noise())
    with refuses(LeakageError, "augmented-copies", "X"):
        list(SeededFolds(3).split(balanced))


def twins() -> Any:
    """Noise of which each photo has a mirrored twin."""
    return np.concatenate([NOISE, NOISE[:, :, ::-1]]), np.concatenate([NAMES, NAMES])


@pytest.mark.remedy("groups-parted")
def test_folds_that_part_near_duplicates_warn() -> None:
    photos, labels = twins()
    folds = SeededFolds(3)
    with gives_warning(LeakageWarning, "groups-parted"):
        list(folds.split(photos, labels))
    with gives_warning(LeakageWarning, "groups-parted"):
        list(folds.split(shv.Dataset.from_arrays(photos, labels)))
    grouped = shv.Dataset.from_arrays(photos, labels).group_near_duplicates()
    list(folds.split(grouped))
    list(folds.split(photos, labels, np.tile(np.arange(24), 2)))
    list(folds.split(shv.Dataset.from_arrays(photos, labels, groups=[*"abcdef"] * 8)))


def test_folds_that_part_bursts_warn(tmp_path: Path) -> None:
    paths, labels = [], []
    for label, level in (("milk", 40), ("tea", 200)):
        for number in range(6):
            pixels = RNG.integers(level - 30, level + 30, (40, 40, 3), dtype=np.uint8)
            paths.append(tmp_path / f"{label}_{number}.png")
            Image.fromarray(pixels).save(paths[-1])
            labels.append(label)
    with gives_warning(LeakageWarning, "groups-parted"):
        list(SeededFolds(3).split(paths, labels))


def test_the_warning_counts_photos_and_shows_two() -> None:
    photos, labels = twins()
    dataset = shv.Dataset.from_arrays(photos, labels)
    parts = np.repeat([0, 1], 24)
    parts[24:30] = 0
    found = parted_photos(dataset, parts)
    assert (found.n_photos, found.n_groups, found.example) == (36, 18, ("6", "30"))
    assert parted_photos(dataset, np.zeros(48, dtype=np.int64)).n_photos == 0


def test_photos_are_listed_in_any_form(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path, pixels in zip(paths, NOISE, strict=False):
        Image.fromarray(pixels).save(path)
    forms = {
        "paths": paths,
        "array of paths": np.array(paths),
        "column": np.array(paths, dtype=object)[:, None],
        "series": pd.Series(paths),
        "frame": pd.DataFrame({"path": paths}),
        "PIL": [Image.open(path) for path in paths],
        "bytes": [Path(path).read_bytes() for path in paths],
        "arrays": list(NOISE[:3]),
        "array": NOISE[:3],
        "mixed": [paths[0], NOISE[1], Image.open(paths[2])],
    }
    for form, photos in forms.items():
        dataset = dataset_of_photos(
            photos, [0, 1, 0], class_names=["milk", "tea"], image_size=(12, 12)
        )
        assert (dataset.read_batch(slice(None)) == NOISE[:3]).all(), form
        assert seem_photos(photos) or form in ("column", "frame"), form
    repeated = dataset_of_photos([paths[0]] * 2, [0, 0], class_names=["milk"])
    assert repeated.ids.tolist() == [paths[0], f"{paths[0]} (2)"]
    assert len(set(repeated.groups)) == 1


@pytest.mark.parametrize(
    ("photos", "code"),
    [
        ("a.jpg", "wrong-type"),
        (b"bytes", "wrong-type"),
        (3, "wrong-type"),
        (np.zeros((4, 8, 8, 3)), "wrong-shape"),
        (np.zeros((4, 192), np.uint8), "wrong-shape"),
        (np.zeros((4, 0, 8, 3), np.uint8), "wrong-shape"),
        (np.array([["a", "b"]]), "wrong-shape"),
        ({"a.jpg": 1}, "wrong-shape"),
    ],
)
def test_other_columns_are_no_photos(photos: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "X"):
        column_of_photos(photos)


def test_urls_as_text_are_not_fetched() -> None:
    with refuses(InvalidParameterError, "not-supported", "X"):
        dataset_of_photos(["https://example.com/a.jpg"], [0], class_names=["milk"])


def test_columns_of_another_length_are_refused() -> None:
    with refuses(InvalidParameterError, "wrong-length", "y"):
        dataset_of_photos(NOISE, [0], class_names=["milk"])
    with refuses(InvalidParameterError, "wrong-length", "groups"):
        dataset_of_photos(NOISE, [0] * 24, class_names=["milk"], groups=["a"])


def test_features_are_no_photos() -> None:
    assert not seem_photos(np.zeros((4, 192)))
    assert not seem_photos(["a sentence", "another one"])
    assert not seem_photos([])
    assert not seem_photos("photo.jpg")
