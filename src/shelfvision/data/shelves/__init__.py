"""Labelled crops of the annotated boxes in shelf photos."""
