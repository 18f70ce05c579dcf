"""Export classifiers to ONNX, LiteRT, OpenVINO and Keras, and predict without Keras.

`Classifier.export` writes a file and returns an `ExportReport`, which compares the file with the
classifier. `Predictor` runs the file and returns the same `Predictions` as the classifier.

>>> report = classifier.export("model.onnx")  # doctest: +SKIP
>>> predictor = Predictor("model.onnx")  # doctest: +SKIP
"""

from shelfvision._runtime import ExportFormat, Predictor, Quantize, Runtime
from shelfvision.export._report import ExportReport

__all__ = ["ExportFormat", "ExportReport", "Predictor", "Quantize", "Runtime"]
