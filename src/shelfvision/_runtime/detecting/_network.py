"""Open a detector file in ONNX Runtime with limited memory, and run it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from shelfvision._runtime._onnx_check import onnx_metadata
from shelfvision._runtime._onnx_session import (
    Foreign,
    bounded_session,
    memory_reason,
    shrinking_run,
)
from shelfvision._runtime.card import ENTRY
from shelfvision._runtime.detecting._metadata import DetectorMetadata, metadata_of
from shelfvision._runtime.detecting._operators import DETECTOR_RULES
from shelfvision._runtime.formats.format import error_line, sizes_of
from shelfvision._storage import read_bounded
from shelfvision._storage.safetensors import MAX_FILE
from shelfvision._storage.sealed import require_digest
from shelfvision._validation import as_path, import_extra
from shelfvision.errors import BundleError, BundleNotFoundError, ModelError

Pixels = npt.NDArray[np.float32]

_TYPES: dict[str, type[np.floating]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """The input of a detector network."""

    name: str
    """The name of the input."""
    dtype: type[np.floating]
    """float32 or float16."""
    sides: tuple[int | None, int | None]
    """Height and width in pixels; None for a variable side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectorNetwork:
    """A detector file in ONNX Runtime; thread-safe."""

    where: str
    """The name of the file in messages."""
    sha256: str
    """The SHA-256 of the file."""
    metadata: DetectorMetadata
    """The class names and sizes in the file."""
    port: Port
    """The input."""
    output_names: tuple[str, ...]
    """The names of the outputs."""
    session: Foreign
    """The session of ONNX Runtime."""
    shrinking: Foreign
    """Run options that release unused memory."""

    def run(self, pixels: Pixels) -> tuple[Pixels, ...]:
        """Return the outputs for one image of shape (1, 3, h, w), as float32."""
        given = {self.port.name: pixels.astype(self.port.dtype, copy=False)}
        try:
            found = self._found(given)
        except Exception as error:
            reason = memory_reason(error) or error_line(error)
            raise ModelError(
                f"{self.where} cannot detect in an image of {pixels.shape[3]} x {pixels.shape[2]} "
                f"pixels: {reason}; export the detector again, or pass the image_size that it was "
                "exported with",
                code="cannot-compute",
            ) from error
        return tuple(np.asarray(one, dtype=np.float32) for one in found)

    def _found(self, given: dict[str, npt.NDArray[np.floating]]) -> list[Foreign]:
        try:
            found: list[Foreign] = self.session.run(None, given)
        except Exception as error:
            if memory_reason(error) is None:
                raise
            # Images of several sizes fragment the arena; release it once and try again.
            blank = {name: np.zeros_like(value) for name, value in given.items()}
            self.session.run(None, blank, self.shrinking)
            found = self.session.run(None, given)
        return found


def open_network(
    path: str | os.PathLike[str], threads: int | None, expected_sha256: str | None
) -> DetectorNetwork:
    """Check a detector file and load it into ONNX Runtime."""
    where = repr(as_path(path))
    data = read_bounded(
        path, MAX_FILE, error=BundleError, missing=BundleNotFoundError, parameter="path"
    )
    digest = hashlib.sha256(data).hexdigest()
    require_digest(digest, expected_sha256, where)
    if data[:1] != b"\x08" or data[8:9] == b"{":
        _refuse(where, "its format is not ONNX", "export the detector to ONNX", "foreign-format")
    entries = onnx_metadata(data, where, DETECTOR_RULES)
    if ENTRY in entries:
        fault = "it is a classifier that Classifier.export wrote"
        _refuse(where, fault, "open it with export.Predictor", "foreign-format")
    metadata = metadata_of(entries, where)
    onnxruntime = import_extra("onnxruntime", extra="onnx", purpose="running a detector")
    session = _loaded(lambda: bounded_session(onnxruntime, data, threads), where)
    return DetectorNetwork(
        where=where,
        sha256=digest,
        metadata=metadata,
        port=_port_of(session, where),
        output_names=tuple(one.name for one in session.get_outputs()),
        session=session,
        shrinking=shrinking_run(onnxruntime),
    )


def _loaded(load: Callable[[], Foreign], where: str) -> Foreign:
    try:
        return load()
    except Exception as error:
        reason = memory_reason(error) or error_line(error)
        raise BundleError(
            f"{where} cannot be loaded by ONNX Runtime: {reason}; export the detector again",
            code="cannot-load",
        ) from error


def _port_of(session: Foreign, where: str) -> Port:
    """Return the input, one image of shape (1, 3, height, width)."""
    ports = session.get_inputs()
    again = "export the detector with one input of shape (1, 3, height, width)"
    if len(ports) != 1:
        names = ", ".join(repr(one.name) for one in ports[:5])
        _refuse(where, f"it has {len(ports)} inputs ({names}) instead of one", again)
    port = ports[0]
    sides = sizes_of(port.shape)
    if port.type not in _TYPES or len(sides) != 4 or sides[0] not in (1, None) or sides[1] != 3:
        _refuse(where, f"its input is {port.type} of shape {list(port.shape)}", again)
    return Port(name=port.name, dtype=_TYPES[port.type], sides=(sides[2], sides[3]))


def _refuse(where: str, fault: str, remedy: str, code: str = "inconsistent") -> NoReturn:
    raise BundleError(f"{where} cannot be used as a detector: {fault}; {remedy}", code=code)
