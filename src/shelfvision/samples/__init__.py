"""Rendered, labelled product photos: data for first steps, demos, documentation and tests."""

from shelfvision.samples._products import (
    CLASS_NAMES,
    UNEVEN_COUNTS,
    render_products,
    write_products,
)

__all__ = ["CLASS_NAMES", "UNEVEN_COUNTS", "render_products", "write_products"]
