"""`RunState`: everything that is needed to resume a training run, and its file format.

The format is safetensors, so loading a file runs no code. Its metadata has a JSON manifest and a
SHA-256 checksum of the whole file, in which the 64 characters of the checksum count as zeros. It
detects every changed byte. All fields are validated even if the checksum is right.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._storage.json_values import Json
from shelfvision._storage.safetensors import Entry, Limits, canonical_header, read_tensor_header
from shelfvision.errors import BundleError, ResumeError

FORMAT = 4
"""Version of the file format."""

Arrays: TypeAlias = tuple[npt.NDArray[np.generic], ...]
"""Values of variables, in the order of Keras."""

_LIMITS = Limits(header=2**30, file=2**42, tensors=2**17)
"""A run keeps as much as its model needs, and its files are its own."""
_NO_DIGEST = "0" * 64
_WRONG_LAYOUT = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError),
    *(RecursionError, OverflowError, MemoryError),
)
"""Errors that content of another layout can cause."""


class DamagedStateError(ResumeError):
    """The bytes are not a run state, or a corrupted one."""

    code = "damaged"


class ForeignStateError(ResumeError):
    """The bytes are an intact run state in the format of another version."""

    code = "foreign-format"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """The state of a training run between two epochs, or between two steps of an epoch."""

    epoch: int
    """Number of completed epochs."""
    step: int
    """Number of completed steps of the next epoch."""
    planned_epochs: int
    """Number of epochs that the run was planned with."""
    stopped: bool
    """Whether training stopped early: out of patience, or stopped by a callback."""
    seconds: float
    """Seconds that the completed steps of the next epoch took."""
    identity: str
    """The digest of what must be unchanged to resume: data, settings, model, code, backend."""
    environment: Mapping[str, Json]
    """Versions and hardware; a change causes only a warning."""
    best: Mapping[str, float]
    """The best epoch so far and the state of early stopping."""
    history: Mapping[str, Sequence[float]]
    """Metrics by name, one value per epoch."""
    timings: Mapping[str, Sequence[float]]
    """Seconds and images per second, one value per epoch."""
    callbacks: Sequence[Json]
    """The state of each callback, or None for callbacks without ``get_state``."""
    model: Arrays
    """All variables of the model, including seed generators."""
    optimizer: Arrays
    """All variables of the optimizer."""
    metrics: Arrays
    """All variables of metrics, including the loss; empty between two epochs."""
    best_model: Arrays
    """The model's variables at the end of the best epoch."""


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_judgement(value: object) -> bool:
    names = {"epoch", "value", "reference", "waited"}
    return isinstance(value, dict) and set(value) == names and all(map(_is_number, value.values()))


def _is_columns(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(column, list) and all(map(_is_number, column)) for column in value.values()
    )


_PLAIN: Mapping[str, Callable[[object], bool]] = {
    "epoch": _is_count,
    "step": _is_count,
    "planned_epochs": _is_count,
    "stopped": _is_flag,
    "seconds": _is_duration,
    "identity": _is_text,
    "environment": _is_mapping,
    "best": _is_judgement,
    "history": _is_columns,
    "timings": _is_columns,
    "callbacks": _is_list,
}
_ARRAYS = ("model", "optimizer", "metrics", "best_model")


