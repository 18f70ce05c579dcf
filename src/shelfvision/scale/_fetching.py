"""Fetch photos by URL, a few at a time, while the photos before them are scored.

One request takes 20 to 200 ms, during which the processor has nothing to do. Therefore the requests
for the next rows are sent before the current rows are scored. fsspec repeats failed requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

from shelfvision._photos.decode import DEFAULT_LIMITS
from shelfvision._photos.refusals import RAISE
from shelfvision._storage import RemoteFile, as_location, read_bounded
from shelfvision.errors import InvalidParameterError, PhotoError, PhotoNotFoundError
from shelfvision.protocols import StorageOptions

_REQUESTS: Final = 16
"""The number of requests at a time."""

Fetch = Callable[[object, str], bytes]
"""Returns the content of a cell; the text is the name of the row in messages."""
Step = tuple[int, int]
"""The first row of a few rows, and the row after the last one."""


def fetched(
    steps: Iterable[Step],
    cells: Callable[[int, int], Sequence[object]],
    names: Callable[[int, int], Sequence[str]],
    fetch: Fetch,
) -> Iterator[Sequence[Future[bytes]]]:
    """Yield the contents of the rows of each step, and fetch those of the next step meanwhile."""
    pool = ThreadPoolExecutor(_REQUESTS, thread_name_prefix="shelfvision-fetch")
    try:
        before: Sequence[Future[bytes]] | None = None
        for start, stop in steps:
            rows = zip(cells(start, stop), names(start, stop), strict=True)
            following = [pool.submit(fetch, cell, name) for cell, name in rows]
            if before is not None:
                yield before
            before = following
        if before is not None:
            yield before
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def url_content(url: object, where: str, options: StorageOptions | None) -> bytes:
    """Return the content of a photo by its URL, or raise `PhotoError`."""
    try:
        file = as_location(url, "the photo", storage_options=options)  # type: ignore[arg-type]  # it checks the type
    except InvalidParameterError as error:
        raise PhotoError(str(error), path=where, code=error.code) from error
    if not isinstance(file, RemoteFile):
        raise PhotoError(
            f'{where!r} must have a URL, got the path {file!r}; pass photo_kind="path" for paths',
            path=where,
            code="not-supported",
        )
    return read_bounded(
        file,
        DEFAULT_LIMITS.max_bytes,
        what="the photo",
        error=partial(PhotoError, path=file.shown),
        missing=partial(PhotoNotFoundError, path=file.shown),
        smaller=RAISE.format("max_bytes"),
    )
