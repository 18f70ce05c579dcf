"""Oversampling: balance classes with augmented copies."""
