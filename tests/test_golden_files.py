"""Every format of files that shelfvision reads again has golden files of its versions.

A version of the library has to read what earlier versions wrote. This test lists the golden files
and reads those that have no test of their own. After a deliberate change of a format, run this file
as a script with the number of the format increased; it writes what is missing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision.export._formats import FORMATS
from shelfvision.training.run._state import ForeignStateError, decode, encode
from support import refuses
from support.run_states import run_state

HERE = Path(__file__).parent
SOURCES = HERE.parent / "src" / "shelfvision"

GOLDEN = {
    "inference/_manifest.py": "inference/golden/version-{}.shelf",
    "gallery/_file.py": "gallery/golden/version-{}.gallery",
    "_runtime/card.py": "export/golden/version-{}/tiny.onnx",
    "training/run/_state.py": "training/golden/version-{}.safetensors",
    "scale/jobs/_plan.py": "scale/golden/version-{}/job/_shelfvision/plan.json",
}
"""The golden file of a version, by the module that has the number of the newest."""
REFUSED = {"training/run/_state.py": {1, 2, 3}}
"""Versions that are refused: an unfinished run is only resumed by the version that began it."""
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml", "keras": ".keras"}
SPLITS = HERE / "data" / "golden_assignment.csv"


def numbers() -> dict[str, int]:
    """Return the newest version of each format, by the module that declares it."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if number := re.search(r"^(?:VERSION|FORMAT) = (\d+)$", text, re.MULTILINE):
            found[path.relative_to(SOURCES).as_posix()] = int(number[1])
    return found


def missing(module: str, newest: int) -> list[str]:
    """Return the golden files that a format does not have."""
    read = set(range(1, newest + 1)) - REFUSED.get(module, set())
    # The first exported files stand in the folder itself.
    names = [GOLDEN[module].format(version) for version in sorted(read)]
    names = [name.replace("golden/version-1/tiny", "golden/tiny") for name in names]
    return [name for name in names if not (HERE / name).is_file()]


def stock() -> shv.Dataset:
    """Return photos with hard names, in two sessions."""
    names = ["can 1.jpg", "=can-2.jpg", "Käse, 1 kg.jpg", 'a "b".jpg', "x/y.jpg", "z.jpg"]
    images = (np.arange(6 * 48) % 251).astype(np.uint8).reshape(6, 4, 4, 3)
    return shv.Dataset.from_arrays(images, ["can"] * 3 + ["Käse"] * 3, ids=names)


def test_every_format_with_a_version_is_in_the_table() -> None:
    assert set(numbers()) == set(GOLDEN)


@pytest.mark.parametrize("module", GOLDEN)
def test_every_version_of_a_format_has_a_golden_file(module: str) -> None:
    assert missing(module, numbers()[module]) == []


def test_a_new_version_without_a_golden_file_would_be_noticed() -> None:
    for module, newest in numbers().items():
        assert missing(module, newest + 1) == [GOLDEN[module].format(newest + 1)]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_exports_has_a_golden_file_of_the_newest_version(kind: str) -> None:
    newest = numbers()["_runtime/card.py"]
    path = HERE / f"export/golden/version-{newest}/tiny{SUFFIXES[kind]}"
    _, card = FORMATS[kind].read(path.read_bytes(), path.name)
    assert json.loads(card)["format"] == newest


def test_the_golden_state_of_a_run_is_read_and_written_as_it_was() -> None:
    newest = numbers()["training/run/_state.py"]
    data = (HERE / GOLDEN["training/run/_state.py"].format(newest)).read_bytes()
    found, generation = decode(data)
    assert generation == 7
    assert encode(found, generation=7) == data == encode(run_state(), generation=7)


def test_the_golden_state_of_an_earlier_version_is_refused_by_its_name() -> None:
    data = (HERE / "training" / "golden" / "version-3.safetensors").read_bytes()
    with refuses(ForeignStateError, "foreign-format") as caught:
        decode(data)
    assert str(caught.value) == "it has format 3, not 4"


def test_the_golden_folder_of_a_job_is_read() -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    folder = HERE / "scale" / "golden" / f"version-{numbers()['scale/jobs/_plan.py']}"
    wanted = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    found = shv.scale.read_scores(folder / "job")
    status = shv.scale.score_status(folder / "job")
    assert (status.n_done, status.errors) == (3, {"not-an-image": 1})
    assert list(found.ids) == wanted["ids"]
    assert list(found.labels) == wanted["labels"]
    assert list(found.decisions) == wanted["decisions"]
    np.testing.assert_array_equal(found.probabilities[:2], wanted["probabilities"])


def test_the_golden_file_of_splits_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    found = shv.Splits.load(SPLITS, stock())
    assert [len(part or ()) for part in (found.train, found.validation, found.test)] == [2, 2, 2]
    found.save(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == SPLITS.read_bytes()


def write_missing() -> None:
    """Write the golden files of this module that do not exist."""
    newest = numbers()
    path = HERE / GOLDEN["training/run/_state.py"].format(newest["training/run/_state.py"])
    path.parent.mkdir(exist_ok=True)
    if not path.is_file():
        path.write_bytes(encode(run_state(), generation=7))
    if not SPLITS.is_file():
        splitter = shv.SeededSplitter(0.34, 0.33, 0.33, seed=1, method="shuffled")
        splitter.split(stock()).save(SPLITS)
    folder = HERE / "scale" / "golden" / f"version-{newest['scale/jobs/_plan.py']}"
    if not folder.is_dir():
        write_job(folder)


def write_job(folder: Path) -> None:
    """Score two photos and a file that is no photo, in a folder of relative names."""
    images = np.load(HERE / "export" / "golden" / "images.npy")
    folder.mkdir(parents=True)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        shutil.copy(HERE / "export" / "golden" / "version-3" / "tiny.onnx", "tiny.onnx")
        lines = ["path", *(f"photos/{number}.png" for number in range(3))]
        Path("list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        Path("photos").mkdir()
        for number in range(2):
            Image.fromarray(images[number]).save(f"photos/{number}.png")
        Path("photos/2.png").write_bytes(b"not a photo")
        shv.scale.score("tiny.onnx", "list.csv", "job", probabilities=True, shard_size=2)
        found = shv.scale.read_scores("job")
        shutil.copytree("job", folder / "job")
        os.chdir(before)
    said = {
        "ids": list(found.ids),
        "labels": list(found.labels),
        "decisions": list(found.decisions),
        "probabilities": found.probabilities[:2].tolist(),
    }
    (folder / "scores.json").write_text(json.dumps(said) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_missing()
