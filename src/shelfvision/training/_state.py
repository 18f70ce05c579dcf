"""`RunState`: everything that a training run needs to go on, and its one-file form.

The file is safetensors, so that loading it runs no code. Its metadata holds a JSON manifest and a
SHA-256 over the whole file, taken with the digest's own 64 characters as zeros: any changed byte
is noticed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FORMAT = 1
"""Version of the file's layout."""

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value as JSON has it."""
Arrays: TypeAlias = tuple[npt.NDArray[np.generic], ...]
"""The values of variables, in the order in which Keras lists them."""

_NO_DIGEST = "0" * 64


class DamagedStateError(ValueError):
    """The bytes are not a run state that this version wrote, or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A training run between two epochs."""

    epoch: int
    """How many epochs are done."""
    planned_epochs: int
    """How many epochs the run was to have."""
    stopped: bool
    """Whether the run ended itself: out of patience, or a callback asked for it."""
    identity: Mapping[str, Json]
    """What must not change for the run to go on: data, settings, model, backend."""
    environment: Mapping[str, Json]
    """What is good to know: versions of keras and shelfvision."""
    best: Mapping[str, float]
    """The best epoch so far and the patience used up."""
    history: Mapping[str, Sequence[float]]
    """Metrics by name, one value an epoch."""
    timings: Mapping[str, Sequence[float]]
    """Seconds and images per second, one value an epoch."""
    callbacks: Sequence[Json]
    """The state of every callback that can give one, else None."""
    model: Arrays
    """All variables of the model, seed generators included."""
    optimizer: Arrays
    """All variables of the optimizer."""
    best_model: Arrays
    """The model's variables at the end of the best epoch."""


_PLAIN = (
    "epoch",
    "planned_epochs",
    "stopped",
    "identity",
    "environment",
    "best",
    "history",
    "timings",
    "callbacks",
)
_ARRAYS = ("model", "optimizer", "best_model")


def encode(state: RunState, *, generation: int) -> bytes:
    """Return a state as the bytes of a file; a larger generation is a newer state."""
    from safetensors.numpy import save

    tensors: dict[str, npt.NDArray[np.uint8]] = {}
    layout: dict[str, list[Json]] = {}
    for part in _ARRAYS:
        arrays: Arrays = getattr(state, part)
        layout[part] = [[str(array.dtype), list(array.shape)] for array in arrays]
        for number, array in enumerate(arrays):
            # Raw bytes, because safetensors does not know every type that a backend has.
            flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            tensors[f"{part}.{number:05d}"] = flat
    manifest: dict[str, Json] = {name: getattr(state, name) for name in _PLAIN}
    manifest |= {"format": FORMAT, "generation": generation, "arrays": layout}
    # One entry of metadata: safetensors writes several in any order.
    text = json.dumps({"sha256": _NO_DIGEST, "manifest": manifest})
    data = bytearray(save(tensors, {"run_state": text}))
    start = _digest_position(data)
    data[start : start + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def decode(data: bytes) -> tuple[RunState, int]:
    """Return the state and its generation; any other bytes raise `DamagedStateError`."""
    content = bytearray(data)
    start = _digest_position(content)
    told = bytes(content[start : start + 64])
    content[start : start + 64] = _NO_DIGEST.encode()
    if hashlib.sha256(content).hexdigest().encode() != told:
        raise DamagedStateError("its checksum does not match its content")
    try:
        return _decode_whole(data)
    except (KeyError, TypeError, ValueError, IndexError, struct.error) as error:
        raise DamagedStateError(f"it is of another format ({error})") from error


def _decode_whole(data: bytes) -> tuple[RunState, int]:
    base = 8 + int(struct.unpack("<Q", data[:8])[0])
    header = json.loads(data[8:base])
    manifest = json.loads(header["__metadata__"]["run_state"])["manifest"]
    if manifest["format"] != FORMAT:
        raise DamagedStateError(f"it has format {manifest['format']}, not {FORMAT}")
    arrays: dict[str, Arrays] = {}
    for part in _ARRAYS:
        found = []
        for number, (dtype, shape) in enumerate(manifest["arrays"][part]):
            begin, end = header[f"{part}.{number:05d}"]["data_offsets"]
            raw = np.frombuffer(data[base + begin : base + end], dtype=np.uint8)
            # Types such as bfloat16 are numpy's once a backend is loaded that has them.
            found.append(raw.view(np.dtype(dtype)).reshape(shape))
        arrays[part] = tuple(found)
    plain = {name: manifest[name] for name in _PLAIN}
    # The checksum vouches for the types.
    return RunState(**plain, **arrays), int(manifest["generation"])  # type: ignore[arg-type]


def _digest_position(data: bytearray) -> int:
    # The manifest is JSON inside JSON, hence the escaped quotes.
    mark = b'{\\"sha256\\": \\"'
    position = data.find(mark, 8, 8 + 4096)
    if position < 0 or len(data) < position + len(mark) + 64:
        raise DamagedStateError("it is not a run state")
    return position + len(mark)