def encode(state: RunState, *, generation: int) -> bytes:
    """Return a state as the bytes of a file. A newer state has a larger generation."""
    tensors: dict[str, bytes] = {}
    layout: dict[str, list[Json]] = {}
    for part in _ARRAYS:
        arrays: Arrays = getattr(state, part)
        layout[part] = [[str(array.dtype), list(array.shape)] for array in arrays]
        for number, array in enumerate(arrays):
            # Raw bytes, because safetensors does not support all types of the backends.
            tensors[f"{part}.{number:05d}"] = np.ascontiguousarray(array).tobytes()
    manifest: dict[str, Json] = {name: getattr(state, name) for name in _PLAIN}
    manifest |= {"format": FORMAT, "generation": generation, "arrays": layout}
    text = json.dumps({"sha256": _NO_DIGEST, "manifest": manifest})
    sizes = {name: (len(tensors[name]),) for name in sorted(tensors)}
    entries = tuple(Entry(name=name, dtype="U8", shape=sizes[name]) for name in sizes)
    header = canonical_header(entries, {"run_state": text})
    data = bytearray(len(header).to_bytes(8, "little") + header)
    data += b"".join(tensors[name] for name in sizes)
    start = _digest_position(data)
    data[start : start + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def decode(data: bytes) -> tuple[RunState, int]:
    """Return the state and its generation.

    Raises
    ------
    DamagedStateError
        The bytes are not an intact result of `encode`.
    ForeignStateError
        Another version of `encode` wrote them.
    """
    content = bytearray(data)
    start = _digest_position(content)
    stored_digest = bytes(content[start : start + 64])
    content[start : start + 64] = _NO_DIGEST.encode()
    if hashlib.sha256(content).hexdigest().encode() != stored_digest:
        raise DamagedStateError("its checksum does not match its content")
    try:
        return _decoded(data)
    except (DamagedStateError, ForeignStateError):
        raise
    except BundleError as error:
        raise DamagedStateError("its header is damaged") from error
    except _WRONG_LAYOUT as error:
        raise DamagedStateError(f"it is not laid out as a run state ({error})") from error


def require_start(data: bytes) -> None:
    """Refuse content that does not start like a run state; 4,200 bytes are enough."""
    _digest_position(bytearray(data))


def _decoded(data: bytes) -> tuple[RunState, int]:
    file = io.BytesIO(data)
    header = read_tensor_header(file, "the run state", kind="a run state", limits=_LIMITS)
    manifest = json.loads(header.metadata["run_state"])["manifest"]
    if manifest["format"] != FORMAT:
        raise ForeignStateError(f"it has format {manifest['format']}, not {FORMAT}")
    _require_names("the manifest", manifest, {*_PLAIN, "format", "generation", "arrays"})
    plain = {name: manifest[name] for name in _PLAIN}
    for name, is_valid in _PLAIN.items():
        if not is_valid(plain[name]):
            raise DamagedStateError(f"its {name} is {plain[name]!r}")
    if not _is_count(manifest["generation"]):
        raise DamagedStateError(f"its generation is {manifest['generation']!r}")
    if header.file_size != len(data):
        raise DamagedStateError("its arrays do not fill the file")
    stored = {entry.name: file.read(entry.size) for entry in header.entries}
    arrays = _decode_arrays(stored, manifest["arrays"])
    # The checks above ensure the types.
    return RunState(**plain, **arrays), manifest["generation"]  # type: ignore[arg-type]


def _decode_arrays(
    stored: Mapping[str, bytes], layout: Mapping[str, Sequence[tuple[str, Sequence[int]]]]
) -> dict[str, Arrays]:
    """Return the arrays by part, with their own types and shapes."""
    _require_names("the layout", layout, set(_ARRAYS))
    places = {f"{part}.{number:05d}" for part in _ARRAYS for number in range(len(layout[part]))}
    _require_names("the header", stored, places)
    return {
        part: tuple(
            # NumPy knows types such as bfloat16 after a backend that has them is loaded.
            np.frombuffer(stored[f"{part}.{number:05d}"], np.uint8)
            .view(np.dtype(dtype))
            .reshape(shape)
            for number, (dtype, shape) in enumerate(layout[part])
        )
        for part in _ARRAYS
    }


def _require_names(where: str, found: Mapping[str, object], wanted: set[str]) -> None:
    if set(found) != wanted:
        odd = min(set(found) ^ wanted)
        raise DamagedStateError(f"{where} must have exactly its entries, and {odd!r} differs")


def _digest_position(data: bytearray) -> int:
    # The manifest is JSON inside JSON, so its quotes are escaped.
    mark = b'{\\"sha256\\": \\"'
    position = data.find(mark, 8, 8 + 4096)
    if position < 0 or len(data) < position + len(mark) + 64:
        raise DamagedStateError("it is not a run state")
    return position + len(mark)
