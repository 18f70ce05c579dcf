"""Read and write safetensors files; all claims of a file are verified."""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._storage.json_values import canonical_json, json_object
from shelfvision._storage.reading import open_regular
from shelfvision.errors import BundleError, BundleNotFoundError, InvalidParameterError

Tensor: TypeAlias = npt.NDArray[np.generic]

MAX_HEADER = 2**20
"""The maximum length of the header, in bytes."""
MAX_FILE = 2**30
"""The maximum size of a file, in bytes."""
MAX_TENSORS = 4096
"""The maximum number of tensors in a file."""
DIGESTS = "sha256"
"""Metadata entry with the digest of every tensor by name, as JSON."""

KEPT = "__validation__/"
"""The name prefix of tensors that are not weights, but scores that are stored with them."""

DTYPES = MappingProxyType(
    {
        "BOOL": np.dtype(np.bool_),
        "U8": np.dtype("u1"),
        "I8": np.dtype("i1"),
        "I16": np.dtype("<i2"),
        "I32": np.dtype("<i4"),
        "I64": np.dtype("<i8"),
        "F16": np.dtype("<f2"),
        "F32": np.dtype("<f4"),
        "F64": np.dtype("<f8"),
    }
)
STORABLE = MappingProxyType({dtype: name for name, dtype in DTYPES.items()})
"""The name of every type that can be written."""


class Readable(Protocol):
    """A source of bytes that is read from start to end."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; an empty result means the end."""
        ...


class Writable(Protocol):
    """A destination of bytes."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest header and file that are read."""

    header: int = MAX_HEADER
    """Bytes of the header."""
    file: int = MAX_FILE
    """Bytes of the file."""
    tensors: int = MAX_TENSORS
    """Number of tensors."""


DEFAULT_LIMITS = Limits()
"""The limits of bundles and galleries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tensor as the header describes it."""

    name: str
    """Its name."""
    dtype: str
    """Its type, by its safetensors name."""
    shape: tuple[int, ...]
    """Its shape."""

    @property
    def size(self) -> int:
        """The length in bytes."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorHeader:
    """A checked header: the metadata and tensors of the file, in order."""

    metadata: Mapping[str, str]
    """Texts by name."""
    entries: tuple[Entry, ...]
    """The tensors in the order of their bytes."""
    raw: bytes
    """The unchanged bytes of the header."""

    @property
    def file_size(self) -> int:
        """The length, in bytes, that the whole file must have."""
        return 8 + len(self.raw) + sum(entry.size for entry in self.entries)


def read_tensor_header(
    file: Readable,
    where: str,
    *,
    kind: str = "a file of weights",
    limits: Limits = DEFAULT_LIMITS,
) -> TensorHeader:
    """Read and check the header; memory is allocated for its limited size only."""
    start = _exactly(file, 8, where, kind=f"is not {kind}, being too short for one")
    length = int.from_bytes(start, "little")
    if not 2 <= length <= limits.header:
        _refuse(where, f"is not {kind}", "foreign-format")
    raw = _exactly(file, length, where, kind=f"is not {kind}")
    fields = _json(raw, where)
    metadata = _metadata(fields.pop("__metadata__", {}), where)
    if len(fields) > limits.tensors:
        _refuse(where, f"has {len(fields)} tensors, over the limit of {limits.tensors}")
    spans = [_span(name, field, where, limits.file) for name, field in fields.items()]
    spans.sort(key=lambda span: (span[0], span[1], span[2].name))
    entries = _contiguous(spans, where)
    header = TensorHeader(metadata=metadata, entries=entries, raw=raw)
    if header.file_size > limits.file:
        _refuse(where, f"claims {header.file_size} bytes, over the limit of {limits.file}")
    return header


def read_tensors(file: Readable, header: TensorHeader, where: str) -> dict[str, Tensor]:
    """Read the tensors after the header; verify digests, finite values and the end of the file."""
    digests = _digests(header, where)
    tensors: dict[str, Tensor] = {}
    for entry in header.entries:
        data = _exactly(file, entry.size, where, kind="ends early, in the middle of its weights")
        if digests is not None and digests[entry.name] != digest_of_tensor(entry, data):
            _refuse(where, f"is damaged: the tensor {brief(entry.name)} does not match its digest")
        tensor = np.frombuffer(data, dtype=DTYPES[entry.dtype]).reshape(entry.shape)
        if entry.dtype[0] == "F" and not np.isfinite(tensor).all():
            _refuse(where, f"has numbers that are not finite in the tensor {brief(entry.name)}")
        tensors[entry.name] = tensor
    if file.read(1):
        _refuse(where, "has more bytes than its header declares")
    return tensors


def write(file: Writable, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors in the order of their names; refuse what `read_tensor_header` would refuse."""
    ordered = {name: tensors[name] for name in sorted(tensors)}
    raw = canonical_header(_entries(ordered), metadata)
    size = TensorHeader(metadata=metadata, entries=_entries(ordered), raw=raw).file_size
    if len(raw) > MAX_HEADER or size > MAX_FILE or len(tensors) > MAX_TENSORS:
        raise InvalidParameterError(
            f"the file would have {len(tensors)} tensors, {size} bytes and {len(raw)} bytes of "
            f"names and settings; at most {MAX_TENSORS}, {MAX_FILE} and {MAX_HEADER} can be loaded "
            "again, so keep less in it",
            code="too-large",
        )
    file.write(len(raw).to_bytes(8, "little") + raw)
    for tensor in ordered.values():
        file.write(_bytes(tensor))


