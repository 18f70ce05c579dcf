"""Classifiers as files for other runtimes, and a predictor that runs them without Keras."""

from shelfvision._runtime import ExportFormat, Predictor, Quantize, Runtime
from shelfvision.export._report import ExportReport

__all__ = ["ExportFormat", "ExportReport", "Predictor", "Quantize", "Runtime"]
