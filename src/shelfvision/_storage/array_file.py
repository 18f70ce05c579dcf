"""A large array in a verified file, whose rows are read on access.

Rows are read by position, not by memory mapping: if a mapped file is truncated, the process
crashes (``SIGBUS``), while a short read is an ordinary error. The folder is not trusted: links and
other files that are not regular are not opened. If anything differs from the expected content, the
file is ignored and computed again.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> import numpy as np
>>> from shelfvision._storage.array_file import ArrayFile
>>> file = ArrayFile(
...     path=Path(tempfile.mkdtemp(), "numbers.npy"), scheme="numbers-1", key="abc",
...     shape=(3, 2), dtype="<f2", block=2,
... )
>>> file.opened() is None
True
>>> stored = file.write(lambda start, stop: np.ones((stop - start, 2), "<f2"))
>>> stored[np.array([2, 0])].shape
(2, 2)
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shelfvision._storage import open_own, read_bounded, write_atomically
from shelfvision._storage.blocks import write_blocks
from shelfvision._storage.json_values import json_object
from shelfvision.errors import DataError, ShelfVisionError

_MAX_NOTE = 65536
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFile:
    """A ``.npy`` file and a note file with its digest.

    The note is written last. Without a matching note the array file is ignored.
    """

    path: Path
    """The file; its name ends in ``.npy``."""
    scheme: str
    """The kind and version of the content."""
    key: str
    """A digest of the inputs of the content."""
    shape: tuple[int, ...]
    """The shape of the array; rows are along its first axis."""
    dtype: str
    """The dtype, as a NumPy string such as ``"<f2"``."""
    block: int
    """The number of rows between two writes."""

    def opened(self) -> StoredArray | None:
        """Return the array, or None if no complete file exists."""
        try:
            note = read_bounded(self._note, _MAX_NOTE, follow=False)
            facts = json_object(note, repr(str(self._note)))
            stored = self._stored()
        except (OSError, ShelfVisionError):
            return None
        checksum = facts.get("sha256")
        if {**facts, "sha256": ""} != self._facts("") or not isinstance(checksum, str):
            return None
        return stored if stored.has_checksum(checksum) else None

    def write(self, read: Callable[[int, int], npt.NDArray[np.generic]]) -> StoredArray:
        """Write the rows that ``read(start, stop)`` returns, and open the array.

        After an interruption, writing resumes; `read` must return the same rows again.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        starts = range(0, self.shape[0], self.block)
        row = math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize
        sizes = [row * (min(start + self.block, self.shape[0]) - start) for start in starts]

        def block(number: int) -> bytes:
            start = starts[number]
            return read(start, min(start + self.block, self.shape[0])).tobytes()

        for place in (self.path, self._note):
            # Remove an empty folder at this path; the writer reports a folder with files.
            with suppress(OSError, ValueError):
                place.rmdir()
        checksum = write_blocks(self.path, self._header(), sizes, block)
        note = json.dumps(self._facts(checksum), indent=2)
        write_atomically(self._note, note.encode(), follow=False)
        return self._stored()

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".json")

    def _header(self) -> bytes:
        header = io.BytesIO()
        facts = {"descr": self.dtype, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(header, facts)
        return header.getvalue()

    def _stored(self) -> StoredArray:
        return StoredArray(self.path, self._header(), self.shape, self.dtype)

    def _facts(self, checksum: str) -> dict[str, object]:
        return {
            "scheme": self.scheme,
            "key": self.key,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "sha256": checksum,
        }


class StoredArray:
    """An array in a file, whose rows are read on access; a pickle contains the path only.

    Parameters
    ----------
    path : Path
        The file.
    header : bytes
        The expected header.
    shape : tuple of int
        The shape of the array, which fills the rest of the file.
    dtype : str
        The dtype of the array.

    Raises
    ------
    OSError
        The file cannot be opened, or its header or size differs.
    """

    __slots__ = ("__weakref__", "_descriptor", "_header", "_lock", "_path", "dtype", "shape")

    def __init__(self, path: Path, header: bytes, shape: tuple[int, ...], dtype: str) -> None:
        self._path = path.absolute()
        self._header = header
        self._lock = threading.Lock()
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._descriptor = open_own(self._path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        size = len(header) + math.prod(shape) * self.dtype.itemsize
        start = bytearray(len(header))
        whole = os.fstat(self._descriptor).st_size == size and self._fill(memoryview(start), 0)
        if not whole or start != header:
            raise OSError(f"{str(self._path)!r} has another header or size than expected")

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(
        self, rows: int | npt.NDArray[np.integer] | tuple[npt.NDArray[np.integer], ...]
    ) -> npt.NDArray[np.generic]:
        """Return one row or several; with an index array for each leading axis, parts of rows.

        Raises
        ------
        DataError
            The file was truncated or can no longer be read.
        ValueError
            A row does not exist.
        """
        places = rows if isinstance(rows, tuple) else (rows,)
        depth = len(places)
        flat = np.ravel_multi_index(
            tuple(np.asarray(place, dtype=np.int64) for place in places), self.shape[:depth]
        )
        found = np.empty((*np.shape(flat), *self.shape[depth:]), dtype=self.dtype)
        self._read(np.atleast_1d(flat), found)
        return found

    def has_checksum(self, sha256: str) -> bool:
        """Return whether the array bytes have this SHA-256."""
        checksum, place = hashlib.sha256(), len(self._header)
        left = math.prod(self.shape) * self.dtype.itemsize
        chunk = memoryview(bytearray(_CHUNK))
        while left:
            part = chunk[: min(left, _CHUNK)]
            if not self._fill(part, place):
                return False
            checksum.update(part)
            place += len(part)
            left -= len(part)
        return checksum.hexdigest() == sha256

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process opens the file again."""
        return StoredArray, (self._path, self._header, self.shape, self.dtype.str)

    def _read(self, numbers: npt.NDArray[np.int64], found: npt.NDArray[np.generic]) -> None:
        """Read parts of equal size; read adjacent parts at once."""
        if not found.nbytes:
            return
        size = found.nbytes // len(numbers)
        target = found.reshape(-1).view(np.uint8).data
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
        for first, last in zip((0, *breaks), (*breaks, len(numbers)), strict=True):
            place = len(self._header) + int(numbers[first]) * size
            if not self._fill(target[int(first) * size : int(last) * size], place):
                raise DataError(
                    f"{str(self._path)!r} was truncated while it was in use; delete it and start "
                    "again, so that it is computed again",
                    code="damaged",
                )

    def _fill(self, target: memoryview, place: int) -> bool:
        """Read the file from a position until the target is full; return whether it is full."""
        done = 0
        while done < len(target):
            try:
                count = self._read_at(target[done:], place + done)
            except OSError:
                return False
            if not count:
                return False
            done += count
        return True

    def _read_at(self, target: memoryview, place: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [target], place)
        with self._lock:
            os.lseek(self._descriptor, place, os.SEEK_SET)
            data = os.read(self._descriptor, len(target))
        target[: len(data)] = data
        return len(data)
