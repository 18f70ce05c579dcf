"""Scores of predictions: metrics, intervals, reliability, mistakes."""
