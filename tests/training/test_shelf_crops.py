"""Training on boxes of shelf photos: the crop rule goes from the dataset to every prediction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from PIL import Image as Pictures

import shelfvision as shv
from shelfvision._keras.backend import backend_name
from shelfvision._photos.file_pixels import FilePixels
from shelfvision.errors import DataError
from support import refuses

if TYPE_CHECKING:
    import keras

MakeModel: TypeAlias = "Callable[..., keras.Model]"
Fit: TypeAlias = Callable[..., shv.Classifier]

SIZE = (20, 20)
RULE = {"context": 0.25, "shape": "image", "image_size": SIZE, "resize": "pad"}
HOW = shv.data.Preprocessing(image_size=SIZE, resize="pad", context=0.25, shape="image")


def shelves(folder: Path, n: int, first: int = 0) -> dict[str, shv.Boxes]:
    """Write shelves of red and green products, and return their boxes."""
    found = {}
    for number in range(first, first + n):
        rng = np.random.default_rng(number)
        photo = rng.integers(90, 120, (80, 160, 3), dtype=np.uint8)
        corners, labels = [], []
        for place in range(8):
            left, channel = 20 * place + 2, int(rng.integers(2))
            photo[20:60, left : left + 14, channel] = 250
            corners.append([left, 20, left + 14, 60])
            labels.append(("red", "green")[channel])
        Pictures.fromarray(photo).save(folder / f"shelf_{number}.png")
        found[f"shelf_{number}.png"] = shv.Boxes(corners, labels=labels)
    return found


@pytest.fixture
def crops(tmp_path: Path) -> shv.Dataset:
    return shv.Dataset.from_boxes(shelves(tmp_path, 6), images=tmp_path, **RULE)  # type: ignore[arg-type]


@pytest.fixture
def fitted(make_model: MakeModel) -> Fit:
    """Return a function that trains a tiny network."""

    def fit(
        train: shv.Dataset, validation: shv.Dataset, cache_dir: Path | None = None
    ) -> shv.Classifier:
        model = make_model(num_classes=2, size=SIZE[0])
        trainer = shv.Trainer(
            epochs=2, batch_size=8, learning_rate=0.01, seed=1, verbose=False, cache_dir=cache_dir
        )
        return trainer.fit(model, train, validation).classifier

    return fit


def parts(crops: shv.Dataset) -> tuple[shv.Dataset, shv.Dataset]:
    return crops[:32], crops[32:]


def test_the_crop_rule_of_the_training_set_is_that_of_every_prediction(
    crops: shv.Dataset, fitted: Fit, make_model: MakeModel, tmp_path: Path
) -> None:
    train, validation = parts(crops)
    classifier = fitted(train, validation)
    assert classifier.preprocessing == HOW
    bundle = tmp_path / "shelf.shv"
    classifier.save(bundle)
    assert shv.inspect(bundle).preprocessing == HOW
    again = shv.Classifier.load(bundle, builder=lambda _: make_model(num_classes=2, size=SIZE[0]))
    for one in (classifier, again):
        regions = one.predict_regions(
            tmp_path / "shelf_5.png", shelves(tmp_path, 1, first=5)["shelf_5.png"]
        )
        rows = [name.startswith("shelf_5") for name in crops.ids]
        assert np.array_equal(regions.probabilities, one.predict(crops[rows]).probabilities)


def test_a_dataset_with_another_crop_rule_is_cut_again_for_a_classifier(
    crops: shv.Dataset, fitted: Fit, tmp_path: Path
) -> None:
    train, validation = parts(crops)
    classifier = fitted(train, validation)
    other = shv.Dataset.from_boxes(shelves(tmp_path, 6), images=tmp_path, image_size=(9, 9))
    for dataset in (other, other.cached(), other[::-1], shv.Dataset.concat([other])):
        wanted = dict(zip(crops.ids, classifier.predict(crops).probabilities, strict=True))
        found = classifier.predict(dataset)
        assert all(
            np.array_equal(row, wanted[name])
            for name, row in zip(found.ids, found.probabilities, strict=True)
        )
    report = shv.evaluate(classifier, other)
    assert report.accuracy == shv.evaluate(classifier, crops).accuracy


def test_an_exported_classifier_sees_the_crops_of_the_training_set(
    crops: shv.Dataset, fitted: Fit, tmp_path: Path
) -> None:
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    if backend_name() != "tensorflow":
        pytest.skip("a network of a user's own is exported under tensorflow")
    classifier = fitted(*parts(crops))
    classifier.export(tmp_path / "shelf.onnx")
    predictor = shv.export.Predictor(tmp_path / "shelf.onnx")
    assert predictor.preprocessing == HOW
    boxes = shelves(tmp_path, 1, first=5)["shelf_5.png"]
    expected = classifier.predict_regions(tmp_path / "shelf_5.png", boxes)
    found = predictor.predict_regions(tmp_path / "shelf_5.png", boxes)
    assert found.labels.tolist() == expected.labels.tolist()
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    of_crops = predictor.predict_proba(crops[[name.startswith("shelf_5") for name in crops.ids]])
    np.testing.assert_array_equal(found.probabilities, of_crops)


def test_answers_for_the_boxes_of_new_shelves_are_labels_of_new_crops(
    crops: shv.Dataset, fitted: Fit, tmp_path: Path
) -> None:
    train, validation = parts(crops)
    classifier = fitted(train, validation)
    truth = shelves(tmp_path, 2, first=6)
    labels = list(truth["shelf_6.png"].labels or ())
    found = {
        name: classifier.predict_regions(tmp_path / name, boxes) for name, boxes in truth.items()
    }
    found["shelf_6.png"].save_review(tmp_path / "review.html", others=[found["shelf_7.png"]])
    answers = ["id,label,status,comment", f"{tmp_path / 'shelf_6.png'}#0,,unusable,blurred"]
    answers += [
        f"{tmp_path / 'shelf_6.png'}#{row},{label},corrected,"
        for row, label in enumerate(labels)
        if row
    ]
    (tmp_path / "corrections.csv").write_text("\n".join(answers) + "\n")

    predicted = shv.Dataset.from_boxes(
        {
            tmp_path / name: shv.Boxes(regions.boxes.corners, labels=list(regions.labels))
            for name, regions in found.items()
        },
        **RULE,  # type: ignore[arg-type]
    )
    assert predicted.ids.tolist() == [name for one in found.values() for name in one.ids]
    corrections = shv.Corrections.read(tmp_path / "corrections.csv")
    reviewed = predicted.with_labels(
        corrections, class_names=classifier.class_names, unreviewed="drop"
    )
    assert len(reviewed) == 7
    assert [reviewed.class_names[label] for label in reviewed.labels] == labels[1:]
    larger = shv.Dataset.concat({"known": train, "new": reviewed})
    assert fitted(larger, validation).preprocessing == HOW


def test_two_crop_rules_are_refused(crops: shv.Dataset, fitted: Fit, tmp_path: Path) -> None:
    other = shv.Dataset.from_boxes(
        shelves(tmp_path, 2, first=10), images=tmp_path, image_size=SIZE, resize="pad"
    )
    with refuses(DataError, "inconsistent", "validation"):
        fitted(crops, other)


def test_photos_of_products_are_validated_on_shelves_with_their_crop_rule(
    crops: shv.Dataset, fitted: Fit
) -> None:
    images, labels = crops.to_arrays()
    products = shv.Dataset.from_arrays(images, labels.tolist(), class_names=crops.class_names)
    train = products[:32].resized(SIZE, resize="pad")
    assert fitted(train, crops[32:]).preprocessing == HOW


@pytest.mark.parametrize("in_files", [False, True])
def test_training_decodes_each_photo_once(
    crops: shv.Dataset,
    in_files: bool,
    fitted: Fit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[int] = []
    whole = FilePixels.whole

    def counting(self: FilePixels, row: int) -> Pictures.Image:
        decoded.append(row)
        return whole(self, row)

    monkeypatch.setattr(FilePixels, "whole", counting)
    train, validation = parts(crops)
    cache = tmp_path / "cache" if in_files else None
    first = fitted(train, validation, cache)
    assert sorted(decoded) == [0, 1, 2, 3, 4, 5]
    decoded.clear()
    second = fitted(shv.BalancingAugmenter(seed=1).balance(train), validation, cache)
    assert len(decoded) <= (0 if in_files else 6)
    assert first.preprocessing == second.preprocessing