def tensor_digests(tensors: Mapping[str, Tensor]) -> str:
    """Return the metadata entry with the digest of every tensor."""
    pairs = zip(_entries(tensors), tensors.values(), strict=True)
    return canonical_json(
        {entry.name: digest_of_tensor(entry, _bytes(tensor)) for entry, tensor in pairs}
    )


def digest_of_tensor(entry: Entry, data: bytes) -> str:
    """Return a digest of a tensor's name, type, shape and bytes."""
    hasher = hashlib.sha256(canonical_json([entry.name, entry.dtype, entry.shape]).encode())
    hasher.update(data)
    return hasher.hexdigest()


def canonical_header(entries: tuple[Entry, ...], metadata: Mapping[str, str]) -> bytes:
    """Return the canonical form of a header, padded to eight bytes."""
    fields: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for entry in entries:
        fields[entry.name] = {
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "data_offsets": [start, start + entry.size],
        }
        start += entry.size
    header = canonical_json(fields).encode()
    return header + b" " * (-len(header) % 8)


def brief(value: object) -> str:
    """Return the repr of a value, shortened for a message."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _entries(tensors: Mapping[str, Tensor]) -> tuple[Entry, ...]:
    return tuple(
        Entry(name=name, dtype=STORABLE[tensor.dtype.newbyteorder("<")], shape=tensor.shape)
        for name, tensor in tensors.items()
    )


def _bytes(tensor: Tensor) -> bytes:
    return tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes()


def _exactly(file: Readable, size: int, where: str, *, kind: str) -> bytes:
    """Read `size` bytes in parts, so that a false size does not allocate memory."""
    parts = []
    missing = size
    while missing:
        part = file.read(min(missing, 2**20))
        if not part or len(part) > missing:
            _refuse(where, kind)
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _json(text: str | bytes, where: str) -> dict[str, object]:
    def fail(code: str, fault: str) -> NoReturn:
        _refuse(where, f"has a header that is not the JSON that it should be: {fault}", code)

    return json_object(text, where, fail=fail)


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        _refuse(where, "has a header that is not a JSON object")
    return value


def _metadata(value: object, where: str) -> dict[str, str]:
    fields = _object(value, where)
    texts = {name: text for name, text in fields.items() if isinstance(text, str)}
    if len(texts) != len(fields):
        _refuse(where, "has metadata that is not text")
    return texts


def _span(name: str, value: object, where: str, most: int) -> tuple[int, int, Entry]:
    """Return (start, end, entry) of one tensor of the header."""
    field = _object(value, where)
    dtype, shape, offsets = (field.get(key) for key in ("dtype", "shape", "data_offsets"))
    numbers = [*(shape if isinstance(shape, list) else [-1])]
    numbers += offsets if isinstance(offsets, list) and len(offsets) == 2 else [-1]
    whole = all(type(n) is int and 0 <= n <= most for n in numbers) and len(numbers) <= 34
    if len(field) != 3 or not isinstance(dtype, str) or not whole:
        _refuse(where, f"describes the tensor {brief(name)} in a way that makes no sense")
    if dtype not in DTYPES:
        _refuse(where, f"has a tensor {brief(name)} of the unknown type {brief(dtype)}")
    *sides, start, end = numbers
    return start, end, Entry(name=name, dtype=dtype, shape=tuple(sides))


def _contiguous(spans: list[tuple[int, int, Entry]], where: str) -> tuple[Entry, ...]:
    """Return the entries if their bytes follow each other without gap or overlap."""
    expected = 0
    for start, end, entry in spans:
        if start != expected or end - start != entry.size:
            _refuse(where, f"gives the tensor {brief(entry.name)} bytes that do not fit its shape")
        expected = end
    return tuple(entry for _, _, entry in spans)


def _digests(header: TensorHeader, where: str) -> Mapping[str, object] | None:
    """Return the digest that each tensor must have, or None for a file without digests."""
    if DIGESTS not in header.metadata:
        return None
    digests = _json(header.metadata[DIGESTS], where)
    if set(digests) != {entry.name for entry in header.entries}:
        _refuse(where, "has digests for other tensors than it holds")
    return digests


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise BundleError(
        f"{where} cannot be loaded: it {fault}; check that it is the right file, and copy it from "
        "its source again",
        code=code,
    )


def open_weights(
    path: str | os.PathLike[str], *, parameter: str | None = None
) -> io.BufferedReader:
    """Open a regular file of at most 1 GiB for reading."""
    return open_regular(
        path, MAX_FILE, error=BundleError, missing=BundleNotFoundError, parameter=parameter
    )
