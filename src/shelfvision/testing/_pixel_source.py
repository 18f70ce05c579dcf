"""`check_pixel_source`: the contract of `shelfvision.protocols.PixelSource`."""

from __future__ import annotations

import pickle
import string
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from shelfvision.errors import DataError
from shelfvision.protocols import BatchPixelSource, Image, PixelSource
from shelfvision.testing._faults import described_error, listed_faults
from shelfvision.testing._global_generators import generators_kept

_MOST_ROWS = 16
"""The maximum number of rows that are read, evenly spaced."""
_DUTIES = ("image_size", "__len__", "read", "digest")


def check_pixel_source(source: PixelSource) -> None:
    """Check that a source fulfills the contract of `shelfvision.protocols.PixelSource`.

    Up to 16 rows are read, several times each.

    Parameters
    ----------
    source : PixelSource
        A source with at least one row.

    Raises
    ------
    DataError
        The source breaks its contract. The message has one line per fault. Faults are:
        `image_size` is not two integers; `read` fails, or does not return a new writeable
        ``uint8`` array of shape (height, width, 3); a row has other pixels when it is read again,
        in another order or in several threads; the source cannot be pickled, or its copy has other
        pixels or digests; a digest is not hexadecimal, changes, or is the same for different
        pixels; or the result of `read_many`, if it exists, differs from `read`.

    Examples
    --------
    >>> import numpy as np
    >>> import shelfvision as shv
    >>> images = np.zeros((2, 4, 6, 3), np.uint8)
    >>> images[1] = 40
    >>> dataset = shv.Dataset.from_arrays(images, ["milk", "juice"])
    >>> shv.testing.check_pixel_source(dataset.table.source)

    An array is not a source:

    >>> shv.testing.check_pixel_source(images)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shelfvision.errors.DataError: source must be a PixelSource, got ...
    """
    missing = [duty for duty in _DUTIES if not _has(source, duty)]
    if missing or isinstance(source, type):
        kind = "a class" if isinstance(source, type) else f"without {', '.join(missing)}"
        raise DataError(
            f"source must be a PixelSource, got {source!r:.100}, which is {kind}; see "
            "shelfvision.protocols.PixelSource",
            code="wrong-type",
            parameter="source",
        )
    with generators_kept():
        faults = listed_faults(_all_faults(source))
    if faults:
        raise DataError(
            f"source {type(source).__name__} breaks its contract:{faults}",
            code="contract",
            parameter="source",
        )


def _has(source: object, duty: str) -> bool:
    """Return whether a source has a member; a property that raises an error counts as one."""
    try:
        return hasattr(source, duty)
    except Exception:  # noqa: BLE001  (somebody else's code may raise anything)
        return True


def _all_faults(source: PixelSource) -> Iterator[str]:
    """Yield the faults; the first error of a source that no check expects is the last of them."""
    try:
        yield from _faults(source)
    except Exception as error:  # noqa: BLE001  (somebody else's code may raise anything)
        yield f"it fails with {described_error(error)}"


def _faults(source: PixelSource) -> Iterator[str]:
    n = len(source)
    if n == 0:
        yield "it has no rows, so nothing can be checked; pass one with a few rows"
        return
    basic = list(_size_faults(source))
    rows = np.unique(np.linspace(0, n - 1, min(n, _MOST_ROWS)).astype(int)).tolist()
    if not basic:
        basic = [fault for row in rows for fault in _image_faults(source, row)][:1]
    yield from basic
    if basic:
        # A source that fails on one read fails on all rows, and one fault is reported.
        return
    pixels = {row: source.read(row).copy() for row in rows}
    yield from _repeat_faults(source, pixels)
    yield from _writing_faults(source, pixels)
    yield from _thread_faults(source, pixels)
    yield from _digest_faults(source, pixels)
    yield from _batch_faults(source, pixels)
    yield from _pickle_faults(source, pixels)


def _size_faults(source: PixelSource) -> Iterator[str]:
    size: object = source.image_size
    whole = isinstance(size, tuple) and all(type(side) is int and side > 0 for side in size)
    if not whole or not isinstance(size, tuple) or len(size) != 2:
        yield f"image_size must be a tuple of height and width, two int above 0, not {size!r:.60}"


