"""Work in threads: all of it is done, and the first error is the one that is raised."""

from __future__ import annotations

import sys
import threading

import pytest

from shelfvision._photos.threads import in_threads, progress


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


def test_progress_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("Reading", 2) as advance:
        advance()
    assert capfd.readouterr() == ("", "")


def test_progress_shows_a_bar_on_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("Reading", 2) as advance:
        advance()
        advance()
    assert "Reading" in capfd.readouterr().err
