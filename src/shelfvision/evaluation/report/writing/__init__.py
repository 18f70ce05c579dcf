"""Writes a report: as one page of HTML, and as a model card."""