def _image_faults(source: PixelSource, row: int) -> Iterator[str]:
    try:
        image: object = source.read(row)
    except Exception as error:  # noqa: BLE001  (user code may raise any error)
        yield f"read fails on row {row} with {described_error(error)}"
        return
    wanted = (*source.image_size, 3)
    if not isinstance(image, np.ndarray):
        yield f"read must return a numpy array, not {type(image).__name__}"
    elif image.dtype != np.uint8 or image.shape != wanted:
        yield (
            f"read must return uint8 of shape {wanted}, as image_size says, not {image.dtype} of "
            f"shape {image.shape} (row {row})"
        )
    elif not image.flags.writeable:
        yield "read must return an array that the caller may write into; return a copy"


def _equal(source: PixelSource, row: int, wanted: Image) -> bool:
    """Return whether a row has the same pixels as before; an error counts as a difference."""
    try:
        return np.array_equal(source.read(row), wanted)
    except Exception:  # noqa: BLE001  (user code may raise any error)
        return False


def _repeat_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    orders = (list(pixels), list(reversed(pixels)), [row for row in pixels for _ in range(2)])
    if not all(_equal(source, row, pixels[row]) for order in orders for row in order):
        yield (
            "a row has other pixels when it is read again or in another order; read must depend "
            "on the row alone"
        )


def _writing_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    row = next(iter(pixels))
    image = source.read(row)
    image ^= 255
    if not _equal(source, row, pixels[row]):
        yield "read returns an array that the source keeps, so that writing into it changes a row"


def _thread_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    rows = list(pixels) * (1 + 64 // len(pixels))
    with ThreadPoolExecutor(4) as pool:
        same = list(pool.map(lambda row: _equal(source, row, pixels[row]), rows))
    if not all(same):
        yield (
            "read from several threads at once a row has other pixels; keep nothing between calls "
            "that threads share"
        )


def _digest_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    try:
        digests = {row: source.digest(row) for row in pixels}
        again = {row: source.digest(row) for row in reversed(pixels)}
    except Exception as error:  # noqa: BLE001  (user code may raise any error)
        yield f"digest fails with {described_error(error)}"
        return
    odd = [digest for digest in digests.values() if not _is_hexadecimal(digest)]
    if odd:
        yield f"digest must return hexadecimal text, not {odd[0]!r:.60}"
        return
    if digests != again:
        yield "the digest of a row changes from call to call; make it of what read depends on"
    first: dict[str, int] = {}
    for row, digest in digests.items():
        other = first.setdefault(digest, row)
        if not np.array_equal(pixels[row], pixels[other]):
            yield f"rows {other} and {row} have different pixels, but the same digest"
            return


def _is_hexadecimal(digest: object) -> bool:
    return isinstance(digest, str) and digest != "" and set(digest) <= set(string.hexdigits)


def _batch_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    if not isinstance(source, BatchPixelSource):
        return
    rows = [*reversed(pixels), *list(pixels)[:1]]
    for given in (rows, np.array(rows, np.int64), rows[:1], []):
        fault = _batch_fault(source, given, [pixels[int(row)] for row in given])
        if fault is not None:
            yield fault
            return


def _batch_fault(
    source: BatchPixelSource,
    rows: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]],
    wanted: Sequence[Image],
) -> str | None:
    try:
        images: object = source.read_many(rows)
    except Exception as error:  # noqa: BLE001  (user code may raise any error)
        return f"read_many fails on {len(rows)} rows with {described_error(error)}"
    shape = (len(rows), *source.image_size, 3)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape != shape:
        return f"read_many must return uint8 of shape {shape} for {len(rows)} rows"
    if not all(np.array_equal(image, one) for image, one in zip(images, wanted, strict=True)):
        return "read_many must equal read row by row, in the order of the rows"
    return None


def _pickle_faults(source: PixelSource, pixels: dict[int, Image]) -> Iterator[str]:
    try:
        copy = pickle.loads(pickle.dumps(source))  # noqa: S301  (the pickle is created in the same line)
    except Exception as error:  # noqa: BLE001  (pickling a user's object may raise any error)
        yield (
            f"it cannot be pickled ({described_error(error)}), so that no other process can use "
            "it; define its class at the top of a module, and keep open files and locks out of it"
        )
        return
    try:
        same = len(copy) == len(source) and copy.image_size == source.image_size
        same = same and all(copy.digest(row) == source.digest(row) for row in pixels)
    except Exception:  # noqa: BLE001  (user code may raise any error)
        same = False
    if not same or not all(_equal(copy, row, image) for row, image in pixels.items()):
        yield (
            "pickled and loaded again it has other rows, pixels or digests; keep all that it needs "
            "in what is pickled"
        )
