"""Trained classifiers: predict, calibrate, save, load and inspect.

`Classifier` predicts the class of photos and of boxes in photos. `inspect` reads the metadata of a
saved classifier without Keras.
"""

from shelfvision.inference._classifier import Classifier
from shelfvision.inference._inspect import BundleInfo, TensorInfo, inspect

__all__ = ["BundleInfo", "Classifier", "TensorInfo", "inspect"]
