"""`check_pixel_source` tells an author, in one sentence each, how a source breaks its contract."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._photos.sources import ArrayPixels, TakenPixels
from shelfvision.errors import DataError
from shelfvision.protocols import Image, Images
from shelfvision.testing import check_pixel_source
from support import refuses


class Shades:
    """A source that keeps the contract."""

    def __init__(self, n: int = 5) -> None:
        self.n = n
        self.image_size = (4, 6)

    def __len__(self) -> int:
        return self.n

    def read(self, row: int) -> Image:
        return np.full((4, 6, 3), 2 * row, np.uint8)

    def digest(self, row: int) -> str:
        return f"{row:04x}"


class Many(Shades):
    """A source that reads many rows at once."""

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        images = [self.read(int(row)) for row in rows]
        return np.array(images, np.uint8).reshape(-1, 4, 6, 3)


@pytest.mark.parametrize("source", [Shades(), Shades(1), Shades(100), Many()])
def test_a_good_source_passes(source: Shades) -> None:
    check_pixel_source(source)


def test_arrays_and_views_of_them_pass() -> None:
    images = np.arange(5 * 72, dtype=np.uint16).astype(np.uint8).reshape(5, 4, 6, 3)
    check_pixel_source(ArrayPixels(images))
    check_pixel_source(TakenPixels(ArrayPixels(images), np.array([4, 0, 2])))


class OddSize(Shades):
    def __init__(self) -> None:
        super().__init__()
        self.image_size = [4, 6]  # type: ignore[assignment]  # wrong on purpose


class Fails(Shades):
    def read(self, row: int) -> Image:
        if row == 3:
            raise KeyError(row)
        return super().read(row)


class FailsLater(Shades):
    """A source whose file is gone after its rows have been read once."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 7

    def read(self, row: int) -> Image:
        self.left -= 1
        if self.left < 0:
            raise OSError("the file\nis gone")
        return super().read(row)


class NoLength(Shades):
    def __len__(self) -> int:
        raise RuntimeError("not open")


class NoSize:
    """A source whose size cannot be found out."""

    digest = Shades.digest
    read = Shades.read

    def __len__(self) -> int:
        return 5

    @property
    def image_size(self) -> tuple[int, int]:
        raise OSError("not open")


class Gray(Shades):
    def read(self, row: int) -> Image:
        return np.asarray(super().read(row)[:, :, 0])


class Float(Shades):
    def read(self, row: int) -> Image:
        return cast("Image", super().read(row) / 255)


class Turned(Shades):
    def read(self, row: int) -> Image:
        return super().read(row).swapaxes(0, 1)


class Listed(Shades):
    def read(self, row: int) -> Image:
        return cast("Image", super().read(row).tolist())


class ReadOnly(Shades):
    def read(self, row: int) -> Image:
        image = super().read(row)
        image.flags.writeable = False
        return image


class Shared(Shades):
    def __init__(self) -> None:
        super().__init__()
        self.images = np.arange(5 * 72, dtype=np.uint16).astype(np.uint8).reshape(5, 4, 6, 3)

    def read(self, row: int) -> Image:
        return cast("Image", self.images[row])


class Counting(Shades):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def read(self, row: int) -> Image:
        self.calls += 1
        return np.full((4, 6, 3), self.calls % 256, np.uint8)


class Drawing(Shades):
    def read(self, row: int) -> Image:
        return np.random.randint(0, 256, (4, 6, 3)).astype(np.uint8)


class OneBuffer(Shades):
    """Reads into a buffer that threads share."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.zeros((4, 6, 3), np.uint8)

    def read(self, row: int) -> Image:
        self.buffer[:] = 10 * row
        time.sleep(0.001)
        return self.buffer.copy()


class Locked(Shades):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Forgets(Shades):
    def __getstate__(self) -> dict[str, Any]:
        return {"n": self.n, "image_size": self.image_size, "shift": 1}

    def read(self, row: int) -> Image:
        return super().read(row + getattr(self, "shift", 0))


class Shrinks(Shades):
    def __reduce__(self) -> tuple[Any, ...]:
        return Shades, (self.n - 1,)


class NumberDigest(Shades):
    def digest(self, row: int) -> str:
        return row  # type: ignore[return-value]  # wrong on purpose


class WordDigest(Shades):
    def digest(self, row: int) -> str:
        return f"row {row}"


class OneDigest(Shades):
    def digest(self, row: int) -> str:
        return "00"


class NewDigest(Shades):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def digest(self, row: int) -> str:
        self.calls += 1
        return f"{self.calls:04x}"


class FailingDigest(Shades):
    def digest(self, row: int) -> str:
        raise OSError("gone")


class SortedMany(Many):
    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        return super().read_many(sorted(int(row) for row in rows))


class DistinctMany(Many):
    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        return super().read_many(list(dict.fromkeys(int(row) for row in rows)))


class FloatMany(Many):
    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        return cast("Images", super().read_many(rows).astype(np.float32))


class StackingMany(Many):
    """Fails for no rows at all."""

    def read_many(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Images:
        return np.stack([self.read(int(row)) for row in rows])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Shades(0), "it has no rows"),
        (OddSize(), "image_size must be a tuple"),
        (Fails(), "read fails on row 3 with KeyError"),
        (FailsLater(), "it fails with OSError: the file is gone"),
        (NoLength(), "it fails with RuntimeError: not open"),
        (NoSize(), "it fails with OSError: not open"),
        (Gray(), "not uint8 of shape (4, 6) (row 0)"),
        (Float(), "not float64"),
        (Turned(), "of shape (6, 4, 3)"),
        (Listed(), "not list"),
        (ReadOnly(), "may write into"),
        (Shared(), "an array that the source keeps"),
        (Counting(), "read again or in another order"),
        (Drawing(), "read again or in another order"),
        (OneBuffer(), "from several threads"),
        (Locked(), "cannot be pickled"),
        (Forgets(), "pickled and loaded again"),
        (Shrinks(), "pickled and loaded again"),
        (NumberDigest(), "hexadecimal text, not 0"),
        (WordDigest(), "hexadecimal text, not 'row 0'"),
        (OneDigest(), "rows 0 and 1 have different pixels"),
        (NewDigest(), "changes from call to call"),
        (FailingDigest(), "digest fails with OSError: gone"),
        (SortedMany(), "in the order of the rows"),
        (DistinctMany(), "must return uint8 of shape"),
        (FloatMany(), "must return uint8 of shape"),
        (StackingMany(), "read_many fails on 0 rows"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Shades) else "",
)
def test_every_fault_is_told(source: Any, words: str) -> None:
    with refuses(DataError, "contract", "source") as caught:
        check_pixel_source(source)
    assert words in str(caught.value)


def test_one_fault_is_told_once() -> None:
    with refuses(DataError, "contract", "source") as caught:
        check_pixel_source(Locked())
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("thing", [Shades, np.zeros((2, 4, 6, 3), np.uint8), None])
def test_what_is_no_source_is_refused(thing: Any) -> None:
    with refuses(DataError, "wrong-type", "source"):
        check_pixel_source(thing)
