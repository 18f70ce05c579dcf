"""Convert a TensorFlow function to an ONNX graph, for ONNX and OpenVINO files."""

from __future__ import annotations

import numpy as np

from shelfvision._runtime.formats.format import Foreign, Traced
from shelfvision._validation import import_extra
from shelfvision.errors import ExportError

OPSET = 18
"""The ONNX operator set version that is written."""


def onnx_graph(traced: Traced) -> Foreign:
    """Return a network as ``onnx.ModelProto`` with a variable batch size."""
    import_extra("onnx", extra="export", purpose="export to ONNX")
    tf2onnx = import_extra("tf2onnx", extra="export", purpose="export to ONNX")
    proto, _ = tf2onnx.convert.from_function(
        traced.function,
        input_signature=traced.signature,
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
    )
    for port in (*proto.graph.input, *proto.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "n"
    opset = next(x.version for x in proto.opset_import if x.domain in ("", "ai.onnx"))
    if opset != OPSET:
        raise ExportError(
            f"tf2onnx must write operator set {OPSET}, got {opset}; run: "
            'pip install --upgrade "shelfvision[export]"',
            code="wrong-version",
        )
    return proto


def _erfc(graph: Foreign, node: Foreign, name: str, _: object) -> None:
    """Replace erfc(x), which GELU uses and ONNX lacks, by 1 - erf(x)."""
    one = graph.make_const(f"{name}/one", np.array(1, dtype=np.float32))
    erf = graph.make_node("Erf", list(node.input), name=f"{name}/erf")
    shapes, dtypes = node.output_shapes, node.output_dtypes
    outputs = list(node.output)
    graph.remove_node(name)
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )
