"""`FilePixels`: pixels that are decoded from photo files on access."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._photos.decode import (
    DEFAULT_LIMITS,
    DecodeLimits,
    decode_photo,
    decode_upright,
    read_bytes,
    read_remote,
)
from shelfvision._photos.threads import in_threads
from shelfvision._storage import RemoteFile
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, Images, Resize

Stamp: TypeAlias = tuple[int, int, int]
"""Numbers that change when the content of a file changes."""

REMOTE_WORKERS = 16
"""The number of threads that read remote files."""
_REMOTE_STAMP = (1, 0, 0)
"""The stamp of every remote file, whose content is compared instead."""


class FilePixels:
    """Photo files below one folder, of this computer or remote, read and decoded on access.

    Parameters
    ----------
    root : str or RemoteFile
        The absolute path, or the URL, that `names` are relative to.
    names : ndarray of str
        The path of every photo, with forward slashes.
    image_size : tuple of int
        Height and width of every image.
    resize : {"stretch", "pad", "crop"}
        How photos of another aspect ratio are resized.
    limits : DecodeLimits, optional
        The largest size and memory of a photo.
    workers : int, optional
        The number of threads of `read_many`; by default the number of processors, at most 8, and
        for remote files 16, which wait for the network. The pixels do not depend on it.
    digests : FileDigests, optional
        Recorded digests of the files; by default none.
    sizes : ndarray of int64, optional
        The size of each remote file in bytes, if a listing has it.
    """

    __slots__ = (
        *("_digests", "_image_size", "_limits", "_names", "_resize", "_root", "_sizes", "_workers"),
    )

    def __init__(
        self,
        root: str | RemoteFile,
        names: npt.NDArray[np.object_],
        *,
        image_size: tuple[int, int],
        resize: Resize = "stretch",
        limits: DecodeLimits = DEFAULT_LIMITS,
        workers: int | None = None,
        digests: FileDigests | None = None,
        sizes: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._root = root
        self._names = names
        self._image_size = image_size
        self._resize = resize
        self._limits = limits
        self._sizes = sizes
        self._workers = workers
        self._digests = FileDigests(len(names)) if digests is None else digests

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._image_size

    @property
    def resize(self) -> Resize:
        """How photos of another aspect ratio are resized."""
        return self._resize

    @property
    def limits(self) -> DecodeLimits:
        """The largest size and memory of a photo."""
        return self._limits

    @property
    def has_files(self) -> bool:
        """Whether photos can be read from their files at another size: always True."""
        return True

    def resized(self, image_size: tuple[int, int], resize: Resize) -> FilePixels:
        """Return the same files at another size; the recorded digests are shared."""
        return FilePixels(
            self._root,
            self._names,
            image_size=image_size,
            resize=resize,
            limits=self._limits,
            workers=self._workers,
            digests=self._digests,
            sizes=self._sizes,
        )

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._names)

    @property
    def workers(self) -> int | None:
        """The number of threads that read rows; None for the default."""
        remote = isinstance(self._root, RemoteFile) and self._workers is None
        return REMOTE_WORKERS if remote else self._workers

    def path(self, row: int) -> str:
        """Return the path of photo `row`, or its URL without credentials."""
        if isinstance(self._root, RemoteFile):
            return self._root.child(self._names[row]).shown
        return os.path.join(self._root, self._names[row])

    def file_of(self, row: int) -> str | None:
        """Return the path of photo `row`, which is a whole photo; None for a remote file."""
        return None if isinstance(self._root, RemoteFile) else self.path(row)

    def content(self, row: int) -> bytes:
        """Return the bytes of the file of photo `row`."""
        return self._content(row, record=False)

    def read(self, row: int) -> Image:
        """Return photo `row` as upright RGB pixels."""
        return self._decode(row, self._image_size, self._resize)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several photos, decoded by a few threads."""
        images = np.empty((len(rows), *self._image_size, 3), dtype=np.uint8)

        def fill(position: int) -> None:
            images[position] = self.read(int(rows[position]))

        in_threads(fill, len(rows), workers=self.workers)
        return images

    def thumbnail(self, row: int, image_size: tuple[int, int]) -> Image:
        """Return photo `row` stretched to another size."""
        return self._decode(row, image_size, "stretch")

    def whole(self, row: int) -> PillowImage.Image:
        """Return photo `row` upright at its original size, in RGB."""
        data = self._content(row, record=False)
        return decode_upright(data, limits=self._limits, where=self.path(row))[0]

    def digest(self, row: int) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal.

        The digest is stored with the times and size of the file. It is computed again if those
        change. The content of a remote file is compared with its digest whenever it is read.

        Raises
        ------
        PhotoError
            The photo has changed since its digest was first computed.
        """
        if not self._is_recorded(row):
            self._content(row, record=True)
        return self._digests.get(row)

    def _is_recorded(self, row: int) -> bool:
        if isinstance(self._root, RemoteFile):
            return self._digests.is_known(row)
        return self._digests.is_fresh(row, self.path(row))

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the size of each file in bytes, 0 for a missing file; no file is read.

        None means that the sizes of remote files are unknown.
        """
        if isinstance(self._root, RemoteFile):
            return None if self._sizes is None else self._sizes[rows]
        return np.fromiter((_size_of(self.path(row)) for row in rows), np.int64, len(rows))

    def _decode(self, row: int, image_size: tuple[int, int], resize: Resize) -> Image:
        data = self._content(row, record=False)
        return decode_photo(
            data, image_size=image_size, resize=resize, limits=self._limits, where=self.path(row)
        )

    def _content(self, row: int, *, record: bool) -> bytes:
        path = self.path(row)
        if isinstance(self._root, RemoteFile):
            data = read_remote(self._root.child(self._names[row]), limits=self._limits)
            stamp = _REMOTE_STAMP
        else:
            data, status = read_bytes(path, limits=self._limits)
            stamp = stamp_of(status)
        if record or self._digests.is_known(row):
            self._digests.record(row, path, data, stamp)
        return data


