"""The formats of exported files that run without Keras, one module each.

To add a format, write a module that defines a `Format`, add it to `FORMATS`, and add its names to
the types below.
"""

from typing import Literal, TypeAlias

from shelfvision._runtime.formats import litert, onnx, openvino
from shelfvision._runtime.formats.format import Format

ExportFormat: TypeAlias = Literal["onnx", "litert", "openvino", "keras"]
"""The formats that a classifier can be exported to."""
Quantize: TypeAlias = Literal["dynamic", "int8"]
"""The quantizations of LiteRT files."""
Runtime: TypeAlias = Literal["auto", "onnxruntime", "litert", "openvino"]
"""The packages that run an exported file."""

FORMATS: dict[str, Format] = {
    kind.name: kind for kind in (onnx.FORMAT, litert.FORMAT, openvino.FORMAT)
}
"""The formats by name."""
