"""Runs exported files without Keras: `Predictor`, and what reads, checks and loads the files.

`shelfvision.export.Predictor` is the name for users. The module `formats` describes each format of
file, `reading` reads files, `sessions` loads them into a runtime, `card` is what a file says about
itself, and `answers` makes `Predictions` of probabilities, for classifiers too.
"""

from shelfvision._runtime._predictor import Predictor
from shelfvision._runtime.formats import ExportFormat, Quantize, Runtime

__all__ = ["ExportFormat", "Predictor", "Quantize", "Runtime"]
