"""`FilePixels`: pixels that are decoded from photo files on access."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._photos.decode import (
    DEFAULT_LIMITS,
    DecodeLimits,
    decode_photo,
    decode_upright,
    read_bytes,
)
from shelfvision._photos.threads import in_threads
from shelfvision.errors import PhotoError
from shelfvision.protocols import Image, Images, Resize


class FilePixels:
    """Photo files below one folder, read and decoded on access.

    Parameters
    ----------
    root : str
        The absolute path that `names` are relative to.
    names : ndarray of str
        The path of every photo, with forward slashes.
    image_size : tuple of int
        Height and width of every image.
    resize : {"stretch", "pad", "crop"}
        How photos of another aspect ratio are resized.
    limits : DecodeLimits, optional
        The largest size and memory of a photo.
    workers : int, optional
        The number of threads of `read_many`; by default the number of processors, at most 8. The
        pixels do not depend on it.
    digests : FileDigests, optional
        Recorded digests of the files; by default none.
    """

    __slots__ = ("_digests", "_image_size", "_limits", "_names", "_resize", "_root", "_workers")

    def __init__(
        self,
        root: str,
        names: npt.NDArray[np.object_],
        *,
        image_size: tuple[int, int],
        resize: Resize = "stretch",
        limits: DecodeLimits = DEFAULT_LIMITS,
        workers: int | None = None,
        digests: FileDigests | None = None,
    ) -> None:
        self._root = root
        self._names = names
        self._image_size = image_size
        self._resize = resize
        self._limits = limits
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
        )

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._names)

    def path(self, row: int) -> str:
        """Return the path of photo `row`."""
        return os.path.join(self._root, self._names[row])

    def file_of(self, row: int) -> str:
        """Return the path of photo `row`, which is a whole photo."""
        return self.path(row)

    def read(self, row: int) -> Image:
        """Return photo `row` as upright RGB pixels."""
        return self._decode(row, self._image_size, self._resize)

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        """Return several photos, decoded by a few threads."""
        images = np.empty((len(rows), *self._image_size, 3), dtype=np.uint8)

        def fill(position: int) -> None:
            images[position] = self.read(int(rows[position]))

        in_threads(fill, len(rows), workers=self._workers)
        return images

    def thumbnail(self, row: int, image_size: tuple[int, int]) -> Image:
        """Return photo `row` stretched to another size."""
        return self._decode(row, image_size, "stretch")

    def whole(self, row: int) -> PillowImage.Image:
        """Return photo `row` upright at its original size, in RGB."""
        path = self.path(row)
        data = self._content(row, path, record=False)
        return decode_upright(data, limits=self._limits, where=path)[0]

    def digest(self, row: int) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal.

        The digest is stored with the times and size of the file. It is computed again if those
        change.

        Raises
        ------
        PhotoError
            The photo has changed since its digest was first computed.
        """
        path = self.path(row)
        if self._digests.is_fresh(row, path):
            return self._digests.get(row)
        self._content(row, path, record=True)
        return self._digests.get(row)

    def sizes(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the size of each file in bytes, 0 for a missing file; no file is read."""
        return np.fromiter((_size_of(self.path(row)) for row in rows), np.int64, len(rows))

    def _decode(self, row: int, image_size: tuple[int, int], resize: Resize) -> Image:
        path = self.path(row)
        data = self._content(row, path, record=False)
        return decode_photo(
            data, image_size=image_size, resize=resize, limits=self._limits, where=path
        )

    def _content(self, row: int, path: str, *, record: bool) -> bytes:
        data, status = read_bytes(path, limits=self._limits)
        if record or self._digests.is_known(row):
            self._digests.record(row, path, data, status)
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
        return bool((self._stamp[row] == _stamp_of(status)).all())

    def get(self, row: int) -> str:
        """Return the recorded digest in hexadecimal."""
        return "" if self._sha is None else self._sha[row].tobytes().hex()

    def record(self, row: int, path: str, data: bytes, status: os.stat_result) -> None:
        """Record the digest of the content of a file; refuse content that has changed."""
        stamp = _stamp_of(status)
        if self._stamp is None or self._sha is None:
            self._sha = np.zeros((self._length, 32), dtype=np.uint8)
            self._stamp = np.zeros((self._length, 3), dtype=np.int64)
        known = self.is_known(row)
        if known and tuple(self._stamp[row].tolist()) == stamp:
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


def _stamp_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return numbers that change when the content of a file changes; the first is never 0.

    Any program may set the modification time. Only the operating system sets the time of the last
    status change (ctime); on Windows this is the creation time.
    """
    return status.st_mtime_ns | 1, status.st_size, status.st_ctime_ns
