"""Progress is shown where somebody looks, as they asked for it, and nowhere else."""

from __future__ import annotations

import io
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from shelfvision._progress import display_for, progress, write_line

if TYPE_CHECKING:
    from shelfvision._progress import Verbose


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make rich believe that it runs in a notebook."""
    import rich.console

    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)


@pytest.mark.parametrize("verbose", ["auto", True])
def test_a_notebook_shows_a_bar_where_it_can(
    notebook: None, monkeypatch: pytest.MonkeyPatch, verbose: Verbose
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert display_for(verbose) == "bar"


@pytest.mark.parametrize("verbose", ["auto", True])
def test_a_notebook_without_widgets_shows_lines_and_no_warning(
    notebook: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verbose: Verbose,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress("Images", 9, verbose=verbose) as advance:
            advance(9)
    assert display_for(verbose) == "lines"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("verbose", "display"),
    [
        ("auto", "nothing"),
        (0, "nothing"),
        (False, "nothing"),
        (1, "bar"),
        (True, "bar"),
        (2, "lines"),
    ],
)
def test_values_of_keras_mean_the_same_here(verbose: Verbose, display: str) -> None:
    assert display_for(verbose) == display


def test_a_long_preparation_writes_a_line_per_minute_and_a_short_one_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress("Images", 2000, verbose=2) as advance:
        for _ in range(20):
            now[0] += 8.0
            advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "Images: 800 of 2,000",
        "Images: 1,600 of 2,000",
    ]


@pytest.mark.parametrize("stream", [None, "closed", "full"])
def test_a_stream_that_takes_nothing_does_not_end_a_run(
    monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    taken = Full() if stream == "full" else io.StringIO()
    if stream == "closed":
        taken.close()
    monkeypatch.setattr("sys.stderr", None if stream is None else taken)
    write_line("epoch 1/2")


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
