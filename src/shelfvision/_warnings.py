"""Warnings with the location of the calling code outside the package."""

from __future__ import annotations

import os
import sys
import warnings

from shelfvision.errors import ShelfVisionWarning

_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def warn_caller(warning: ShelfVisionWarning) -> None:
    """Issue a warning whose location is the nearest line outside the package."""
    # Python 3.12 has `skip_file_prefixes` for this.
    level, frame = 2, sys._getframe(1)  # noqa: SLF001  (documented by Python)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)
