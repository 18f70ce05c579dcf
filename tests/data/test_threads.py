"""Work in threads: all of it is done, and the first error is the one that is raised."""

from __future__ import annotations

import threading

import pytest

from shelfvision._photos.threads import in_threads


@pytest.mark.parametrize("workers", [None, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_every_number_is_worked_on_once(count: int, workers: int | None) -> None:
    done: list[int] = []
    in_threads(done.append, count, workers=workers)
    assert sorted(done) == list(range(count))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_first_error_is_raised_however_the_threads_ran(workers: int) -> None:
    def work(position: int) -> None:
        if position in {13, 14, 27, 40}:
            raise ValueError(position)

    with pytest.raises(ValueError, match=r"^13$"):
        in_threads(work, 50, workers=workers)


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    in_threads(lambda _: None, 50, workers=4)
    assert threading.active_count() == before
