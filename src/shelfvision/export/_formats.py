"""The table of all formats that a classifier can be exported to."""

from __future__ import annotations

from shelfvision._runtime.formats import FORMATS as RUN_WITHOUT_KERAS
from shelfvision._runtime.formats.format import Format
from shelfvision.export import _keras_file

FORMATS: dict[str, Format] = {**RUN_WITHOUT_KERAS, "keras": _keras_file.FORMAT}
"""All formats by name; `shelfvision.export.Predictor` runs all of them except ``"keras"``."""
