"""Write the detector files of the tests: ``python tests/export/golden/detectors/make.py``.

Each file is a small hand-made graph with the outputs of one kind of detector. All find the same:
the box around the pure red, the pure green and the pure blue pixels of an image, with the scores
0.9, 0.8 and 0.7. So a test knows each box to the pixel, and no network has to be trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
SIZE = 64
CELLS = 8 * 8 + 4 * 4
NAMES = "{0: 'red can', 1: \"green's jar\", 2: 'blue box'}"
SCORES = (0.9, 0.8, 0.7)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Graph:
    """A graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: object, dtype: type[np.generic] = np.float32) -> str:
        """Return the name of a new constant."""
        name = f"c{len(self.constants)}"
        array = np.asarray(values, dtype=dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Return the name of the output of a new operator."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def ints(self, *values: int) -> str:
        """Return the name of a new constant of integers."""
        return self.constant(values, np.int64)


def found_boxes(graph: Graph, image: str, *, dynamic: bool = False) -> tuple[str, str]:
    """Return corners (3, 4) in pixels and scores (3,) of the three colours."""
    weights = 2 * np.eye(3) - 1
    kernel = graph.constant(weights.reshape(3, 3, 1, 1))
    pure = graph.node("Conv", image, kernel, graph.constant([-0.5] * 3))
    low, high = graph.constant(0), graph.constant(1)
    mask = graph.node("Clip", graph.node("Mul", pure, graph.constant(100)), low, high)
    sides = []
    for across, axis in ((True, 2), (False, 3)):
        present = graph.node("ReduceMax", mask, graph.ints(axis, 0), keepdims=0)
        side = _length(graph, image, 3 if across else 2) if dynamic else graph.constant(SIZE)
        first = _range(graph, side) if dynamic else graph.constant(np.arange(SIZE))
        after = graph.node("Mul", present, graph.node("Add", first, graph.constant(1)))
        before = graph.node("Mul", present, graph.node("Sub", side, first))
        end = graph.node("ReduceMax", after, graph.ints(1), keepdims=1)
        back = graph.node("ReduceMax", before, graph.ints(1), keepdims=1)
        sides.append((graph.node("Sub", side, back), end))
    (left, right), (top, bottom) = sides
    corners = graph.node("Concat", left, top, right, bottom, axis=1)
    best = graph.node("ReduceMax", mask, graph.ints(0, 2, 3), keepdims=0)
    return corners, graph.node("Mul", best, graph.constant(SCORES))


def _length(graph: Graph, image: str, axis: int) -> str:
    shape = graph.node("Shape", image)
    return graph.node("Cast", graph.node("Gather", shape, graph.constant(axis, np.int64)), to=1)


def _range(graph: Graph, side: str) -> str:
    whole = graph.node("Cast", side, to=TensorProto.INT64)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    return graph.node("Cast", graph.node("Range", zero, whole, one), to=1)


def centered(graph: Graph, corners: str) -> str:
    """Return center, width and height of corners."""
    change = np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]])
    return graph.node("MatMul", corners, graph.constant(change))


def class_table(graph: Graph, scores: str, k: int = 3) -> str:
    """Return (3, k) scores: each colour is its own class."""
    column = graph.node("Unsqueeze", scores, graph.ints(1))
    return graph.node("Mul", column, graph.constant(np.eye(3, k)))


def raw_rows(graph: Graph, corners: str, scores: str, *, objectness: bool) -> str:
    """Return rows of boxes with a worse duplicate each, one pixel to the right."""
    boxes = centered(graph, corners)
    moved = graph.node("Add", boxes, graph.constant([1, 0, 0, 0]))
    parts = []
    for box, share in ((boxes, 1.0), (moved, 0.9)):
        classes = graph.node("Mul", class_table(graph, scores), graph.constant(share))
        columns = [box, classes]
        if objectness:
            # The score is the product of both, so the class has to be larger than the score.
            classes = graph.node("Div", classes, graph.constant(0.95))
            columns = [box, graph.constant([[0.95]] * 3), classes]
        parts.append(graph.node("Concat", *columns, axis=1))
    return graph.node("Concat", *parts, axis=0)


def padded(graph: Graph, rows: str, count: int) -> str:
    """Return the rows with empty ones below."""
    return graph.node("Pad", rows, graph.ints(0, 0, count - 6, 0), graph.constant(0))


def batch(graph: Graph, table: str) -> str:
    return graph.node("Unsqueeze", table, graph.ints(0))


def save(
    name: str,
    graph: Graph,
    outputs: dict[str, str],
    metadata: dict[str, str],
    *,
    sides: tuple[int | str, int | str] = (SIZE, SIZE),
    image: str = "images",
) -> None:
    """Write a file."""
    for public, inner in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [inner], [public]))
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "detector",
            [helper.make_tensor_value_info(image, 1, [1, 3, *sides])],
            [helper.make_tensor_value_info(one, 1, [None, None, None]) for one in outputs],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto)
    (HERE / name).write_bytes(proto.SerializeToString(deterministic=True))


