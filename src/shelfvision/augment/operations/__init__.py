"""Augmentation operations: geometry, colour, image degradation and light."""
