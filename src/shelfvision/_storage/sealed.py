"""Files of tensors and a manifest with digests: written atomically, verified when read."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import BinaryIO, Generic, TypeAlias, TypeVar, cast

from shelfvision._storage import RemoteFile, as_location, atomic_writer, read_bounded
from shelfvision._storage.safetensors import (
    MAX_FILE,
    Tensor,
    TensorHeader,
    open_weights,
    read_tensor_header,
    read_tensors,
    write,
)
from shelfvision._urls import is_url, shown_url
from shelfvision.errors import BundleError, BundleNotFoundError, InvalidParameterError
from shelfvision.protocols import Location, StorageOptions

SEAL = "digest"
"""Metadata entry with the digest of the manifest and of the tensors' digests."""

Target: TypeAlias = Location | RemoteFile | BinaryIO
"""A path, a URL, or a binary file that is open."""
Place: TypeAlias = str | RemoteFile | BinaryIO
"""A checked `Target`."""

_Manifest = TypeVar("_Manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed(Generic[_Manifest]):
    """The content of a complete file."""

    manifest: _Manifest
    """The checked manifest."""
    header: TensorHeader
    """The checked header with the tensors."""
    tensors: dict[str, Tensor]
    """The tensors by name."""
    sha256: str
    """The SHA-256 of the whole file."""


def seal(manifest: str, digests: str) -> str:
    """Return the digest of the manifest and of the tensors' digests."""
    hasher = hashlib.sha256(len(manifest).to_bytes(8, "little"))
    hasher.update((manifest + digests).encode("ascii", "backslashreplace"))
    return hasher.hexdigest()


def write_sealed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], target: Target) -> str:
    """Write a file and return its SHA-256; a path is replaced atomically, or not at all."""
    place = as_place(target, writes=True)
    if isinstance(place, str | RemoteFile):
        with atomic_writer(place) as file:
            return _written(file, tensors, metadata)
    return _written(place, tensors, metadata)


def read_sealed(
    source: Target,
    check: Callable[[TensorHeader, str], _Manifest],
    *,
    kind: str,
    expected_sha256: str | None,
) -> Sealed[_Manifest]:
    """Return the content of a file; read no tensor before `check` has accepted the header."""
    expected = trusted_digest(expected_sha256)
    place = as_place(source)
    where = where_is(place)
    if isinstance(place, RemoteFile):
        data = read_bounded(
            place, MAX_FILE, error=BundleError, missing=BundleNotFoundError, parameter="path"
        )
        found = _read(_Hashed(io.BytesIO(data), where), check, kind=kind, size=len(data))
    elif isinstance(place, str):
        with open_weights(place, parameter="path") as file:
            size = os.fstat(file.fileno()).st_size
            found = _read(_Hashed(file, where), check, kind=kind, size=size)
    else:
        found = _read(_Hashed(place, where), check, kind=kind, size=None)
    require_digest(found.sha256, expected, where)
    return found


def _written(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    hashed = _Hashed(file)
    write(hashed, tensors, metadata)
    return hashed.digest


def _read(
    file: _Hashed, check: Callable[[TensorHeader, str], _Manifest], *, kind: str, size: int | None
) -> Sealed[_Manifest]:
    where = file.where
    header = read_tensor_header(file, where, kind=kind)
    manifest = check(header, where)
    if size is not None and size != header.file_size:
        raise BundleError(
            f"{where} must have {header.file_size} bytes according to its header, got {size}; it "
            "was truncated or extended, so copy it again from its source",
            code="damaged",
        )
    tensors = read_tensors(file, header, where)
    return Sealed(manifest=manifest, header=header, tensors=tensors, sha256=file.digest)


class _Hashed:
    """A binary file that computes the digest of all bytes that are read or written."""

    def __init__(self, file: BinaryIO, where: str = "the given file") -> None:
        self.where = where
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; an empty result means the end."""
        try:
            data: object = self._file.read(size)
        except OSError as error:
            reason = error.strerror or error
            raise BundleError(
                f"{self.where} cannot be read: {reason}; check the disk", code="unreadable"
            ) from error
        if not isinstance(data, bytes):
            raise InvalidParameterError(
                f"path must be a path or a binary file, but {self.where} returned "
                f"{type(data).__name__}; open it in binary mode",
                code="wrong-type",
                parameter="path",
            )
        self._hasher.update(data)
        return data

    def write(self, data: bytes, /) -> None:
        """Write all of `data`."""
        self._hasher.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        """The SHA-256 of all bytes so far, 64 hexadecimal digits."""
        return self._hasher.hexdigest()


def checked_digest(value: object, name: str = "expected_sha256") -> str:
    """Return a SHA-256 in lower case; refuse anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise InvalidParameterError(
            f"{name} must be 64 hexadecimal digits, got {value!r}; sha256sum prints them",
            code="wrong-type",
            parameter=name,
        )
    return value.lower()


def trusted_digest(value: object) -> str | None:
    """Return the checked SHA-256 that a file must have; None accepts any file."""
    return None if value is None else checked_digest(value)


def require_digest(found: str, expected: str | None, where: str) -> None:
    """Refuse a file that does not have the trusted SHA-256."""
    if expected is not None and found != expected:
        raise BundleError(
            f"{where} must have the SHA-256 {expected} of expected_sha256, got {found}; it is "
            "another file than the one you trust",
            code="wrong-digest",
            parameter="expected_sha256",
        )


def where_is(source: Target) -> str:
    """Return the name of a file in messages."""
    named = isinstance(source, str | os.PathLike | RemoteFile)
    return repr(shown_target(source)) if named or is_url(source) else "the given file"


def shown_target(source: Target) -> str | None:
    """Return the path or the URL of a file, without credentials; None for an open file."""
    if isinstance(source, RemoteFile) or is_url(source):
        return shown_url(source.url if isinstance(source, RemoteFile) else str(source))
    return os.fsdecode(source) if isinstance(source, str | os.PathLike) else None


def as_place(
    place: Target,
    *,
    storage_options: StorageOptions | EllipsisType | None = ...,
    writes: bool = False,
) -> Place:
    """Return a checked path, URL or binary file; refuse anything else."""
    if isinstance(place, str | os.PathLike | RemoteFile) or is_url(place):
        named = cast("Location | RemoteFile", place)
        return as_location(named, storage_options=storage_options, writes=writes)
    _require_binary(place, "write" if writes else "read")
    return cast("BinaryIO", place)


def _require_binary(place: object, method: str) -> None:
    """Refuse a value that is not a binary file."""
    if isinstance(place, io.TextIOBase) or not hasattr(place, method):
        raise InvalidParameterError(
            f"path must be a path or an open binary file, not {type(place).__name__}; wrap bytes "
            "in io.BytesIO, and open files in binary mode",
            code="wrong-type",
            parameter="path",
        )
