"""Writes the golden file anew, where the format gets a new version."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np

import shelfvision as shv
from shelfvision.gallery._file import VERSION

HERE = Path(__file__).parent
GOLDEN = HERE / f"version-{VERSION}.gallery"
NAMES = ("grass", "sky")


def main() -> None:
    """Write a gallery, some photos and the answers to them."""
    spec = importlib.util.spec_from_file_location("colours", HERE.parent / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    shots = made.shots
    gallery = shv.Gallery.from_dataset(
        made.colour_classifier(), made.dataset(NAMES, 12, seed=1), unknown=0.1
    )
    gallery = gallery.with_product("brick", shots("brick", 2))
    photos = np.concatenate([shots(n, 2, 8, spread=20) for n in ("brick", "grass", "sky")])
    photos = np.concatenate([photos, np.full((1, 8, 8, 3), 128, np.uint8)])
    found = gallery.predict(photos)
    gallery.save(GOLDEN)
    told = {
        "counts": gallery.counts,
        "limit": gallery.limit,
        "labels": found.labels.tolist(),
        "decisions": found.decisions.tolist(),
        "probabilities": found.probabilities.tolist(),
        "photos": photos[:, 0, 0].tolist(),
    }
    GOLDEN.with_suffix(".json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
