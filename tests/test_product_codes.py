"""Classes carry the codes of products from the classifier to the comparison with a stock list."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._product_codes import codes_of_file, plain_codes
from shelfvision._runtime.card import Card
from shelfvision.data import Preprocessing
from shelfvision.errors import BundleError, InvalidParameterError
from support import refuses

NAMES = ("Juice", "Milk", "Oats")
CODES = {"Juice": "96385074", "Milk": "04006381333931"}


@pytest.fixture(scope="module")
def classifier() -> shv.Classifier:
    model = shv.build_model(3, image_size=(88, 88), seed=1)
    true = np.repeat(np.arange(3), 40)
    scores = shv.ValidationScores.of(np.eye(3, dtype=np.float32)[true], true)
    bare = shv.Classifier.from_model(model, class_names=NAMES).with_validation(scores)
    return bare.with_product_codes(CODES)


def inventory_of(classifier: shv.Classifier) -> shv.Inventory:
    rows = np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], [30, 20, 10])]
    ids = [str(number) for number in range(60)]
    return shv.take_inventory(classifier, shv.Predictions(rows, NAMES, ids))


@pytest.mark.parametrize(
    "code",
    ["96385074", "036000291452", "4006381333931", "0036000291452", "10614141543219"],
)
def test_gtins_of_all_lengths_keep_their_digits(code: str) -> None:
    assert shv.ProductCodes({"Milk": code})["Milk"] == code


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("4006381333932", "wrong-check-digit"),
        ("36000291452", "wrong-length"),
        ("milk", "wrong-length"),
        ("\u0664006381333931", "wrong-length"),
        ("4,00638E+12", "lost-digits"),
        ("4006381333931.0", "lost-digits"),
    ],
)
def test_a_code_that_is_no_gtin_is_refused(code: str, why: str) -> None:
    with refuses(InvalidParameterError, why, "codes"):
        shv.ProductCodes({"Milk": code})


@pytest.mark.remedy("wrong-check-digit", "wrong-length", "lost-digits", "duplicate")
def test_codes_of_a_shop_are_any_text() -> None:
    codes = shv.ProductCodes({"Milk": "A-17", "Juice": "4006381333932"}, kind="sku")
    assert codes.by_code == {"A-17": "Milk", "4006381333932": "Juice"}
    assert pickle.loads(pickle.dumps(codes)) == codes
    for bad in (" ", "x" * 101):
        with refuses(InvalidParameterError, "wrong-length", "codes"):
            shv.ProductCodes({"Milk": bad}, kind="sku")
    with refuses(InvalidParameterError, "not-an-option", "kind"):
        shv.ProductCodes({"Milk": "1"}, kind="ean")  # type: ignore[arg-type]


def test_two_classes_with_one_product_are_refused() -> None:
    with refuses(InvalidParameterError, "duplicate", "codes"):
        shv.ProductCodes({"Milk": "036000291452", "Milk 1 l": "0036000291452"})
    with refuses(InvalidParameterError, "wrong-type", "codes"):
        shv.ProductCodes(["4006381333931"])  # type: ignore[arg-type]
    with refuses(InvalidParameterError, "wrong-type", "codes"):
        shv.ProductCodes({1: "4006381333931"})  # type: ignore[dict-item]


@pytest.mark.remedy("unknown-name")
def test_codes_are_for_classes_of_the_classifier(classifier: shv.Classifier) -> None:
    with refuses(InvalidParameterError, "unknown-name", "codes") as caught:
        classifier.with_product_codes({"milk": "4006381333931"})
    assert "write 'Milk'" in str(caught.value)
    assert classifier.with_product_codes(None).product_codes is None


def test_a_bundle_keeps_the_codes(classifier: shv.Classifier) -> None:
    file = io.BytesIO()
    classifier.save(file)
    file.seek(0)
    assert shv.Classifier.load(file).product_codes == shv.ProductCodes(CODES)
    bare = io.BytesIO()
    classifier.with_product_codes(None).save(bare)
    assert b"product_codes" not in bare.getvalue()


def test_an_exported_file_keeps_the_codes() -> None:
    card = Card(
        class_names=NAMES,
        preprocessing=Preprocessing(image_size=(88, 88)),
        source_sha256="0" * 64,
        product_codes=shv.ProductCodes(CODES),
    )
    assert Card.from_json(card.to_json(), "export.onnx").product_codes == card.product_codes
    broken = json.loads(card.to_json())
    broken["product_codes"]["codes"]["Milk"] = "4006381333932"
    with refuses(BundleError, "wrong-check-digit"):
        Card.from_json(json.dumps(broken), "export.onnx")


def test_codes_in_a_file_are_checked() -> None:
    plain = plain_codes(shv.ProductCodes(CODES))
    assert codes_of_file(plain, NAMES) == CODES
    with refuses(InvalidParameterError, "damaged"):
        codes_of_file({"codes": CODES}, NAMES)
    with refuses(InvalidParameterError, "unknown-name", "codes"):
        codes_of_file(plain, ("Milk", "Oats"))


def test_an_inventory_shows_the_codes(classifier: shv.Classifier, tmp_path: Path) -> None:
    stock = inventory_of(classifier)
    assert [row.code for row in stock.rows()] == ["96385074", "04006381333931", ""]
    stock.save(tmp_path / "stock.csv")
    with open(tmp_path / "stock.csv", newline="") as file:
        assert [row["code"] for row in csv.DictReader(file)][1] == "04006381333931"
    stock.save(tmp_path / "stock.html")
    assert "04006381333931" in (tmp_path / "stock.html").read_text()


@pytest.mark.remedy("conflict")
def test_a_stock_list_is_joined_by_the_codes_of_the_classifier(
    classifier: shv.Classifier, tmp_path: Path
) -> None:
    erp = tmp_path / "erp.csv"
    erp.write_text("EAN;Bestand\n96385074;30,0\n04006381333931;50,0\n4002971243703;7,0\n")
    checks = inventory_of(classifier).against(erp, key_column="EAN", count_column="Bestand")
    found = {check.product: (check.status, check.code) for check in checks}
    assert found == {
        "Juice": ("as expected", "96385074"),
        "Milk": ("short", "04006381333931"),
        "Oats": ("over", ""),
        "4002971243703": ("unknown", ""),
    }
    bare = inventory_of(classifier.with_product_codes(None))
    with refuses(InvalidParameterError, "conflict", "codes"):
        bare.against(erp, key_column="EAN", count_column="Bestand")


def codes_of(holder: shv.Dataset | shv.Classifier) -> dict[str, str]:
    """Return the product codes as a plain dict."""
    return dict(holder.product_codes or {})


def dataset(codes: dict[str, str] | None = None) -> shv.Dataset:
    images = np.random.default_rng(3).integers(0, 256, (12, 88, 88, 3), dtype=np.uint8)
    photos = shv.Dataset.from_arrays(images, [*NAMES] * 4)
    return photos.with_product_codes(CODES if codes is None else codes)


def test_a_dataset_keeps_its_codes_through_views_splits_and_balancing() -> None:
    photos = dataset()
    balanced = shv.BalancingAugmenter(shv.augment.Flip()).balance(photos[:7])
    splits = shv.SeededSplitter(train=0.5, validation=0.25, test=0.25).split(photos)
    for one in (photos[2:5], balanced, splits.train, photos.cached(), photos.resized((20, 20))):
        assert codes_of(one) == CODES
    assert photos.with_product_codes(None).product_codes is None
    assert codes_of(pickle.loads(pickle.dumps(photos))) == CODES
    with refuses(InvalidParameterError, "unknown-name", "codes"):
        photos.with_product_codes({"Rice": "96385074"})


def test_codes_follow_the_names_of_classes() -> None:
    photos = dataset()
    assert codes_of(photos.select(["Milk", "Oats"])) == {"Milk": CODES["Milk"]}
    assert photos.select(["Oats"]).product_codes is None
    renamed = codes_of(photos.relabel({"Milk": "Whole milk"}))
    assert renamed == {"Juice": CODES["Juice"], "Whole milk": CODES["Milk"]}
    assert photos.relabel({"Milk": "Drink", "Juice": "Drink"}).product_codes is None


def test_joined_datasets_have_all_codes_and_none_twice() -> None:
    one, other = dataset({"Juice": CODES["Juice"]}), dataset({"Milk": CODES["Milk"]})
    joined = shv.Dataset.concat({"one": one, "other": other})
    assert codes_of(joined) == CODES
    third = dataset({"Juice": "4006381333931"})
    with refuses(InvalidParameterError, "conflict", "datasets"):
        shv.Dataset.concat({"one": one, "third": third})
    shop = one.with_product_codes(shv.ProductCodes({"Oats": "17-B"}, kind="sku"))
    with refuses(InvalidParameterError, "conflict", "datasets"):
        shv.Dataset.concat({"one": one, "shop": shop})


def test_a_trained_classifier_has_the_codes_of_its_photos() -> None:
    trainer = shv.Trainer(epochs=1, batch_size=6, monitor="loss", verbose=False)
    result = trainer.fit(shv.build_model(3, image_size=(88, 88)), dataset())
    assert codes_of(result.classifier) == CODES
