"""A large array in a file of its own, mapped into memory, and known to be whole."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shelfvision._files import write_atomically
from shelfvision.data._blocks import write_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFile:
    """A ``.npy`` file and, beside it, a note of what it holds.

    The note is written last and has the digest of the numbers: without it, or where anything
    differs, the file counts as not there.
    """

    path: Path
    """The file; its name ends in ``.npy``."""
    scheme: str
    """What kind of content it is, and in which version."""
    key: str
    """What the content was made of, as a digest."""
    shape: tuple[int, ...]
    """The shape of the array; rows are along its first axis."""
    dtype: str
    """The type of its numbers, in numpy's words: ``"<f2"``."""
    block: int
    """Rows between two writes."""

    def opened(self) -> npt.NDArray[np.generic] | None:
        """Return the array, mapped into memory, or None where there is no whole one."""
        try:
            facts = json.loads(self._note.read_bytes())
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        if not isinstance(facts, dict) or {**facts, "sha256": ""} != self._facts(""):
            return None
        if array.shape != self.shape or array.dtype != np.dtype(self.dtype):
            return None
        checksum = hashlib.sha256()
        for start in range(0, len(array), self.block):
            checksum.update(np.ascontiguousarray(array[start : start + self.block]).data)
        return array if checksum.hexdigest() == facts["sha256"] else None

    def write(self, read: Callable[[int, int], npt.NDArray[np.generic]]) -> None:
        """Write the array, whose rows from one number to another `read` gives.

        Where writing was cut off, it goes on; `read` has to give the same as before.
        """
        header = io.BytesIO()
        facts = {"descr": self.dtype, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(header, facts)
        starts = range(0, self.shape[0], self.block)
        row = math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize
        sizes = [row * (min(start + self.block, self.shape[0]) - start) for start in starts]

        def block(number: int) -> bytes:
            start = starts[number]
            return read(start, min(start + self.block, self.shape[0])).tobytes()

        checksum = write_blocks(self.path, header.getvalue(), sizes, block)
        note = json.dumps(self._facts(checksum), indent=2)
        write_atomically(self._note, note.encode())

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".json")

    def _facts(self, checksum: str) -> dict[str, object]:
        return {
            "scheme": self.scheme,
            "key": self.key,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "sha256": checksum,
        }
