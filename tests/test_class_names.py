"""Every place that takes class names takes them as other tools write them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames
from support import refuses

if TYPE_CHECKING:
    import keras

NAMES = ("tea", "juice", "milk")
FORMS: dict[str, ClassNames] = {
    "a list": list(NAMES),
    "numbers by name, as Keras and torchvision have them": {"juice": 1, "milk": 2, "tea": 0},
    "names by number, as YOLO has them": {2: "milk", 0: "tea", 1: "juice"},
    "names by number, after JSON": {"2": "milk", "0": "tea", "1": "juice"},
    "numbers of NumPy": {"juice": np.int64(1), "milk": np.int64(2), "tea": np.int64(0)},
    "names with space": [" tea", "juice\u00a0", "\ufeffmilk"],
}
IMAGES = np.zeros((3, 8, 8, 3), np.uint8)


@functools.cache
def model() -> keras.Model:
    return shv.build_model(3, architecture="shelf_cnn", image_size=(32, 32), seed=1)


def classifier(names: ClassNames, _: Path) -> tuple[str, ...]:
    return shv.Classifier.from_model(model(), class_names=names).class_names


def arrays(names: ClassNames, _: Path) -> tuple[str, ...]:
    dataset = shv.Dataset.from_arrays(IMAGES, [0, 1, 2], class_names=names)
    return tuple(dataset.class_names[label] for label in dataset.labels)


def named_arrays(names: ClassNames, _: Path) -> tuple[str, ...]:
    dataset = shv.Dataset.from_arrays(IMAGES, ["milk", "tea", "juice"], class_names=names)
    assert dataset.labels.tolist() == [2, 0, 1]
    return dataset.class_names


def directory(names: ClassNames, folder: Path) -> tuple[str, ...]:
    shv.samples.write_products(folder, n_per_class=1, class_names=sorted(NAMES))
    return shv.Dataset.from_directory(folder, class_names=names).class_names


def manifest(names: ClassNames, folder: Path) -> tuple[str, ...]:
    shv.samples.write_products(folder, n_per_class=1, class_names=sorted(NAMES))
    rows = [f"{p.relative_to(folder)},{p.parent.name}" for p in sorted(folder.glob("*/*.*"))]
    (folder / "list.csv").write_text("\n".join(["path,label", *rows]))
    return shv.Dataset.from_manifest(folder / "list.csv", class_names=names).class_names


def selection(names: ClassNames, _: Path) -> tuple[str, ...]:
    dataset = shv.Dataset.from_arrays(IMAGES, ["milk", "tea", "juice"])
    return dataset.select(names).class_names


def predictions(names: ClassNames, _: Path) -> tuple[str, ...]:
    said = shv.Predictions(np.eye(3), names, ["a", "b", "c"])
    return tuple(said.labels)


def yolo(names: ClassNames, folder: Path) -> tuple[str, ...]:
    lines = "".join(f"{number} 0.5 0.5 0.1 0.1\n" for number in range(3))
    (folder / "a.txt").write_text(lines)
    labels = shv.Boxes.from_yolo(folder / "a.txt", class_names=names).labels
    return tuple(map(str, labels if labels is not None else ()))


def products(names: ClassNames, _: Path) -> tuple[str, ...]:
    return shv.samples.render_products(1, class_names=names, image_size=(32, 32)).class_names


DOORS: list[Callable[[ClassNames, Path], tuple[str, ...]]] = [
    classifier, arrays, named_arrays, directory, manifest, selection, predictions, yolo, products,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("door", DOORS)
def test_names_have_the_numbers_that_were_given(
    door: Callable[[ClassNames, Path], tuple[str, ...]], form: str, tmp_path: Path
) -> None:
    assert door(FORMS[form], tmp_path) == NAMES


@pytest.mark.parametrize("door", DOORS)
def test_numbers_with_gaps_are_refused_everywhere(
    door: Callable[[ClassNames, Path], tuple[str, ...]], tmp_path: Path
) -> None:
    with refuses(InvalidParameterError, "inconsistent", "class_names"):
        door({1: "tea", 2: "juice", 90: "milk"}, tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        {0: 4011, 1: 4006381333931, 2: 4046},
        {"0": 4011, "1": 4006381333931, "2": 4046},
        {4046: 2, 4011: 0, 4006381333931: 1},
        {4046: np.int64(2), "4011": np.int64(0), 4006381333931: np.int64(1)},
    ],
)
def test_codes_of_products_in_a_mapping_are_names_whether_numbers_or_text(
    names: ClassNames,
) -> None:
    dataset = shv.Dataset.from_arrays(IMAGES, [0, 1, 2], class_names=names)
    assert dataset.class_names == ("4011", "4006381333931", "4046")


@pytest.mark.parametrize("names", [{0: 1, 1: 0}, {7: 4011, 8: 4046}])
def test_numbers_of_numbers_without_an_order_are_ambiguous(names: ClassNames) -> None:
    with refuses(InvalidParameterError, "ambiguous", "class_names"):
        shv.Dataset.from_arrays(IMAGES[:2], [0, 1], class_names=names)


@pytest.mark.parametrize("name", [None, True, float("nan"), 4011, b"milk"])
def test_a_list_of_names_holds_text_only(name: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "class_names"):
        shv.Dataset.from_arrays(IMAGES[:2], [0, 1], class_names=["tea", name])  # type: ignore[list-item]  # what is refused
