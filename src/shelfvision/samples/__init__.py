"""Rendered, labelled product photos for first steps, demos, documentation and tests."""

from shelfvision.samples._products import (
    CLASS_NAMES,
    UNEVEN_COUNTS,
    render_products,
    write_products,
)
from shelfvision.samples._shelf import Shelf, render_shelf

__all__ = [
    "CLASS_NAMES",
    "UNEVEN_COUNTS",
    "Shelf",
    "render_products",
    "render_shelf",
    "write_products",
]
