"""Files that `Predictor` must refuse, with one sentence each."""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._runtime._onnx_check import onnx_metadata
from shelfvision._runtime.card import CARD_FILE
from shelfvision._runtime.formats.litert import LABELS_FILE
from shelfvision._runtime.reading import read_export
from shelfvision._runtime.sessions import Session
from shelfvision.errors import BundleError, BundleNotFoundError
from shelfvision.export import Predictor
from support import refuses
from support.onnx_files import entry, field, memory_of

from .conftest import require

GOLDEN = Path(__file__).parent / "golden"
FILES = ("tiny.onnx", "tiny.tflite", "tiny.xml")


def refused(path: Path) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(BundleError) as caught:
        Predictor(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert path.name in sentence
    return sentence


def card(**changes: object) -> str:
    """Return the description in the golden files with changes."""
    fields = json.loads(read_export(GOLDEN / "tiny.onnx").card.to_json())
    return json.dumps({**fields, **changes})


RULE = read_export(GOLDEN / "tiny.onnx").card.preprocessing.to_dict()


def bare_onnx() -> bytes:
    """Return the golden ONNX file without its metadata."""
    data = (GOLDEN / "tiny.onnx").read_bytes()
    said = onnx_metadata(data, "the golden file")["shelfvision"].decode()
    return data.replace(entry("shelfvision", said), b"")


def test_the_golden_files_themselves_are_read_without_a_runtime() -> None:
    for name in FILES:
        assert read_export(GOLDEN / name).card.image_size == (20, 24)
    assert len(bare_onnx()) < (GOLDEN / "tiny.onnx").stat().st_size - 300


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "format is not ONNX, LiteRT or OpenVINO"),
        (b"hello world, this is text", "format is not ONNX, LiteRT or OpenVINO"),
        (b"\x08\x08", "it has no card"),
        (b"\x08", "corrupted, or of another format"),
        (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", "corrupted, or of another format"),
        (b"\x08\x08" + field(7, b"\x0a\xff\xff"), "corrupted, or of another format"),
        (b"\x08\x08" + field(7, field(5, field(13, b"location"))), "weights in other files"),
        (b"\x08\x08" + field(7, field(5, b"\x70\x01")), "weights in other files"),
        (b"\x08\x08\xca\x01\x00", "functions or training graphs"),
        (b"\x08\x08" + field(14, b"\x08\x01"), "metadata are corrupted"),
        (b"\x08\x08" + 2 * entry("shelfvision", "{}"), "twice"),
        (b"\x08\x08" + entry("shelfvision", "[]"), "not an object"),
        (b"\x08\x08" + entry("shelfvision", "{"), "line 1, column 2"),
        (b"\x08\x08" + entry("shelfvision", '{"format": 1, "format": 1}'), "occurs twice"),
        (b"\x08\x08" + entry("shelfvision", '{"format": 9}'), "pip install --upgrade shelfvision"),
        (b"\x08\x08" + entry("shelfvision", '{"format": 1}'), "missing or unknown entries"),
        (b"PK\x03\x04 and so on", "only Keras can open"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "Classifier.load"),
        (b"\x20\x00\x00\x00TFL3 and so on", "it has no card"),
        (b"<?xml version='1.0'?><net", "not well-formed XML"),
        (b"<?xml version='1.0'?><!DOCTYPE a><net></net>", "declares a document type"),
        (b"<?xml version='1.0'?><net></net>", "it has no card"),
        (b"<net >\xff</net>", "not well-formed XML"),
    ],
)
def test_what_is_no_export_is_refused(data: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "model.file"
    path.write_bytes(data)
    (tmp_path / "model.bin").write_bytes(b"")
    assert sentence in refused(path)


@pytest.mark.parametrize("number", [6, 11], ids=["a graph", "graphs"])
def test_loops_and_branches_are_refused(number: int, tmp_path: Path) -> None:
    path = tmp_path / "loop.onnx"
    path.write_bytes(b"\x08\x08" + field(7, field(1, field(5, field(number, b"")))))
    assert "loops" in refused(path)


Node = tuple[str, list[str], str, dict[str, int]]
GREEDY: dict[str, tuple[dict[str, npt.NDArray[Any]], list[Node]]] = {
    "repeated": (
        {"s": np.array([60_000, 60_000])},
        [
            ("Cast", ["image"], "numbers", {"to": 1}),
            ("ReduceMean", ["numbers"], "mean", {"keepdims": 0}),
            ("Expand", ["mean", "s"], "huge", {}),
        ],
    ),
    "multiplied": (
        {"a": np.ones((60_000, 1), np.float32), "b": np.ones((1, 60_000), np.float32)},
        [("Mul", ["a", "b"], "huge", {})],
    ),
    "doubled": (
        {"x0": np.ones(1000, np.float32)},
        [("Concat", [f"x{i}"] * 2, f"x{i + 1}", {"axis": 0}) for i in range(25)]
        + [("Identity", ["x25"], "huge", {})],
    ),
}


def greedy_onnx(name: str) -> bytes:
    """Return an ONNX file of some hundred kilobytes at most that asks for some gigabytes."""
    onnx = pytest.importorskip("onnx")
    make, kind = onnx.helper, onnx.TensorProto
    weights, nodes = GREEDY[name]
    rest: list[Node] = [
        ("Cast", ["image"], "pixels", {"to": kind.FLOAT}),
        ("ReduceMean", ["pixels", "sides"], "means", {"keepdims": 0}),
        ("ReduceMean", ["huge"], "one", {"keepdims": 0}),
        ("Mul", ["means", "one"], "raised", {}),
        ("Softmax", ["raised"], "probabilities", {}),
    ]
    values = {**weights, "sides": np.array([1, 2])}
    graph = make.make_graph(
        [make.make_node(op, takes, [gives], **more) for op, takes, gives, more in nodes + rest],
        "greedy",
        [make.make_tensor_value_info("image", kind.UINT8, ["n", 20, 24, 3])],
        [make.make_tensor_value_info("probabilities", kind.FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    opset = [make.make_opsetid("", 18)]
    data: bytes = make.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return data + entry("shelfvision", card())


def test_batches_of_many_sizes_do_not_use_memory_up(monkeypatch: pytest.MonkeyPatch) -> None:
    require("onnxruntime")
    images = np.zeros((32, 20, 24, 3), dtype=np.uint8)
    with memory_of(2**20, monkeypatch):
        predictor = Predictor(GOLDEN / "tiny.onnx")
        for n in range(1, 33):
            assert len(predictor.predict(images[:n])) == n


@pytest.mark.parametrize("name", GREEDY)
def test_a_graph_that_asks_for_gigabytes_is_refused_before_it_has_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("onnxruntime")
    path = tmp_path / "greedy.onnx"
    path.write_bytes(greedy_onnx(name))
    assert path.stat().st_size < 600_000
    with memory_of(64 * 2**20, monkeypatch):
        assert "more memory than the limit of 0.0625 GiB" in refused(path)
    Predictor(GOLDEN / "tiny.onnx")


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": ["juice", "milk"]},
        {"class_names": ["juice", "juice", "milk"]},
        {"class_names": "abc"},
        {"class_names": []},
        {"preprocessing": RULE | {"image_size": [21, 24]}},
        {"preprocessing": RULE | {"image_size": [20]}},
        {"preprocessing": RULE | {"image_size": [20, "24"]}},
        {"preprocessing": RULE | {"image_size": [10**9, 10**9]}},
        {"preprocessing": RULE | {"resize": "blur"}},
        {"preprocessing": RULE | {"context": True}},
        {"preprocessing": RULE | {"more": 1}},
        {"preprocessing": []},
        {"quantize": "int4"},
        {"calibration": 5},
        {"calibration": {"method": "temperature"}},
        {"calibration_in_graph": "yes"},
        {"thresholds": {"values": [2.0]}},
        {"thresholds": []},
        {"source_sha256": "abc"},
        {"weights_sha256": 5},
        {"trained_shares": [0.5, 0.5]},
        {"trained_shares": [0.5, 0.6, -0.1]},
        {"trained_shares": [0.5, 0.6, 0.1]},
        {"trained_shares": [1, 0, True]},
        {"trained_shares": "estimate"},
        {"decode": {"orientation": "as it is"}},
        {"format": 0},
        {"format": 1},
        {"created_with": {"keras": 3}},
        {"created_with": []},
        {"more": 1},
    ],
    ids=str,
)
def test_a_description_that_makes_no_sense_is_refused(
    changes: dict[str, object], tmp_path: Path
) -> None:
    require("onnxruntime")
    path = tmp_path / "a.onnx"
    path.write_bytes(bare_onnx() + entry("shelfvision", card(**changes)))
    refused(path)


def test_a_graph_that_the_runtime_refuses_is_told(tmp_path: Path) -> None:
    require("onnxruntime")
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\x08\x08" + field(7, b"") + entry("shelfvision", card()))
    assert "cannot be loaded by its runtime" in refused(path)


def tampered_zip(names: dict[str, str], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, text in names.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "appended",
    [
        lambda: tampered_zip({CARD_FILE: card(), "evil.py": "1"}, zipfile.ZIP_STORED),
        lambda: tampered_zip({CARD_FILE: card(), LABELS_FILE: "1"}, zipfile.ZIP_DEFLATED),
        lambda: tampered_zip({CARD_FILE: " " * 2**23, LABELS_FILE: ""}, zipfile.ZIP_DEFLATED),
        lambda: tampered_zip({LABELS_FILE: "", CARD_FILE: card()}, zipfile.ZIP_STORED),
        lambda: tampered_zip({CARD_FILE: card()}, zipfile.ZIP_STORED),
        lambda: tampered_zip({CARD_FILE: "5", LABELS_FILE: ""}, zipfile.ZIP_STORED)[:-3],
        lambda: b"",
    ],
)
def test_another_zip_behind_a_litert_file_is_refused(
    appended: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.tflite"
    path.write_bytes(read_export(GOLDEN / "tiny.tflite").graph + appended())
    refused(path)


def test_openvino_weights_of_another_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    shutil.copy(GOLDEN / "tiny.xml", path)
    with refuses(BundleNotFoundError, "not-found", "path"):
        Predictor(path)
    path.with_suffix(".bin").write_bytes(b"\0" * 816)
    assert "has another digest" in refused(path)


def test_a_bundle_is_told_apart(tmp_path: Path, classifier: shv.Classifier) -> None:
    path = tmp_path / "a.shelf"
    classifier.save(path)
    assert "Classifier.load" in refused(path)


def test_folders_and_missing_files_are_told(tmp_path: Path) -> None:
    with refuses(BundleError, "not-a-file", "path"):
        Predictor(tmp_path)
    with refuses(BundleNotFoundError, "not-found", "path"):
        Predictor(tmp_path / "missing.onnx")


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_read_or_refused_and_nothing_else(
    name: str, tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    data = (GOLDEN / name).read_bytes()
    source = random.Random(name)
    path = tmp_path / name
    if name == "tiny.xml":
        shutil.copy(GOLDEN / "tiny.bin", tmp_path / "tiny.bin")
    count = fuzz_count(300, 60_000)
    refusals = 0
    sentences: set[str] = set()
    for _ in range(count):
        path.write_bytes(mutant(data, source))
        try:
            read_export(path)
        except BundleError as error:
            refusals += 1
            sentences.add(str(error))
    assert not [sentence for sentence in sentences if "\n" in sentence]
    print(f"{name}: {refusals} of {count} mutants refused")
    assert refusals


def mutant(data: bytes, source: random.Random) -> bytes:
    """Return a file with a few bytes changed, cut out or put in, or its end cut off."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(changed) or 1)
        kind = source.randrange(4)
        if kind == 0 and changed:
            changed[at % len(changed)] ^= 1 << source.randrange(8)
        elif kind == 1:
            del changed[at : at + source.randint(1, 30)]
        elif kind == 2:
            changed[at:at] = source.randbytes(source.randint(1, 10))
        else:
            del changed[source.randrange(at + 1) :]
    return bytes(changed)


class Broken:
    """A runtime that gives NaN."""

    name = "broken"

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.full((len(images), 3), np.nan, dtype=np.float32)


def test_numbers_that_are_no_probabilities_are_refused() -> None:
    export = read_export(GOLDEN / "tiny.onnx")
    session = Session(export=export, runtime="onnxruntime", runner=Broken())
    with refuses(shv.errors.ModelError, "not-probabilities"):
        session.scores(np.zeros((1, 20, 24, 3), dtype=np.uint8))
