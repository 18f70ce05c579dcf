"""Export classifiers to ONNX, LiteRT, OpenVINO and Keras, and predict and detect without Keras.

`Classifier.export` writes a file and returns an `ExportReport`, which compares the file with the
classifier. `Predictor` runs the file and returns the same `Predictions` as the classifier.
`Detector` runs a detector of another package in ONNX format and returns the boxes of products.

>>> report = classifier.export("model.onnx")  # doctest: +SKIP
>>> predictor = Predictor("model.onnx")  # doctest: +SKIP
"""

from shelfvision._runtime import (
    Detector,
    DetectorLayout,
    ExportFormat,
    Predictor,
    Quantize,
    Runtime,
)
from shelfvision.export._report import ExportReport

__all__ = [
    "Detector",
    "DetectorLayout",
    "ExportFormat",
    "ExportReport",
    "Predictor",
    "Quantize",
    "Runtime",
]
