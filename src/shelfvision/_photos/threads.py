"""Runs work on many rows in a few threads, and shows how far it is on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

# More workers than this wait for each other; fewer rows than this are not worth a thread.
_MOST_WORKERS = 8
_ROWS_PER_WORKER = 4


def in_threads(work: Callable[[int], None], count: int, *, workers: int | None = None) -> None:
    """Call ``work(0)``, …, ``work(count - 1)`` in a few threads.

    Of several errors that of the smallest number is raised, however the threads ran.
    """
    if workers is None:
        workers = min(_MOST_WORKERS, os.cpu_count() or 1, count // _ROWS_PER_WORKER)
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


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere; yield what advances it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
