"""Subprocess that writes an exported file with TensorFlow, for a parent on another backend.

`run_worker` reads ``job.json``, ``weights.npz`` and ``images.npy`` from a folder, and writes
``file`` and ``beside`` to it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from shelfvision._runtime.card import Card
from shelfvision._runtime.formats.format import Scores
from shelfvision.export._formats import FORMATS
from shelfvision.export._source import Source
from shelfvision.export._writing import written_here
from shelfvision.models import ModelSpec
from shelfvision.models.building import model_from_spec
from shelfvision.protocols import Images


def run_worker(folder: str) -> None:
    """Write the exported file and its second file, which is empty for most formats."""
    place = Path(folder)
    job = json.loads((place / "job.json").read_text(encoding="utf-8"))
    with np.load(place / "weights.npz", allow_pickle=False) as arrays:
        values = [arrays[f"arr_{number}"] for number in range(len(arrays.files))]
    spec = ModelSpec.from_dict(job["spec"])
    source = Source(
        card=Card.from_json(job["card"], "the card"),
        model=model_from_spec(spec),
        values=values,
        spec=spec,
        probabilities=_not_here,
    )
    images = np.load(place / "images.npy", allow_pickle=False)
    files = written_here(source, FORMATS[job["format"]], job["quantize"], images)
    (place / "file").write_bytes(files.data)
    (place / "beside").write_bytes(files.beside)


def _not_here(_: Images) -> Scores:
    raise NotImplementedError("the parent process verifies the file")
