"""The command line in operation: ``drift`` and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._cli import main

NAMES = ("can", "jar")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a classifier, and photos and scores of two stores."""
    place = tmp_path_factory.mktemp("watched")
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 200, (80, 88, 88, 3), dtype=np.uint8)
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=NAMES)
    validation = shv.Dataset.from_arrays(pixels, np.arange(80) % 2, class_names=NAMES)
    classifier = classifier.with_validation(validation)
    classifier.save(place / "groceries.shelf")
    lines = ["path,store"]
    for row in range(80):
        dark = 0.3 if row % 2 else 1.0
        Image.fromarray((pixels[row] * dark).astype(np.uint8)).save(place / f"{row}.png")
        lines.append(f"{row}.png,{'south' if row % 2 else '=north'}")
    (place / "week.csv").write_text("\n".join(lines))
    classifier.predict(pixels).save(place / "scores.csv")
    return place


def drift(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["drift", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_drift_of_a_store_is_printed_saved_and_the_exit_status(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / "drift.html"
    status, out = drift(
        capsys,
        folder / "groceries.shelf",
        folder / "week.csv",
        "--by",
        "store",
        "-o",
        page,
        "--json",
    )
    found = json.loads(out)
    assert status == 3
    assert found["drifted"] is True
    stores = {one["store"] for one in found["checks"] if one["status"] == "drift"}
    assert stores == {None, "south"}
    assert "south" in page.read_text()


def test_saved_scores_without_drift_give_status_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = drift(capsys, folder / "groceries.shelf", folder / "scores.csv")
    assert (status, out[:8]) == (0, "No drift")


def test_columns_of_plain_photos_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = drift(capsys, folder / "groceries.shelf", folder, "--by", "store")
    assert status == 2
