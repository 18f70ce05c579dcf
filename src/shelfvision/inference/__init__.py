"""Trained classifiers: predicting, saving, loading and looking into files."""

from shelfvision.inference._classifier import Classifier
from shelfvision.inference._inspect import BundleInfo, TensorInfo, inspect

__all__ = ["BundleInfo", "Classifier", "TensorInfo", "inspect"]
