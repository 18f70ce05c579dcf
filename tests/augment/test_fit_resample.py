"""`fit_resample` follows imbalanced-learn's convention on arrays of images."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from shelfvision._random import rng_for
from shelfvision.augment import BalancingAugmenter, Flip
from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError
from support import refuses

X = rng_for(0, "test").integers(0, 256, (12, 6, 7, 3), dtype=np.uint8)
NAMES = np.array(
    ["jar", "can", "jar", "jar", "jar", "tin", "jar", "can", "jar", "jar", "jar", "can"]
)


@pytest.mark.parametrize("form", ["names", "objects", "list", "numbers", "one-hot"])
def test_labels_come_back_in_the_form_they_had(form: str) -> None:
    numbers = np.unique(NAMES, return_inverse=True)[1]
    forms: dict[str, npt.ArrayLike] = {
        "names": NAMES,
        "objects": NAMES.astype(object),
        "list": NAMES.tolist(),
        "numbers": numbers.astype(np.int16) * 10,
        "one-hot": np.eye(3, dtype=np.float32)[numbers],
    }
    y = forms[form]
    balancer = BalancingAugmenter()
    images, labels = balancer.fit_resample(X, y)
    assert labels.dtype == np.asarray(y).dtype
    assert labels.shape == (24, *np.shape(y)[1:])
    assert_array_equal(images[:12], X)
    assert_array_equal(labels, np.asarray(y)[balancer.sample_indices_])
    assert set(Counter(map(str, labels.tolist())).values()) == {8}


def test_what_was_done_is_kept_as_imbalanced_learn_keeps_it() -> None:
    balancer = BalancingAugmenter()
    assert not hasattr(balancer, "sampling_strategy_")
    balancer.plan({"a": 1, "b": 2})
    assert not hasattr(balancer, "sample_indices_")
    balancer.fit_resample(X, NAMES)
    assert balancer.sampling_strategy_ == {"can": 5, "tin": 7}
    assert_array_equal(balancer.sample_indices_[:12], np.arange(12))
    assert set(balancer.sample_indices_[12:]) == {1, 5, 7, 11}


def test_the_copies_are_those_of_the_dataset_of_the_same_arrays() -> None:
    images, _ = BalancingAugmenter(seed=3).fit_resample(X, NAMES)
    ds = BalancingAugmenter(seed=3).balance(Dataset.from_arrays(X, NAMES))
    assert_array_equal(images, ds.to_arrays()[0])


def test_a_mapping_of_strategy_and_augmenters_goes_by_label() -> None:
    y = np.array([5] * 10 + [9] * 2)
    balancer = BalancingAugmenter({9: Flip()}, sampling_strategy={9: 4})
    images, labels = balancer.fit_resample(X, y)
    assert labels.tolist()[12:] == [9, 9]
    assert_array_equal(images[12:], X[balancer.sample_indices_[12:], :, ::-1])


def test_the_arrays_given_are_not_changed() -> None:
    images, labels = X.copy(), NAMES.copy()
    BalancingAugmenter().fit_resample(images, labels)
    assert_array_equal(images, X)
    assert_array_equal(labels, NAMES)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (np.ones(12) * 0.5, "wrong-type"),
        (np.array(["a", 1] * 6, dtype=object), "wrong-type"),
        (np.ones((12, 3)), "not-one-hot"),
        (np.zeros((12, 3)), "not-one-hot"),
        (np.ones((12, 3, 1)), "wrong-shape"),
    ],
)
def test_labels_that_do_not_fit_are_explained(
    labels: np.ndarray[tuple[int, ...], np.dtype[np.float64]], code: str
) -> None:
    with refuses(DataError, code, "y"):
        BalancingAugmenter().fit_resample(X, labels)


@pytest.mark.parametrize(
    ("images", "labels"),
    [(X.astype(np.float32), NAMES), (X.reshape(12, -1), NAMES), (X, NAMES[:5])],
)
def test_photos_that_do_not_fit_are_explained(
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    labels: np.ndarray[tuple[int, ...], np.dtype[np.str_]],
) -> None:
    with pytest.raises((DataError, InvalidParameterError)):
        BalancingAugmenter().fit_resample(images, labels)


def test_scikit_learn_can_clone_it() -> None:
    balancer = BalancingAugmenter(Flip(), sampling_strategy="all", seed=7, max_copies=2)
    assert repr(clone(balancer)) == repr(balancer)
