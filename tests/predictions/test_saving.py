"""`Predictions.save`: CSV, JSON lines and Parquet by suffix."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._text import from_csv_cell
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    MissingDependencyError,
    StorageError,
)
from support import refuses

HOSTILE = ["=1+1", "a,b\n.jpg", "Käse \u202e.jpg", "007", "<b>.jpg"]
NAMES = ["-juice", "milk", "tea"]


@pytest.fixture
def found() -> shv.Predictions:
    shares = np.array([[0.9, 0.05, 0.05], [0.1, 0.2, 0.7], [1, 0, 0], [0, 0, 0], [0.3, 0.4, 0.3]])
    return shv.Predictions(
        shares,
        NAMES,
        HOSTILE,
        [None, None, None, "it is no photo", None],
        decisions=["accept", "review", None, None, "review"],
    )


def test_csv_has_one_line_for_each_photo_and_no_formulas(
    found: shv.Predictions, tmp_path: Path
) -> None:
    path = tmp_path / "predictions.csv"
    found.save(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "label", "confidence", "decision", "error"]
    assert [from_csv_cell(row[0]) for row in rows[1:]] == HOSTILE
    assert rows[1] == ["'=1+1", "'-juice", "0.9", "accept", ""]
    assert rows[4] == ["007", "", "", "review", "it is no photo"]
    assert not any(cell.startswith(tuple("=+-@")) for row in rows for cell in row)


def test_csv_may_have_all_probabilities(found: shv.Predictions, tmp_path: Path) -> None:
    found.save(tmp_path / "p.csv", probabilities=True)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(rows[1][f"p({name})"]) for name in NAMES] == pytest.approx([0.1, 0.2, 0.7])
    assert [rows[3][f"p({name})"] for name in NAMES] == ["", "", ""]


def test_json_lines_give_the_same_values_back(found: shv.Predictions, tmp_path: Path) -> None:
    found.save(tmp_path / "p.jsonl", probabilities=True)
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == HOSTILE
    assert rows[1]["label"] == "tea"
    assert rows[1]["probabilities"] == pytest.approx(dict(zip(NAMES, [0.1, 0.2, 0.7], strict=True)))
    assert rows[3] == {
        "id": "007",
        "label": None,
        "confidence": None,
        "decision": "review",
        "error": "it is no photo",
        "probabilities": None,
    }
    found.save(tmp_path / "p.jsonl")
    assert "probabilities" not in (tmp_path / "p.jsonl").read_text()


def test_parquet_has_a_fixed_schema(found: shv.Predictions, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    found.save(tmp_path / "p.parquet", probabilities=True)
    table = parquet.read_table(tmp_path / "p.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **dict.fromkeys(("id", "label", "decision", "error"), "string"),
        "confidence": "float",
        **{f"p({name})": "float" for name in NAMES},
    }
    columns = table.to_pydict()
    assert columns["id"] == HOSTILE
    assert columns["label"] == ["-juice", "tea", "-juice", None, "milk"]
    assert columns["confidence"][3] is None
    assert columns["p(tea)"][:2] == pytest.approx([0.05, 0.7])
    assert columns["p(tea)"][3] is None
    empty = found[:0]
    empty.save(tmp_path / "empty.parquet")
    kept = parquet.read_table(tmp_path / "empty.parquet").schema
    assert [field.name for field in kept] == ["id", "label", "confidence", "decision", "error"]


def test_names_that_are_not_utf_8_stay_in_text_and_are_refused_in_parquet(tmp_path: Path) -> None:
    name = "a\udcff.jpg"
    found = shv.Predictions([[0.5, 0.5]], ["a", "b"], [name])
    found.save(tmp_path / "p.jsonl")
    assert json.loads((tmp_path / "p.jsonl").read_text())["id"] == name
    found.save(tmp_path / "p.csv")
    cell = (tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    assert from_csv_cell(cell) == name
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    with refuses(DataError, "wrong-encoding", "path"):
        found.save(tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize("name", ["predictions", "p.xlsx", "p.csv.gz"])
def test_other_suffixes_are_refused(found: shv.Predictions, tmp_path: Path, name: str) -> None:
    with refuses(InvalidParameterError, "not-an-option", "path"):
        found.save(tmp_path / name)


def test_a_missing_pyarrow_is_named_with_the_pip_line(
    found: shv.Predictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with refuses(MissingDependencyError, "missing-dependency") as caught:
        found.save(tmp_path / "p.parquet")
    assert 'pip install "shelfvision[parquet]"' in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_stays_where_writing_fails(found: shv.Predictions, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StorageError):
        found.save(tmp_path / "folder.csv")
    found.save(str(tmp_path / "P.CSV"))
    assert (tmp_path / "P.CSV").exists()
