"""Fit the calibration, the thresholds and the profile of a classifier to validation photos."""
