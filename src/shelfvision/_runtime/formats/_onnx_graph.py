"""Converts a function of TensorFlow to an ONNX graph, for ONNX and OpenVINO files."""

from __future__ import annotations

from shelfvision._runtime.formats.format import Foreign, Traced
from shelfvision._validation import import_extra
from shelfvision.errors import ExportError

OPSET = 18
"""The version of ONNX's operators that is written."""


def onnx_graph(traced: Traced) -> Foreign:
    """Return the ``onnx.ModelProto`` of a network, which takes any number of images."""
    import_extra("onnx", extra="export", purpose="export to ONNX")
    tf2onnx = import_extra("tf2onnx", extra="export", purpose="export to ONNX")
    proto, _ = tf2onnx.convert.from_function(
        traced.function, input_signature=traced.signature, opset=OPSET
    )
    for port in (*proto.graph.input, *proto.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "n"
    opset = next(x.version for x in proto.opset_import if x.domain in ("", "ai.onnx"))
    if opset != OPSET:
        raise ExportError(
            f"tf2onnx wrote operators of version {opset} instead of {OPSET}; run: "
            'pip install --upgrade "shelfvision[export]"',
            code="wrong-version",
        )
    return proto
