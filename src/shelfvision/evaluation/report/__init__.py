"""Evaluation reports: as objects, as text, as an HTML page and as a model card."""
