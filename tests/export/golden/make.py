"""Writes the golden files anew, where the format gets a new version; needs tensorflow."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from export import conftest  # noqa: E402  (the same)
from shelfvision._runtime.card import VERSION  # noqa: E402  (after the path)


def main() -> None:
    """Write every kind of file, some images and the answers to them."""
    place = HERE / f"version-{VERSION}"
    place.mkdir(exist_ok=True)
    pixels = conftest.make_pixels()
    trusted = conftest.make_trusted(conftest.make_classifier(), pixels)
    trusted.export(place / "tiny.onnx", format="onnx", photos=pixels)
    trusted.export(place / "tiny.tflite", format="litert", photos=pixels)
    trusted.export(place / "tiny.xml", format="openvino", photos=pixels)
    trusted.export(place / "tiny.keras", format="keras", photos=pixels)
    np.save(place / "images.npy", pixels[:8])
    np.save(place / "rows.npy", trusted.predict_proba(pixels[:8]))
    print((trusted.predict(pixels[:8]).decisions == "accept").sum())


if __name__ == "__main__":
    main()
