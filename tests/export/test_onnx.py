"""An ONNX file is refused before a runtime sees it if it holds what no export holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._runtime._onnx_check import OPERATORS, onnx_metadata
from shelfvision._runtime._protobuf import MAX_FIELDS
from shelfvision._runtime.reading import read_export
from shelfvision.errors import BundleError
from shelfvision.export import Predictor
from support import refuses
from support.onnx_files import varint

from .conftest import require

GOLDEN = Path(__file__).parent / "golden" / "tiny.onnx"
DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "export.md"


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def node(operator: str, *attributes: bytes, domain: str = "", more: bytes = b"") -> bytes:
    inner = field(4, operator.encode()) + b"".join(field(5, one) for one in attributes)
    return field(1, inner + (field(7, domain.encode()) if domain else b"") + more)


def attribute(name: str, number: int, value: bytes | int) -> bytes:
    return field(1, name.encode()) + field(number, value)


def tensor(sides: list[int], kind: int = 1, raw: bytes | None = b"", more: bytes = b"") -> bytes:
    data = field(1, b"".join(map(varint, sides))) + field(2, kind)
    return data + (b"" if raw is None else field(9, raw)) + more


def model(graph: bytes = b"", more: bytes = b"") -> bytes:
    """Return the golden file with more in its graph, or beside it."""
    return GOLDEN.read_bytes() + more if not graph else _with(graph)


def _with(graph: bytes) -> bytes:
    data = GOLDEN.read_bytes()
    at = data.index(b"\x3a")  # field 7, the graph, follows fields of one or a few bytes
    size, end, shift = 0, at + 1, 0
    while True:
        byte = data[end]
        size |= (byte & 0x7F) << shift
        end, shift = end + 1, shift + 7
        if byte < 0x80:
            break
    return data[:at] + field(7, data[end : end + size] + graph) + data[end + size :]


def test_the_golden_file_is_accepted_also_with_an_operator_more(tmp_path: Path) -> None:
    assert "shelfvision" in onnx_metadata(model(), "x")
    assert "shelfvision" in onnx_metadata(model(node("Relu")), "x")


HOSTILE_OPERATORS = (
    *("StringConcat", "StringSplit", "StringNormalizer", "RegexFullMatch", "TfIdfVectorizer"),
    *(
        "NonZero",
        "Unique",
        "Loop",
        "Scan",
        "If",
        "SequenceMap",
        "SequenceInsert",
        "SplitToSequence",
    ),
    *("ConstantOfShape", "Tile", "Range", "Resize", "Upsample", "OneHot", "EyeLike"),
    *(
        "RandomNormal",
        "RandomUniform",
        "Multinomial",
        "Bernoulli",
        "Compress",
        "Where",
        "ScatterND",
    ),
    *("GatherND", "NonMaxSuppression", "RoiAlign", "CumSum", "Einsum", "LSTM", "GRU", "RNN", "DFT"),
    *("ImageDecoder", "Optional", "OptionalGetElement", "CastLike", "ConvTranspose", "MaxUnpool"),
    *("TopK", "Trilu", "Attention", "GridSample", "STFT", "MelWeightMatrix", "", "conv", "Conv\0"),
)


@pytest.mark.parametrize("operator", HOSTILE_OPERATORS)
def test_an_operator_that_no_export_has_is_refused(operator: str) -> None:
    with refuses(BundleError, "operator-not-allowed"):
        onnx_metadata(model(node(operator)), "x")


@pytest.mark.parametrize("domain", ["ai.onnx.ml", "com.microsoft", "ai.onnx.training", "mine"])
def test_an_operator_of_another_domain_is_refused(domain: str) -> None:
    with refuses(BundleError, "operator-not-allowed"):
        onnx_metadata(model(node("Conv", domain=domain)), "x")


GRAPH = field(1, b"")
TYPE_OF_TEXT = field(2, field(1, field(1, 8)))
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a graph in a node": (model(node("Conv", attribute("body", 6, GRAPH))), "subgraph"),
    "graphs in a node": (model(node("Relu", attribute("bodies", 11, GRAPH))), "subgraph"),
    "a function": (model(more=field(25, b"")), "subgraph"),
    "training": (model(more=field(20, b"")), "subgraph"),
    "two graphs": (model(more=field(7, node("Relu"))), "subgraph"),
    "sparse weights": (model(field(15, b"")), "sparse"),
    "a sparse constant": (model(node("Constant", attribute("sparse_value", 22, b""))), "sparse"),
    "weights elsewhere": (
        model(field(5, tensor([1], raw=None, more=field(13, b"x")))),
        "external-data",
    ),
    "weights elsewhere by number": (
        model(field(5, tensor([1], raw=b"0000", more=field(14, 1)))),
        "external-data",
    ),
    "constants elsewhere": (
        model(node("Constant", attribute("value", 5, tensor([1], raw=None, more=field(13, b"x"))))),
        "external-data",
    ),
    "text among weights": (model(field(5, tensor([1], 8, None, field(6, b"text")))), "strings"),
    "text as type": (model(field(5, tensor([1], 8, b"text"))), "strings"),
    "4-bit weights": (model(field(5, tensor([2], 22, b"\1"))), "strings"),
    "text as constant": (model(node("Constant", attribute("value_string", 4, b"text"))), "strings"),
    "texts as constant": (model(node("Constant", attribute("value_strings", 9, b"a"))), "strings"),
    "numbers to text": (model(node("Cast", attribute("to", 3, 8))), "strings"),
    "a value of text": (model(field(13, TYPE_OF_TEXT)), "strings"),
    "an input of text": (model(field(11, TYPE_OF_TEXT)), "strings"),
    "an output of text": (model(field(12, TYPE_OF_TEXT)), "strings"),
    "a sequence": (model(field(13, field(2, field(4, b"")))), "inconsistent"),
    "a map": (model(field(11, field(2, field(5, b"")))), "inconsistent"),
    "a tensor without its numbers": (model(field(5, tensor([60_000, 60_000], 2))), "too-large"),
    "a tensor of fewer": (model(field(5, tensor([1000], raw=b"0000"))), "inconsistent"),
    "a tensor of more": (model(field(5, tensor([1], raw=b"0" * 400))), "inconsistent"),
    "a tensor packed": (
        model(field(5, tensor([100], 6, None, field(5, b"\1" * 99)))),
        "inconsistent",
    ),
    "a tensor over 1 GiB": (model(field(5, tensor([2**28 + 1], raw=b""))), "too-large"),
    "tensors over 1 GiB together": (
        model(
            b"".join(
                field(5, tensor([2**20], 7, None, field(7, b"\1" * 2**20))) for _ in range(130)
            )
        ),
        "too-large",
    ),
    "a side of 2**60": (model(field(5, tensor([2**60, 0]))), "too-large"),
    "many sides": (model(field(5, tensor([1] * 9, raw=b"0000"))), "too-large"),
    "very many sides": (model(field(5, tensor([1] * 5000, raw=b"0000"))), "too-large"),
    "two tensors in an attribute": (
        model(
            node(
                "Constant",
                attribute("value", 5, tensor([1], raw=b"0000"))
                + field(5, tensor([1], raw=b"0000")),
            )
        ),
        "inconsistent",
    ),
    "numbers where messages are": (model(field(1, 7)), "damaged"),
    "twenty thousand operators": (model(node("Relu") * 20_001), "too-large"),
    "twenty thousand weights": (model(field(5, tensor([1], 2, b"1")) * 20_001), "too-large"),
    "entries without end": (model(field(2, b"") * (MAX_FIELDS + 1)), "too-large"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_export_holds_is_refused(what: str) -> None:
    data, code = HOSTILE[what]
    with refuses(BundleError, code):
        onnx_metadata(data, "x")


def test_numbers_in_every_form_that_writers_use_are_accepted() -> None:
    some = [
        field(5, tensor([3, 1], raw=b"0" * 12)),
        field(5, tensor([], raw=b"0000")),
        field(5, tensor([0], raw=b"")),
        field(5, tensor([4], 7, None, field(7, b"\1\2\3\4"))),
        field(5, tensor([2], 1, None, field(4, b"0" * 8))),
        field(5, field(1, 2) + field(1, 2) + field(2, 2) + field(9, b"1234")),
        node("Constant", attribute("value_floats", 7, b"0" * 8)),
        node("Cast", attribute("to", 3, 1)),
        field(13, field(1, b"x") + field(2, field(1, field(1, 1)))),
    ]
    assert "shelfvision" in onnx_metadata(model(b"".join(some)), "x")


def test_a_refused_file_never_reaches_a_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hostile.onnx"
    path.write_bytes(model(node("StringConcat")))
    monkeypatch.setattr(
        "shelfvision._runtime._predictor.load_session", lambda *_: pytest.fail("a runtime saw it")
    )
    with refuses(BundleError, "operator-not-allowed") as caught:
        Predictor(path)
    assert "StringConcat" in str(caught.value)
    with refuses(BundleError, "operator-not-allowed"):
        read_export(path)


def test_the_documentation_lists_the_operators() -> None:
    text = DOCS.read_text(encoding="utf-8")
    listed = re.search(r"<!-- operators -->(.*?)<!-- end -->", text, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == OPERATORS


@pytest.mark.parametrize(
    "architecture", ["grocery_cnn", "shelf_cnn", "efficientnet_lite0", "keras:MobileNetV3Small"]
)
def test_every_export_of_ours_is_accepted(architecture: str, tmp_path: Path) -> None:
    require("onnxruntime")
    pytest.importorskip("tf2onnx")
    from shelfvision._keras.backend import backend_name

    if backend_name() != "tensorflow":
        pytest.skip("each export from another backend starts a process of its own")
    side = 88 if architecture == "grocery_cnn" else 32
    made: Any = shv.build_model(3, architecture=architecture, image_size=(side, side))
    classifier = shv.Classifier.from_model(made, class_names=["a", "b", "c"])
    path = tmp_path / "model.onnx"
    classifier.export(path, photos=np.zeros((2, side, side, 3), np.uint8))
    assert Predictor(path).class_names == ("a", "b", "c")
    assert onnx_metadata(path.read_bytes(), "x")
