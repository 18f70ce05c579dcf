"""Taxonomies come from mappings, manifests and folders; a bad one gets one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    DatasetNotFoundError,
    InvalidParameterError,
    ShelfVisionWarning,
)
from support import gives_warning, refuses

NFC, NFD = "K\u00e4se", "Ka\u0308se"


def test_all_sources_give_the_same_taxonomy(tmp_path: Path) -> None:
    steps = [
        {"arla": "milk", "oatly": "oat milk", "banana": "banana"},
        {"milk": "dairy", "oat milk": "dairy", "banana": "fruit"},
    ]
    nested = {
        "dairy": {"milk": ["arla"], "oat milk": {"oatly"}},
        "fruit": {"banana": ("banana",)},
    }
    manifest = tmp_path / "photos.csv"
    manifest.write_text(
        "path,product,label,department\n1.jpg,arla,milk,dairy\n2.jpg,oatly,oat milk,dairy\n"
        "3.jpg,banana,banana,fruit\n4.jpg,arla,milk,dairy\n"
    )
    root = tmp_path / "photos"
    for folder in ("dairy/milk/arla", "dairy/oat milk/oatly", "fruit/banana/banana"):
        (root / folder).mkdir(parents=True)
        (root / folder / "1.jpg").touch()
    (root / ".hidden").mkdir()
    (root / "dairy" / "empty").mkdir()
    columns = ["product", "label", "department"]
    found = [
        shv.Taxonomy.from_mapping(steps),
        shv.Taxonomy.from_mapping(nested),
        shv.Taxonomy.from_manifest(manifest, columns=columns),
        shv.Taxonomy.from_directory(root),
    ]
    assert found == [found[0]] * 4
    assert found[0].paths == (
        ("arla", "milk", "dairy"),
        ("banana", "banana", "fruit"),
        ("oatly", "oat milk", "dairy"),
    )


def test_levels_have_names(tmp_path: Path) -> None:
    two = shv.Taxonomy.from_mapping({"arla": "milk"}, levels=["article", "kind"])
    assert two.levels == ("article", "kind")
    deep = shv.Taxonomy.from_mapping({"e": {"d": {"c": {"b": ["a"]}}}})
    assert deep.levels == ("product", "label", "department", "level 4", "level 5")


@pytest.mark.parametrize(
    ("mapping", "code", "fact"),
    [
        ({}, "empty", "product"),
        ({"arla": ""}, "empty", "the label of 'arla' is ''"),
        ({"arla": "\u200b"}, "empty", "the label of 'arla'"),
        ({" ": "milk"}, "empty", "the product of 'milk' is ' '"),
        ({"a": "b", "b": "c", "c": "a"}, "circle", "'a' in 'b' in 'c' in 'a'"),
        ({"a": "b", "b": "a"}, "circle", "'a' in 'b' in 'a'"),
        ({"arla": "milk", "milk": "dairy"}, "ambiguous", "'milk' is a product in 'dairy'"),
        ([{"arla": "milk"}, {"milk": "arla"}], "circle", "cycle"),
        ({"milk": ["arla"], "oat milk": ["arla"]}, "conflict", "'milk' and 'oat milk'"),
        (
            {"dairy": {"milk": ["arla"]}, "drinks": {"milk": ["valio"]}},
            "conflict",
            "'dairy' and 'drinks'",
        ),
    ],
)
def test_a_bad_taxonomy_gets_one_sentence(mapping: object, code: str, fact: str) -> None:
    with refuses(DataError, code) as caught:
        shv.Taxonomy.from_mapping(mapping)  # type: ignore[arg-type]
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ([{"arla": "milk"}, {}], "missing-class"),
        ({"dairy": {"milk": ["arla"]}, "fruit": ["banana"]}, "inconsistent"),
        ({NFC: "cheese", NFD: "dairy"}, "conflict"),
    ],
)
def test_mappings_that_do_not_fit_together_are_refused(mapping: object, code: str) -> None:
    with refuses(DataError, code, "mapping"):
        shv.Taxonomy.from_mapping(mapping)  # type: ignore[arg-type]


@pytest.mark.parametrize("twin", [NFD, f"{NFC} ", f"\ufeff{NFC}"])
def test_spellings_of_one_name_are_one_product_with_a_warning(twin: str, tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_text(f"product,label\n{NFC},cheese\n{twin},cheese\n", encoding="utf-8")
    with gives_warning(ShelfVisionWarning, "twin-names"):
        flat = shv.Taxonomy.from_mapping({NFC: "cheese", twin: "cheese"})
    with gives_warning(ShelfVisionWarning, "twin-names"):
        nested = shv.Taxonomy.from_mapping({"cheese": [NFC, twin]})
    with gives_warning(ShelfVisionWarning, "twin-names"):
        listed = shv.Taxonomy.from_manifest(path)
    assert flat.paths == nested.paths == listed.paths == ((NFC, "cheese"),)
    one = shv.Taxonomy.from_mapping([{twin: " milk "}, {"milk": "dairy"}])
    assert one.paths == ((NFC, "milk", "dairy"),)


@pytest.mark.parametrize(
    "mapping",
    [
        [],
        "milk",
        3,
        [{"arla": 3}],
        [{"arla": None}],
        {"arla": 3},
        {"arla": {"milk": 3}},
        [{"arla": "milk"}, 3],
    ],
)
def test_what_is_no_mapping_is_refused(mapping: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "mapping"):
        shv.Taxonomy.from_mapping(mapping)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (["one"], "wrong-length"),
        (["one", "one"], "duplicate"),
        ("product", "wrong-type"),
        (["one", ""], "wrong-type"),
    ],
)
def test_levels_that_do_not_fit_are_refused(levels: list[str], code: str) -> None:
    with refuses(InvalidParameterError, code, "levels"):
        shv.Taxonomy.from_mapping({"arla": "milk"}, levels=levels)


def test_a_manifest_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_text("product,label\narla,milk\noatly,\n")
    with refuses(DataError, "empty", "columns") as caught:
        shv.Taxonomy.from_manifest(path)
    assert "line 3 of" in str(caught.value)
    path.write_text("product,label\narla,milk\narla,dairy\n")
    with refuses(DataError, "conflict"):
        shv.Taxonomy.from_manifest(path)
    with refuses(InvalidParameterError, "wrong-type", "columns"):
        shv.Taxonomy.from_manifest(path, columns="product")
    with refuses(DatasetNotFoundError, "not-found", "path"):
        shv.Taxonomy.from_manifest(tmp_path / "none.csv")
    path.write_text("product,label\narla\n")
    with refuses(DataError, "not-csv", "path"):
        shv.Taxonomy.from_manifest(path)


def test_a_column_of_a_taxonomy_that_is_missing_is_suggested(tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_text("product,Label\narla,milk\n")
    with refuses(DataError, "missing-column", "columns") as caught:
        shv.Taxonomy.from_manifest(path)
    assert "write 'Label' in columns" in str(caught.value)
    assert len(shv.Taxonomy.from_manifest(path, columns=["product", "Label"])) == 1


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.remedy("wrong-encoding")
def test_a_taxonomy_is_read_as_spreadsheets_write_it(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "photos.csv"
    text = f";product;label;\r\n0;{NFC};cheese;\r\n;;;\r\n".replace(";", delimiter)
    path.write_text(text, encoding="utf-16", newline="")
    assert shv.Taxonomy.from_manifest(path).paths == ((NFC, "cheese"),)
    path.write_text(text, encoding="cp1252", newline="")
    with refuses(DataError, "wrong-encoding", "encoding") as caught:
        shv.Taxonomy.from_manifest(path)
    assert "encoding='cp1252'" in str(caught.value)
    assert shv.Taxonomy.from_manifest(path, encoding="cp1252").paths == ((NFC, "cheese"),)


@pytest.mark.remedy("lost-digits")
@pytest.mark.parametrize("code", ["4.00638E+12", "4,00638E+12", "4006381333931.0"])
def test_a_code_that_a_spreadsheet_has_made_a_number_of_is_refused(
    tmp_path: Path, code: str
) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"product;label\n{code};milk\n", encoding="utf-8")
    with refuses(DataError, "lost-digits", "columns") as caught:
        shv.Taxonomy.from_manifest(path)
    assert "line 2" in str(caught.value)
    path.write_text("product;label\n4006381333931;milk\n", encoding="utf-8")
    assert shv.Taxonomy.from_manifest(path).names("product") == ("4006381333931",)


def test_folders_are_told_by_their_path(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError):
        shv.Taxonomy.from_directory(tmp_path / "none")
    with refuses(DataError, "empty", "directory"):
        shv.Taxonomy.from_directory(tmp_path)
    (tmp_path / "dairy" / "milk").mkdir(parents=True)
    (tmp_path / "dairy" / "milk" / "1.jpg").touch()
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit" / "1.jpg").touch()
    with refuses(DataError, "inconsistent", "directory") as caught:
        shv.Taxonomy.from_directory(tmp_path)
    assert "'fruit' lies 1 level deep, but 'dairy/milk' lies 2" in str(caught.value)
    (tmp_path / "fruit" / "banana").mkdir()
    with refuses(DataError, "inconsistent", "directory") as caught:
        shv.Taxonomy.from_directory(tmp_path)
    assert "'fruit' has photos, '1.jpg' among them, beside" in str(caught.value)
