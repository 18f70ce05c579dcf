"""The formats of exported files that run without Keras, one module each.

To add one, write a module that makes a `Format`, add it to `FORMATS`, and its names to the types.
"""

from typing import Literal, TypeAlias

from shelfvision._runtime.formats import litert, onnx, openvino
from shelfvision._runtime.formats.format import Format

ExportFormat: TypeAlias = Literal["onnx", "litert", "openvino", "keras"]
"""The formats that a classifier can be exported to."""
Quantize: TypeAlias = Literal["dynamic", "int8"]
"""How the weights of a LiteRT file become whole numbers."""
Runtime: TypeAlias = Literal["auto", "onnxruntime", "litert", "openvino"]
"""The packages that run an exported file."""

FORMATS: dict[str, Format] = {
    kind.name: kind for kind in (onnx.FORMAT, litert.FORMAT, openvino.FORMAT)
}
"""The formats by name."""
