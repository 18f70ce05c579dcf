"""Messages of taxonomies, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision.errors import DataError


def test_a_class_that_the_taxonomy_lacks() -> None:
    taxonomy = shv.Taxonomy.from_mapping({"Oatly": "Oat milk"})
    said = shv.Predictions([[1.0]], ["oatly"], ["1.jpg"])
    with pytest.raises(DataError) as caught:
        taxonomy.answer(said, 0.5)
    assert str(caught.value) == (
        "the taxonomy has no product 'oatly' (is 'Oatly' meant?); add it to the taxonomy"
    )


def test_a_column_that_a_file_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kinds.csv").write_text("product;Label\nOatly;Oat milk\n")
    with pytest.raises(DataError) as caught:
        shv.Taxonomy.from_manifest("kinds.csv")
    assert str(caught.value) == (
        "the manifest 'kinds.csv' must have the column 'label', but its columns are 'product', "
        "'Label'; write 'Label' in columns"
    )
