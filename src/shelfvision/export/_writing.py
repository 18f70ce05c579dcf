"""Write an exported file on any backend.

The converters need TensorFlow. On the tensorflow backend this process runs them; on jax and torch a
subprocess does, which rebuilds the network from its `ModelSpec` and the weights.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from shelfvision._keras.backend import backend_name, untouched
from shelfvision._runtime.formats.format import Files, Format
from shelfvision.errors import ExportError
from shelfvision.export._network import fixed_network
from shelfvision.export._request import Request
from shelfvision.export._source import Source
from shelfvision.protocols import Images

_TIMEOUT = 1800
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from shelfvision.export._worker import run_worker
run_worker(sys.argv[2])
"""


def written(source: Source, request: Request) -> Files:
    """Return the bytes of the exported file, written here or in a subprocess."""
    kind = request.format
    if "tensorflow" in kind.write_packages and backend_name() != "tensorflow":
        return _written_elsewhere(source, request)
    return written_here(source, kind, request.quantize, request.images)


def written_here(source: Source, kind: Format, quantize: str | None, images: Images) -> Files:
    """Return the bytes of the exported file, written in this process."""
    with untouched():
        return kind.write(fixed_network(source, kind, quantize), images)


def _written_elsewhere(source: Source, request: Request) -> Files:
    """Return the bytes of the exported file, written by a subprocess with TensorFlow."""
    if source.spec is None:
        raise ExportError(
            f"the model {source.model.name!r} has a custom architecture that a subprocess cannot "
            f"build, and the backend {backend_name()!r} cannot write {request.name} files; load "
            "the classifier with builder= in a program started with KERAS_BACKEND=tensorflow, "
            "and export it there",
            code="needs-builder",
        )
    job = {
        "format": request.name,
        "quantize": request.quantize,
        "spec": source.spec.to_dict(),
        "card": source.card.to_json(),
    }
    with tempfile.TemporaryDirectory(prefix="shelfvision-") as folder:
        Path(folder, "job.json").write_text(json.dumps(job), encoding="utf-8")
        np.savez(Path(folder, "weights.npz"), *source.values)
        np.save(Path(folder, "images.npy"), request.images)
        _run_worker(folder)
        return Files(Path(folder, "file").read_bytes(), Path(folder, "beside").read_bytes())


def _run_worker(folder: str) -> None:
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Python would first look for modules in the working directory, which may be a folder of
    # downloaded photos. The subprocess imports from where this process does, and not from there.
    package = str(Path(__file__).parents[2])
    places = [*filter(None, sys.path), package]
    command = [sys.executable, "-P", "-c", _PROGRAM, json.dumps(places), folder]
    try:
        done = subprocess.run(  # noqa: S603  (our own program, no shell)
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(
            f"the subprocess that writes the file with TensorFlow did not finish: {error}; export "
            "from a program started with KERAS_BACKEND=tensorflow",
            code="worker-failed",
        ) from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ExportError(
            f"the subprocess that writes the file with TensorFlow failed: {lines[-1][:300]}; "
            "export from a program started with KERAS_BACKEND=tensorflow to see more",
            code="worker-failed",
        )
