"""Writes an exported file from a bundle: what a process that runs tensorflow does for another.

``python -m shelfvision.inference._export_worker FOLDER FORMAT QUANTIZE`` reads
``classifier.shelf`` and ``images.npy`` of the folder and writes ``file`` and ``beside``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from shelfvision.export._writers import written
from shelfvision.inference._classifier import Classifier


def main(folder: str, kind: str, quantize: str) -> None:
    """Write the file, and the one beside it, which is empty for most kinds."""
    place = Path(folder)
    source = Classifier.load(place / "classifier.shelf")._export_source()
    images = np.load(place / "images.npy", allow_pickle=False)
    data, beside = written(source, format=kind, quantize=quantize or None, images=images)
    (place / "file").write_bytes(data)
    (place / "beside").write_bytes(beside)


if __name__ == "__main__":
    main(*sys.argv[1:])
