"""`RunState`: everything that a training run needs to go on, and its one-file form.

The file is safetensors, so that loading it runs no code. Its metadata holds a JSON manifest and a
SHA-256 over the whole file, taken with the digest's own 64 characters as zeros: any changed byte
is noticed. What the checksum vouches for is checked field by field all the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._storage.json_values import Json
from shelfvision._storage.safetensors import Entry, canonical_header
from shelfvision.errors import ResumeError

FORMAT = 3
"""Version of the file's layout."""

Arrays: TypeAlias = tuple[npt.NDArray[np.generic], ...]
"""The values of variables, in the order in which Keras lists them."""

_NO_DIGEST = "0" * 64
_WRONG_LAYOUT = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError, struct.error),
    *(RecursionError, OverflowError, MemoryError),
)
"""What content that only looks like a run state may end in."""


class DamagedStateError(ResumeError):
    """The bytes are not a run state, or not any more."""

    code = "damaged"


class ForeignStateError(ResumeError):
    """The bytes are a whole run state, of another version's layout."""

    code = "foreign-format"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A training run between two steps; mostly between two epochs."""

    epoch: int
    """How many epochs are done."""
    step: int
    """How many steps of the next epoch are done."""
    planned_epochs: int
    """How many epochs the run was to have."""
    stopped: bool
    """Whether the run ended itself: out of patience, or a callback asked for it."""
    seconds: float
    """How long the steps of the next epoch have taken so far."""
    identity: Mapping[str, Json]
    """What must not change for the run to go on: data, settings, model, code, backend."""
    environment: Mapping[str, Json]
    """What is good to know: versions and the like."""
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
    metrics: Arrays
    """All variables of the metrics, the loss's among them; none between two epochs."""
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
    "identity": _is_mapping,
    "environment": _is_mapping,
    "best": _is_judgement,
    "history": _is_columns,
    "timings": _is_columns,
    "callbacks": _is_list,
}
_ARRAYS = ("model", "optimizer", "metrics", "best_model")


def encode(state: RunState, *, generation: int) -> bytes:
    """Return a state as the bytes of a file; a larger generation is a newer state."""
    tensors: dict[str, bytes] = {}
    layout: dict[str, list[Json]] = {}
    for part in _ARRAYS:
        arrays: Arrays = getattr(state, part)
        layout[part] = [[str(array.dtype), list(array.shape)] for array in arrays]
        for number, array in enumerate(arrays):
            # Raw bytes, because safetensors does not know every type that a backend has.
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
        The bytes are anything else than what `encode` gave.
    ForeignStateError
        They are what another version's `encode` gave.
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
    except _WRONG_LAYOUT as error:
        raise DamagedStateError(f"it is not laid out as a run state ({error})") from error


def require_start(data: bytes) -> None:
    """Refuse what does not start as a run state does; the first 4,200 bytes tell."""
    _digest_position(bytearray(data))


def _decoded(data: bytes) -> tuple[RunState, int]:
    base = 8 + int(struct.unpack("<Q", data[:8])[0])
    header = json.loads(data[8:base])
    manifest = json.loads(header.pop("__metadata__")["run_state"])["manifest"]
    if manifest["format"] != FORMAT:
        raise ForeignStateError(f"it has format {manifest['format']}, not {FORMAT}")
    _require_names("the manifest", manifest, {*_PLAIN, "format", "generation", "arrays"})
    plain = {name: manifest[name] for name in _PLAIN}
    for name, is_valid in _PLAIN.items():
        if not is_valid(plain[name]):
            raise DamagedStateError(f"its {name} is {plain[name]!r}")
    if not _is_count(manifest["generation"]):
        raise DamagedStateError(f"its generation is {manifest['generation']!r}")
    arrays = _decode_arrays(data[base:], header, manifest["arrays"])
    # The checks above vouch for the types.
    return RunState(**plain, **arrays), manifest["generation"]  # type: ignore[arg-type]


def _decode_arrays(
    content: bytes,
    header: Mapping[str, Mapping[str, tuple[int, int]]],
    layout: Mapping[str, Sequence[tuple[str, Sequence[int]]]],
) -> dict[str, Arrays]:
    """Return the arrays by part; they fill the content without gap or overlap."""
    _require_names("the layout", layout, set(_ARRAYS))
    places = {f"{part}.{number:05d}" for part in _ARRAYS for number in range(len(layout[part]))}
    _require_names("the header", header, places)
    spans = sorted(header[place]["data_offsets"] for place in places)
    starts = [0, *(end for _, end in spans)]
    if [begin for begin, _ in spans] != starts[:-1] or starts[-1] != len(content):
        raise DamagedStateError("its arrays do not fill the file")
    arrays: dict[str, Arrays] = {}
    for part in _ARRAYS:
        found = []
        for number, (dtype, shape) in enumerate(layout[part]):
            begin, end = header[f"{part}.{number:05d}"]["data_offsets"]
            raw = np.frombuffer(content[begin:end], dtype=np.uint8)
            # Types such as bfloat16 are numpy's once a backend is loaded that has them.
            found.append(raw.view(np.dtype(dtype)).reshape(shape))
        arrays[part] = tuple(found)
    return arrays


def _require_names(where: str, found: Mapping[str, object], wanted: set[str]) -> None:
    if set(found) != wanted:
        odd = min(set(found) ^ wanted)
        raise DamagedStateError(f"{where} lacks {odd!r}, or has it too many")


def _digest_position(data: bytearray) -> int:
    # The manifest is JSON inside JSON, hence the escaped quotes.
    mark = b'{\\"sha256\\": \\"'
    position = data.find(mark, 8, 8 + 4096)
    if position < 0 or len(data) < position + len(mark) + 64:
        raise DamagedStateError("it is not a run state")
    return position + len(mark)
