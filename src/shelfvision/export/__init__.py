"""Classifiers as files for other runtimes, and a predictor that runs them without Keras."""

from shelfvision.export._predictor import Predictor, Runtime
from shelfvision.export._report import ExportFormat, ExportReport, Quantize

__all__ = ["ExportFormat", "ExportReport", "Predictor", "Quantize", "Runtime"]
