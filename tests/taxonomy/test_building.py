"""Taxonomies come from mappings, manifests and folders; a bad one gets one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as sv
from shelfvision.errors import DataError, DatasetNotFoundError, InvalidParameterError


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
        sv.Taxonomy.from_mapping(steps),
        sv.Taxonomy.from_mapping(nested),
        sv.Taxonomy.from_manifest(manifest, columns=columns),
        sv.Taxonomy.from_directory(root),
    ]
    assert found == [found[0]] * 4
    assert found[0].paths == (
        ("arla", "milk", "dairy"),
        ("banana", "banana", "fruit"),
        ("oatly", "oat milk", "dairy"),
    )


def test_levels_have_names(tmp_path: Path) -> None:
    two = sv.Taxonomy.from_mapping({"arla": "milk"}, levels=["article", "kind"])
    assert two.levels == ("article", "kind")
    deep = sv.Taxonomy.from_mapping({"e": {"d": {"c": {"b": ["a"]}}}})
    assert deep.levels == ("product", "label", "department", "level 4", "level 5")


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({}, "without a product"),
        ({"arla": ""}, "the label of 'arla' is ''"),
        ({" ": "milk"}, "the product of 'milk' is ' '"),
        ({"a": "b", "b": "c", "c": "a"}, "goes in a circle, 'a' in 'b' in 'c' in 'a'"),
        ({"a": "b", "b": "a"}, "goes in a circle, 'a' in 'b' in 'a'"),
        ({"arla": "milk", "milk": "dairy"}, "'milk' is a product in 'dairy' and also a label"),
        ([{"arla": "milk"}, {}], "the label 'milk' has no department"),
        ([{"arla": "milk"}, {"milk": "arla"}], "circle"),
        ({"milk": ["arla"], "oat milk": ["arla"]}, "'arla' has two labels, 'milk' and 'oat milk'"),
        (
            {"dairy": {"milk": ["arla"]}, "drinks": {"milk": ["valio"]}},
            "the label 'milk' has two departments, 'dairy' and 'drinks'",
        ),
        (
            {"dairy": {"milk": ["arla"]}, "fruit": ["banana"]},
            "'banana' has 2 levels and 'arla' has 3",
        ),
    ],
)
def test_a_bad_taxonomy_gets_one_sentence(mapping: object, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        sv.Taxonomy.from_mapping(mapping)  # type: ignore[arg-type]
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "mapping",
    [[], "milk", 3, [{"arla": 3}], {"arla": 3}, {"arla": {"milk": 3}}, [{"arla": "milk"}, 3]],
)
def test_what_is_no_mapping_is_refused(mapping: object) -> None:
    with pytest.raises(InvalidParameterError):
        sv.Taxonomy.from_mapping(mapping)  # type: ignore[arg-type]


@pytest.mark.parametrize("levels", [["one"], ["one", "one"], "product", ["one", ""]])
def test_levels_that_do_not_fit_are_refused(levels: list[str]) -> None:
    with pytest.raises(InvalidParameterError):
        sv.Taxonomy.from_mapping({"arla": "milk"}, levels=levels)


def test_a_manifest_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_text("product,label\narla,milk\noatly,\n")
    with pytest.raises(DataError, match=r"line 3 of .* has no label"):
        sv.Taxonomy.from_manifest(path)
    path.write_text("product,label\narla,milk\narla,dairy\n")
    with pytest.raises(DataError, match="'arla' has two labels, 'dairy' and 'milk'"):
        sv.Taxonomy.from_manifest(path)
    with pytest.raises(DataError, match="has no column 'department'"):
        sv.Taxonomy.from_manifest(path, columns=["product", "department"])
    with pytest.raises(InvalidParameterError, match="list of columns"):
        sv.Taxonomy.from_manifest(path, columns="product")
    with pytest.raises(DatasetNotFoundError):
        sv.Taxonomy.from_manifest(tmp_path / "none.csv")
    path.write_bytes(b"product,label\n\xff,\xfe\n")
    with pytest.raises(DataError, match="UTF-8"):
        sv.Taxonomy.from_manifest(path)
    path.write_text("product,label\narla\n")
    with pytest.raises(DataError, match="line 2"):
        sv.Taxonomy.from_manifest(path)


def test_folders_are_told_by_their_path(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError):
        sv.Taxonomy.from_directory(tmp_path / "none")
    with pytest.raises(DataError, match="no folder of photos"):
        sv.Taxonomy.from_directory(tmp_path)
    (tmp_path / "dairy" / "milk").mkdir(parents=True)
    (tmp_path / "dairy" / "milk" / "1.jpg").touch()
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit" / "1.jpg").touch()
    with pytest.raises(DataError, match="'fruit' lies 1 level deep, but 'dairy/milk' lies 2"):
        sv.Taxonomy.from_directory(tmp_path)
    (tmp_path / "fruit" / "banana").mkdir()
    with pytest.raises(DataError, match=r"'fruit' has photos, '1\.jpg' among them, beside"):
        sv.Taxonomy.from_directory(tmp_path)
