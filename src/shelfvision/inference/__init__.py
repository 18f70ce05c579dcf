"""Trained classifiers: predicting, saving and loading."""

from shelfvision.inference._classifier import Classifier

__all__ = ["Classifier"]
