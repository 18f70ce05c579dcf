"""Process many rows in a few threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

# More workers would wait for each other; for fewer rows, a thread costs more time than it saves.
_MOST_WORKERS = 8
_ROWS_PER_WORKER = 4


def in_threads(work: Callable[[int], None], count: int, *, workers: int | None = None) -> None:
    """Call ``work(0)``, …, ``work(count - 1)`` in a few threads.

    If several calls fail, the error of the smallest number is raised, independent of the timing.
    """
    if workers is None:
        workers = min(_MOST_WORKERS, os.cpu_count() or 1, count // _ROWS_PER_WORKER)
    workers = min(workers, count)
    if workers <= 1:
        for position in range(count):
            work(position)
        return
    end = [count]
    errors: dict[int, Exception] = {}

    def stripe(first: int) -> None:
        for position in range(first, count, workers):
            if position > end[0]:
                return
            try:
                work(position)
            except Exception as error:  # noqa: BLE001  (raised again below)
                errors[position] = error
                end[0] = min(end[0], position)

    with ThreadPoolExecutor(workers, thread_name_prefix="shelfvision") as pool:
        try:
            wait([pool.submit(stripe, first) for first in range(workers)])
        except BaseException:
            end[0] = -1
            raise
    if errors:
        raise errors[min(errors)]
