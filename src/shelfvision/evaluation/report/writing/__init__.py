"""Writes a report as an HTML page and as a model card."""
