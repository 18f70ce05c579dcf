"""Run an object detector from an ONNX file: `Detector`, which returns `Boxes`.

Users import `shelfvision.export.Detector`. The modules, in the order of the work:

- `_operators` lists the ONNX operators that a detector file may contain.
- `_metadata` reads class names, image size and stride from the metadata of the file.
- `_network` opens the file in ONNX Runtime with limited memory and runs it.
- `_choosing` finds the layout of the outputs; `_layouts` reads candidates from them.
- `_input` resizes photos like the packages that trained the detectors, and maps boxes back.
- `_suppression` removes duplicate boxes; `_tiles` joins the boxes of overlapping tiles.
"""

from shelfvision._runtime.detecting._choosing import DetectorLayout
from shelfvision._runtime.detecting._detector import Detector

__all__ = ["Detector", "DetectorLayout"]