def ultralytics(**more: str) -> dict[str, str]:
    """Return metadata as Ultralytics writes it."""
    return {
        "description": "Ultralytics YOLO11n model",
        "author": "Ultralytics",
        "stride": "32",
        "task": "detect",
        "batch": "1",
        "imgsz": f"[{SIZE}, {SIZE}]",
        "names": NAMES,
    } | more


def write_yolo() -> None:
    for name, turned in (("yolo", True), ("yolo-rows", False)):
        graph = Graph()
        rows = padded(
            graph, raw_rows(graph, *found_boxes(graph, "images"), objectness=False), CELLS
        )
        table = graph.node("Transpose", rows, perm=[1, 0]) if turned else rows
        save(f"{name}.onnx", graph, {"output0": batch(graph, table)}, ultralytics())
    graph = Graph()
    rows = raw_rows(graph, *found_boxes(graph, "images"), objectness=True)
    table = batch(graph, padded(graph, rows, 3 * CELLS))
    save("yolov5.onnx", graph, {"output0": table}, {"stride": "32", "names": NAMES})


def write_dynamic() -> None:
    """Write a YOLO file of variable height and width."""
    graph = Graph()
    rows = raw_rows(graph, *found_boxes(graph, "images", dynamic=True), objectness=False)
    sides = graph.node("Slice", graph.node("Shape", "images"), graph.ints(2), graph.ints(4))
    counts = [
        graph.node("ReduceProd", graph.node("Div", sides, graph.ints(stride)), keepdims=1)
        for stride in (8, 16)
    ]
    below = graph.node("Sub", graph.node("Add", *counts), graph.ints(6))
    pads = graph.node("Concat", graph.ints(0, 0), below, graph.ints(0), axis=0)
    table = graph.node("Pad", rows, pads, graph.constant(0))
    turned = graph.node("Transpose", table, perm=[1, 0])
    save(
        "yolo-dynamic.onnx",
        graph,
        {"output0": batch(graph, turned)},
        ultralytics(),
        sides=("height", "width"),
    )


def write_end_to_end() -> None:
    graph = Graph()
    corners, scores = found_boxes(graph, "images")
    column = graph.node("Unsqueeze", scores, graph.ints(1))
    rows = graph.node("Concat", corners, column, graph.constant([[0], [1], [2]]), axis=1)
    metadata = ultralytics(end2end="True", head="v10Detect")
    save("yolo-end-to-end.onnx", graph, {"output0": batch(graph, padded_to(graph, rows))}, metadata)


def padded_to(graph: Graph, rows: str) -> str:
    """Return three rows with three empty ones below."""
    return graph.node("Pad", rows, graph.ints(0, 0, 3, 0), graph.constant(0))


def write_transformers() -> None:
    for name in ("rt-detr-ultralytics", "rt-detr-old"):
        graph = Graph()
        corners, scores = found_boxes(graph, "images")
        boxes = graph.node("Div", centered(graph, corners), graph.constant(SIZE))
        if name == "rt-detr-old":
            rows = graph.node("Concat", boxes, class_table(graph, scores), axis=1)
        else:
            column = graph.node("Unsqueeze", scores, graph.ints(1))
            rows = graph.node("Concat", boxes, column, graph.constant([[0], [1], [2]]), axis=1)
        metadata = ultralytics(description="Ultralytics rtdetr-l model", head="RTDETRDecoder")
        save(f"{name}.onnx", graph, {"output0": batch(graph, rows)}, metadata)

    graph = Graph()
    outputs = {"logits": 3, "pred_boxes": 4}
    save("rt-detr.onnx", graph, _pair(graph, "pixel_values", outputs), {}, image="pixel_values")

    graph = Graph()
    std = graph.constant(np.reshape(STD, (1, 3, 1, 1)))
    mean = graph.constant(np.reshape(MEAN, (1, 3, 1, 1)))
    image = graph.node("Add", graph.node("Mul", "input", std), mean)
    outputs = {"dets": 4, "labels": 4}
    metadata = {
        "rfdetr_inference": '{"schema_version":1,"task":"detect","class_names":["red can",'
        '"green\'s jar","blue box"],"class_id_to_name":{"0":"red can","1":"green\'s jar",'
        '"2":"blue box"},"num_classes":3}'
    }
    save("rf-detr.onnx", graph, _pair(graph, image, outputs), metadata, image="input")


def _pair(graph: Graph, image: str, outputs: dict[str, int]) -> dict[str, str]:
    """Return boxes and logits; a fourth column is the background, which always scores high."""
    corners, scores = found_boxes(graph, image)
    boxes = graph.node("Div", centered(graph, corners), graph.constant(SIZE))
    k = outputs.get("labels", 3)
    inside = graph.node("Clip", class_table(graph, scores, k), graph.constant(0.001), "")
    rest = graph.node("Sub", graph.constant(1), inside)
    logits = graph.node("Log", graph.node("Div", inside, rest))
    if k == 4:
        logits = graph.node("Add", logits, graph.constant([[0, 0, 0, 20]]))
    names = {"logits": logits, "labels": logits, "pred_boxes": boxes, "dets": boxes}
    return {name: batch(graph, names[name]) for name in outputs}


if __name__ == "__main__":
    write_yolo()
    write_dynamic()
    write_end_to_end()
    write_transformers()
