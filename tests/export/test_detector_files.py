"""Detector files are untrusted: what is not known, or not bounded, is refused in one sentence."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shelfvision._runtime._onnx_check import OPERATORS, onnx_metadata
from shelfvision._runtime.detecting import _metadata, _tiles
from shelfvision._runtime.detecting._choosing import cells_of, layout_of
from shelfvision._runtime.detecting._layouts import Candidates
from shelfvision._runtime.detecting._metadata import DetectorMetadata, class_names_in, metadata_of
from shelfvision._runtime.detecting._network import DetectorNetwork
from shelfvision._runtime.detecting._operators import DETECTOR_RULES
from shelfvision._runtime.detecting._suppression import MOST_CANDIDATES
from shelfvision.boxes import Boxes
from shelfvision.errors import BundleError, InvalidParameterError, ModelError, ShelfVisionError
from shelfvision.export import Detector
from support import refuses
from support.onnx_files import entry, field, memory_of

from .conftest import require

GOLDEN = Path(__file__).parent / "golden"
YOLO = GOLDEN / "detectors" / "yolo.onnx"


def node(operator: str, domain: bytes = b"", *attributes: bytes) -> bytes:
    """Return a graph of one operator."""
    parts = [field(4, operator.encode()), field(7, domain), *(field(5, one) for one in attributes)]
    return b"\x08\x09" + field(7, field(1, b"".join(parts)))


def greedy_detector() -> bytes:
    """Return a small file whose graph repeats one number until it fills gigabytes."""
    onnx = pytest.importorskip("onnx")
    make, kind = onnx.helper, onnx.TensorProto
    graph = make.make_graph(
        [
            make.make_node("ReduceMean", ["images"], ["one"], keepdims=0),
            make.make_node("Expand", ["one", "sides"], ["huge"]),
            make.make_node("TopK", ["huge", "k"], ["best", "places"]),
            make.make_node("Unsqueeze", ["best", "axes"], ["output0"]),
        ],
        "greedy",
        [make.make_tensor_value_info("images", kind.FLOAT, [1, 3, 64, 64])],
        [make.make_tensor_value_info("output0", kind.FLOAT, [None, None, None])],
        [
            onnx.numpy_helper.from_array(np.array(value), name)
            for name, value in {"sides": [6, 10**9], "k": [5], "axes": [0]}.items()
        ],
    )
    opset = [make.make_opsetid("", 18)]
    data: bytes = make.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return data


@pytest.fixture
def file(tmp_path: Path) -> Path:
    require("onnxruntime")
    return tmp_path / "detector.onnx"


class TestOperators:
    """Only the operators of detector exports are accepted."""

    @pytest.mark.parametrize("operator", ["TopK", "GridSample", "Resize", "NonMaxSuppression"])
    def test_what_detectors_need_is_accepted_in_detectors_only(self, operator: str) -> None:
        assert operator not in OPERATORS
        assert onnx_metadata(node(operator), "'a.onnx'", DETECTOR_RULES) == {}
        with refuses(BundleError, "operator-not-allowed"):
            onnx_metadata(node(operator), "'a.onnx'")

    @pytest.mark.parametrize(
        "operator",
        ["NonZero", "Unique", "StringNormalizer", "RandomUniform", "ImageDecoder", "Compress"],
    )
    def test_what_has_no_bound_is_refused(self, file: Path, operator: str) -> None:
        file.write_bytes(node(operator))
        with refuses(BundleError, "operator-not-allowed") as caught:
            Detector(file)
        assert operator in str(caught.value)
        assert "Classifier.export" not in str(caught.value)

    def test_operators_of_other_domains_are_refused(self, file: Path) -> None:
        file.write_bytes(node("Conv", b"com.evil"))
        with refuses(BundleError, "operator-not-allowed"):
            Detector(file)

    def test_loops_and_branches_are_refused(self, file: Path) -> None:
        file.write_bytes(node("TopK", b"", field(1, b"body") + field(6, b"")))
        with refuses(BundleError, "subgraph"):
            Detector(file)

    def test_cubic_interpolation_is_refused(self, file: Path) -> None:
        for mode in (b"nearest", b"linear"):
            graph = node("Resize", b"", field(1, b"mode") + field(4, mode))
            assert onnx_metadata(graph, "'a.onnx'", DETECTOR_RULES) == {}
        file.write_bytes(node("Resize", b"", field(1, b"mode") + field(4, b"cubic")))
        with refuses(BundleError, "operator-not-allowed"):
            Detector(file)

    def test_weights_in_other_files_are_refused(self, file: Path) -> None:
        tensor = b"\x08\x01\x10\x01" + field(13, field(1, b"location") + field(2, b"/etc/passwd"))
        file.write_bytes(b"\x08\x09" + field(7, field(5, tensor)))
        with refuses(BundleError, "external-data"):
            Detector(file)

    def test_the_documentation_lists_every_operator(self) -> None:
        text = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
        more = DETECTOR_RULES.operators - OPERATORS
        assert [name for name in sorted(more) if f"`{name}`" not in text] == []


class TestFiles:
    """Other files are refused when they are opened."""

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "foreign-format"),
            (b"\x89PNG\r\n", "foreign-format"),
            (b"\x08", "damaged"),
            (b"\x08\x09", "cannot-load"),
            (YOLO.read_bytes()[:-40], "damaged"),
        ],
    )
    def test_what_is_no_detector_is_refused(self, file: Path, data: bytes, code: str) -> None:
        file.write_bytes(data)
        with refuses(BundleError, code) as caught:
            Detector(file)
        assert "\n" not in str(caught.value)

    def test_a_classifier_is_refused_with_the_class_that_opens_it(self) -> None:
        require("onnxruntime")
        with refuses(BundleError, "foreign-format") as caught:
            Detector(GOLDEN / "version-3" / "tiny.onnx")
        assert "export.Predictor" in str(caught.value)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="it needs named pipes")
    def test_a_named_pipe_is_not_waited_for(self, file: Path) -> None:
        os.mkfifo(file)
        with refuses(BundleError, "not-a-file", "path"):
            Detector(file)

    def test_a_graph_that_asks_for_gigabytes_is_refused(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file.write_bytes(greedy_detector())
        with memory_of(64 * 2**20, monkeypatch), refuses(ModelError, "cannot-compute") as caught:
            Detector(file)
        assert "more memory than the limit of 0.0625 GiB" in str(caught.value)

    def test_a_damaged_file_is_read_or_refused(self, file: Path) -> None:
        data = YOLO.read_bytes()
        rng = np.random.default_rng(0)
        sentences = []
        for _ in range(40):
            broken = bytearray(data)
            broken[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
            file.write_bytes(broken)
            try:
                Detector(file, threads=1).detect(np.zeros((64, 64, 3), np.uint8))
            except ShelfVisionError as error:
                sentences.append(str(error))
        assert len(sentences) > 5
        assert not any("\n" in sentence for sentence in sentences)


class TestOutputs:
    """A file may return other outputs for a photo than for the blank image of its layout."""

    def detected(
        self, name: str, outputs: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> Boxes:
        detector = Detector(GOLDEN / "detectors" / f"{name}.onnx", min_confidence=0)
        given = tuple(one.astype(np.float32) for one in outputs)
        monkeypatch.setattr(DetectorNetwork, "run", lambda self, pixels: given)
        return detector.detect(np.zeros((64, 64, 3), np.uint8))

    @pytest.mark.parametrize("number", [np.nan, np.inf, -1, 1e30])
    def test_a_class_number_that_is_none_is_refused(
        self, number: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        require("onnxruntime")
        rows = np.array([[[1, 1, 20, 20, 0.9, number]]])
        with refuses(ModelError, "unknown-class") as caught:
            self.detected("yolo-end-to-end", [rows], monkeypatch)
        assert "must return class numbers from 0, got " in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "shape"),
        [
            ("yolo-end-to-end", (1, 3, 5)),
            ("yolo-end-to-end", (3, 6)),
            ("yolo-end-to-end", (0, 3, 6)),
            ("yolo", (1, 4, 84)),
            ("yolo", ()),
        ],
    )
    def test_outputs_of_another_shape_are_refused(
        self, name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        require("onnxruntime")
        with refuses(ModelError, "wrong-shape"):
            self.detected(name, [np.ones(shape)], monkeypatch)

    def test_of_too_many_boxes_the_best_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        require("onnxruntime")
        rows = np.zeros((1, 120_000, 6))
        rows[0, :, 2:4], rows[0, :, 4] = 32, np.linspace(0, 1, 120_000)
        found = self.detected("yolo-end-to-end", [rows], monkeypatch)
        assert len(found) == MOST_CANDIDATES
        assert found.scores is not None
        assert found.scores.min() > 0.7

    def test_of_too_many_boxes_in_tiles_the_best_are_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_tiles, "MOST_CANDIDATES", 3)
        part = Candidates(
            corners=np.array([[0.0, 0, 2, 2], [4, 4, 6, 6]]),
            scores=np.array([0.9, 0.1]),
            classes=np.zeros(2, np.int64),
        )
        other = replace(part, corners=part.corners + np.array([50, 0, 50, 0]))
        windows = np.array([[0, 0, 50, 50], [50, 0, 100, 50]])
        found = _tiles.joined_tiles([part, other], windows, (50, 100), 0.5)
        assert found.scores.tolist() == [0.9, 0.9, 0.1]


class TestNames:
    """Class names of the metadata are read, never evaluated."""

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("{0: 'can', 1: 'jar'}", {0: "can", 1: "jar"}),
            ("{0: 'can', 1: 'jar',}", {0: "can", 1: "jar"}),
            ("['can', \"maker's jar\"]", {0: "can", 1: "maker's jar"}),
            ('{"0": "can", "7": "jar"}', {0: "can", 7: "jar"}),
            (r"{0: 'M\xfcsli \u0427', 1: '\'a\\b\''}", {0: "M\xfcsli \u0427", 1: "'a\\b'"}),
            ("{0: 'a, 1: b', 1: '{}'}", {0: "a, 1: b", 1: "{}"}),
        ],
    )
    def test_lists_and_dictionaries_are_read(self, text: str, names: dict[int, str]) -> None:
        assert class_names_in(text) == names

    @pytest.mark.parametrize(
        "text",
        [
            "__import__('os').system('true')",
            "{0: __import__('os')}",
            "{0: 'a', 0: 'b'}",
            "{0: 'a' 1: 'b'}",
            "{'a': 0}",
            "{0: 'a'",
            "{}",
            "",
            "[" * 100_000 + "]" * 100_000,
            "{0: " + "-" * 100_000 + "}",
            "{0: '" + "\\" * 100_001 + "'}",
        ],
    )
    def test_other_text_is_not_evaluated(self, text: str) -> None:
        assert class_names_in(text) is None

    def test_names_that_cannot_be_read_are_refused(self) -> None:
        with refuses(BundleError, "damaged"):
            metadata_of({"names": b"open('/etc/passwd')"}, "'a.onnx'")
        with refuses(BundleError, "too-large"):
            metadata_of({"names": b"a" * (_metadata._MOST + 1)}, "'a.onnx'")
        with refuses(BundleError, "not-json"):
            metadata_of({"rfdetr_inference": b"{"}, "'a.onnx'")

    def test_sizes_are_read_or_left_out(self) -> None:
        def size(text: bytes) -> tuple[int, int] | None:
            return metadata_of({"imgsz": text}, "'a.onnx'").image_size

        assert size(b"[480, 640]") == (480, 640)
        assert size(b"640") == (640, 640)
        assert size(b"[0, 640]") is None
        assert size(b"9" * 1000) is None


class TestAmbiguity:
    """Outputs that fit several layouts are refused, and the remedy works."""

    def layout(
        self,
        shape: tuple[int, ...],
        names: int | None,
        wanted: str = "auto",
        *,
        value: float = 0.3,
        **known: object,
    ) -> str:
        named = None if names is None else {number: str(number) for number in range(names)}
        return layout_of(
            wanted,
            {"output0": np.full(shape, value, dtype=np.float32)},
            DetectorMetadata(**known),  # type: ignore[arg-type]
            names=named,
            input_size=(640, 640),
            where="'a.onnx'",
        ).name

    def test_boxes_with_a_class_are_those_of_yolo_or_of_rt_detr(self) -> None:
        with refuses(InvalidParameterError, "ambiguous", "layout") as caught:
            self.layout((1, 300, 6), None, value=0)
        assert "layout='yolo-end-to-end' or layout='rt-detr'" in str(caught.value)
        for name in ("yolo-end-to-end", "rt-detr"):
            assert self.layout((1, 300, 6), None, name, value=0) == name
        assert self.layout((1, 300, 6), 80, value=0, rt_detr=True) == "rt-detr"
        assert self.layout((1, 300, 6), 80, value=0, rt_detr=False) == "yolo-end-to-end"
        assert self.layout((1, 300, 6), 2, value=0, end_to_end=True) == "yolo-end-to-end"

    def test_two_scores_are_no_class(self) -> None:
        assert self.layout((1, 300, 6), 2) == "rt-detr"
        assert self.layout((1, 300, 6), 2, rt_detr=True) == "rt-detr"
        with refuses(InvalidParameterError, "wrong-length", "class_names"):
            self.layout((1, 300, 6), 5)

    @pytest.mark.parametrize(
        ("shape", "names", "layout"),
        [
            ((1, 84, 8400), 80, "yolo"),
            ((1, 84, 8400), None, "yolo"),
            ((1, 8400, 84), 80, "yolo"),
            ((1, 6, 8400), 2, "yolo"),
            ((1, 5, 8400), None, "yolo"),
            ((1, 84, 34000), 80, "yolo"),
            ((1, 25200, 85), 80, "yolov5"),
            ((1, 25200, 85), None, "yolov5"),
            ((1, 25200, 6), 1, "yolov5"),
            ((1, 300, 84), 80, "rt-detr"),
            ((1, 300, 5), 1, "rt-detr"),
        ],
    )
    def test_shapes_of_exports_are_recognized(
        self, shape: tuple[int, ...], names: int | None, layout: str
    ) -> None:
        assert self.layout(shape, names) == layout

    def test_masks_of_segmentation_models_are_not_read_as_classes(self) -> None:
        assert self.layout((1, 116, 8400), 80, task="segment") == "yolo"
        assert self.layout((1, 300, 38), 80, task="segment", value=0) == "yolo-end-to-end"

    @pytest.mark.parametrize("task", ["pose", "obb", "classify"])
    def test_other_tasks_are_refused(self, task: str) -> None:
        with refuses(BundleError, "foreign-format"):
            self.layout((1, 84, 8400), 80, task=task)

    @pytest.mark.parametrize("shape", [(1, 1000), (1, 3, 20, 20, 85), (8, 84, 8400), (1, 7)])
    def test_other_outputs_are_refused(self, shape: tuple[int, ...]) -> None:
        with refuses(BundleError, "foreign-format"):
            self.layout(shape, None)

    def test_the_cells_of_a_yolo_network_are_counted(self) -> None:
        assert {8400, 2000, 34000} <= cells_of((640, 640))
        assert 6300 in cells_of((480, 640))


def test_an_entry_of_another_program_has_no_effect(file: Path) -> None:
    file.write_bytes(YOLO.read_bytes() + entry("comment", "anything"))
    assert Detector(file).layout == "yolo"
