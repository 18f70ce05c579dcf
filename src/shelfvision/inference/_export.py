"""Exporting from any backend: under tensorflow here, elsewhere in a process that runs it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shelfvision._keras.backend import backend_name
from shelfvision.errors import ExportError, MissingDependencyError
from shelfvision.export._exporting import Request, export
from shelfvision.export._report import ExportReport
from shelfvision.export._source import Source
from shelfvision.export._writers import Files, written

_TIMEOUT = 1800
_NEEDED = {
    "onnx": ("tensorflow", "onnx", "tf2onnx", "onnxruntime"),
    "openvino": ("tensorflow", "onnx", "tf2onnx", "openvino"),
    "litert": ("tensorflow", "ai_edge_litert"),
    "keras": (),
}


def export_classifier(
    source: Source, request: Request, save: Callable[[str], object], *, portable: bool
) -> ExportReport:
    """Export under any backend; `portable` tells that another process can load the bundle."""
    _require_packages(request)

    def write() -> Files:
        if backend_name() == "tensorflow":
            return written(
                source, format=request.format, quantize=request.quantize, images=request.images
            )
        return _elsewhere(source, request, save, portable=portable)

    return export(source, request, write)


def _require_packages(request: Request) -> None:
    """Tell what is missing before minutes are spent."""
    missing = [name for name in _NEEDED[request.format] if not importlib.util.find_spec(name)]
    if missing:
        extra = "export,openvino" if request.format == "openvino" else "export"
        raise MissingDependencyError(
            f"export to {request.format} needs what is not installed ({', '.join(missing)}); "
            f'run: pip install "shelfvision[{extra}]"',
            code="missing-dependency",
        )


def _elsewhere(
    source: Source, request: Request, save: Callable[[str], object], *, portable: bool
) -> Files:
    """Have the file written by a process that runs tensorflow, from the classifier's bundle."""
    if not portable:
        raise ExportError(
            f"the model {source.model.name!r} is of an architecture of your own, which only your "
            f"code can build, and {backend_name()} does not write {request.format}; load the "
            "classifier with builder= in a program started with KERAS_BACKEND=tensorflow, and "
            "export it there",
            code="needs-builder",
        )
    with tempfile.TemporaryDirectory(prefix="shelfvision-") as folder:
        save(os.path.join(folder, "classifier.shelf"))
        np.save(os.path.join(folder, "images.npy"), request.images)
        arguments = [folder, request.format, request.quantize or ""]
        _run_worker(arguments)
        beside = Path(folder, "beside")
        return Path(folder, "file").read_bytes(), beside.read_bytes()


def _run_worker(arguments: list[str]) -> None:
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "shelfvision.inference._export_worker", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  (our own module, no shell)
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(
            f"the process that writes the file under tensorflow did not finish: {error}; export "
            "from a program started with KERAS_BACKEND=tensorflow",
            code="worker-failed",
        ) from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ExportError(
            f"the process that writes the file under tensorflow failed: {lines[-1][:300]}; export "
            "from a program started with KERAS_BACKEND=tensorflow to see more",
            code="worker-failed",
        )