class FileDigests:
    """The SHA-256 of each file with its times and size at that moment, in two arrays."""

    __slots__ = ("_length", "_sha", "_stamp")

    def __init__(self, length: int) -> None:
        self._length = length
        self._sha: npt.NDArray[np.uint8] | None = None
        self._stamp: npt.NDArray[np.int64] | None = None

    def is_known(self, row: int) -> bool:
        """Return whether the digest of a file is recorded."""
        return self._stamp is not None and self._stamp[row, 0] != 0

    def is_fresh(self, row: int, path: str) -> bool:
        """Return whether a digest is recorded and the file has not changed since."""
        if self._stamp is None or not self.is_known(row):
            return False
        try:
            status = os.stat(path)
        except OSError:
            return False
        return bool((self._stamp[row] == stamp_of(status)).all())

    def get(self, row: int) -> str:
        """Return the recorded digest in hexadecimal."""
        return "" if self._sha is None else self._sha[row].tobytes().hex()

    def record(self, row: int, path: str, data: bytes, stamp: Stamp) -> None:
        """Record the digest of the content of a file; refuse content that has changed."""
        if self._stamp is None or self._sha is None:
            self._sha = np.zeros((self._length, 32), dtype=np.uint8)
            self._stamp = np.zeros((self._length, 3), dtype=np.int64)
        known = self.is_known(row)
        if known and stamp != _REMOTE_STAMP and tuple(self._stamp[row].tolist()) == stamp:
            return
        sha = hashlib.sha256(data).digest()
        if known and sha != self._sha[row].tobytes():
            raise PhotoError(
                f"{path!r} changed after the dataset had recorded its content; make the dataset "
                "again from its folder or manifest",
                path=path,
                code="changed",
            )
        self._sha[row] = np.frombuffer(sha, dtype=np.uint8)
        self._stamp[row] = stamp


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def stamp_of(status: os.stat_result) -> Stamp:
    """Return numbers that change when the content of a file changes; the first is never 0.

    Any program may set the modification time. Only the operating system sets the time of the last
    status change (ctime); on Windows this is the creation time.
    """
    return status.st_mtime_ns | 1, status.st_size, status.st_ctime_ns
