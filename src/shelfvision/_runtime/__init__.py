"""Run exported files without Keras: `Predictor`, `Detector` and the modules that check the files.

Users import them from `shelfvision.export`. The modules, in the order of the work:

- `reading` reads a file, finds its format in `formats` and returns a checked `Export`.
- `card` is the description that the file contains: classes, preprocessing, calibration, thresholds.
- `sessions` loads the file into a runtime and returns calibrated probabilities.
- `detecting` runs object detectors of other packages: `Detector`.
- `answers` makes `Predictions` from probabilities, for classifiers as well.
"""

from shelfvision._runtime._predictor import Predictor
from shelfvision._runtime.detecting import Detector, DetectorLayout
from shelfvision._runtime.formats import ExportFormat, Quantize, Runtime

__all__ = ["Detector", "DetectorLayout", "ExportFormat", "Predictor", "Quantize", "Runtime"]
