"""Evaluation of boxes and their labels on shelf photos."""
