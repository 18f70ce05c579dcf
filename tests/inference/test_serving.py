"""Serving: one photo after another, from many threads, after a fork, for a long time."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import InvalidParameterError, PhotoError
from support import refuses

Pixels = npt.NDArray[np.uint8]
PROGRAM = Path(__file__).with_name("serve_many.py")
GOLDEN = Path(__file__).with_name("golden") / "version-3.shelf"


def served(kind: str, count: int) -> dict[str, Any]:
    """Serve so often in a process of its own, and tell what came of it."""
    run = [sys.executable, str(PROGRAM), kind, str(count)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{kind}: {found}")
    return found


@pytest.mark.fuzz
def test_sixteen_threads_get_bit_for_bit_what_one_gets(
    fuzz_count: Callable[[int, int], int],
) -> None:
    count = fuzz_count(60, 10_000)
    assert served("threads", count) == {"calls": 16 * count, "wrong": []}


@pytest.mark.fuzz
@pytest.mark.skipif(sys.platform != "linux", reason="memory and files are counted through /proc")
def test_serving_for_long_takes_no_more_memory_and_no_files(
    fuzz_count: Callable[[int, int], int],
) -> None:
    count = fuzz_count(2000, 100_000)
    found = served("long", count)
    assert found["answered"] + found["errors"] >= count
    assert abs(found["answered"] - found["errors"]) < 100
    assert found["grown_mib"] <= 10
    assert found["new_descriptors"] == 0


def test_a_stream_gives_what_predict_gives(classifier: shv.Classifier, pixels: Pixels) -> None:
    together = classifier.predict(pixels)
    streamed = list(classifier.predict_stream(pixels))
    assert [p.id for p in streamed] == together.ids.tolist()
    assert [p.label for p in streamed] == together.labels.tolist()
    assert np.array_equal([p.probabilities for p in streamed], together.probabilities)
    one_by_one = list(classifier.predict_stream(pixels[:5], batch_size=1))
    assert [p.id for p in one_by_one] == list("01234")
    found = np.array([p.probabilities for p in one_by_one])
    np.testing.assert_allclose(found, together.probabilities[:5], atol=1e-6)


def test_a_stream_decides_as_predict_does(pixels: Pixels) -> None:
    careful = shv.Classifier.load(GOLDEN)
    wanted = careful.predict(pixels)
    assert [p.decision for p in careful.predict_stream(pixels)] == wanted.decisions.tolist()


@pytest.mark.parametrize("size", [1, 7, None])
def test_a_stream_reads_no_further_ahead_than_a_batch(
    classifier: shv.Classifier, pixels: Pixels, size: int | None
) -> None:
    given = 0

    def camera() -> Iterator[Pixels]:
        nonlocal given
        while True:
            given += 1
            yield pixels[given % 40]

    answers = classifier.predict_stream(camera(), batch_size=size)
    assert given == 0
    ahead = size or 32
    for number, answer in enumerate(itertools.islice(answers, 150)):
        assert answer.id == str(number)
        assert given <= (number // ahead + 1) * ahead


def test_a_stream_of_any_length_takes_the_memory_of_a_batch(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    answers = classifier.predict_stream((pixels[0].copy() for _ in range(700)), batch_size=8)
    for _ in itertools.islice(answers, 50):
        pass
    tracemalloc.start()
    for _ in answers:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * pixels[0].nbytes


def test_a_stream_goes_on_where_a_photo_fails(classifier: shv.Classifier, pixels: Pixels) -> None:
    asked = [pixels[0], b"no photo", pixels[1]]
    found = list(classifier.predict_stream(asked, on_error="skip"))
    assert [p.error is None for p in found] == [True, False, True]
    assert (found[1].label, found[1].decision) == (None, "review")
    with pytest.raises(PhotoError):
        list(classifier.predict_stream(asked))


def test_a_wrong_setting_of_a_stream_is_told_at_once(classifier: shv.Classifier) -> None:
    with refuses(InvalidParameterError, "not-in-range", "batch_size"):
        classifier.predict_stream([], batch_size=0)
    with refuses(InvalidParameterError, "not-an-option", "on_error"):
        classifier.predict_stream([], on_error="ignore")  # type: ignore[arg-type]  # wrong on purpose
    assert list(classifier.predict_stream([])) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_refusing_after_a_fork_takes_no_time(classifier: shv.Classifier, pixels: Pixels) -> None:
    classifier.predict(pixels[0])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.perf_counter()
        try:
            classifier.predict(pixels[0])
        except shv.errors.ModelError:
            os.write(writing, str(time.perf_counter() - began).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        seconds = told.read()
    os.waitpid(child, 0)
    assert seconds, "the classifier was not refused"
    print(f"refused after a fork within {float(seconds) * 1e3:.2f} ms")


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_forks_first_loads_in_each_child(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "import numpy as np, shelfvision as shv\n"
        "info = shv.inspect(sys.argv[1])\n"
        "children = []\n"
        "for number in range(2):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        found = shv.Classifier.load(sys.argv[1], expected_sha256=info.sha256)\n"
        "        found.predict(np.zeros((88, 90, 3), np.uint8))\n"
        "        os._exit(42)\n"
        "    children.append(child)\n"
        "print([os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children])\n"
    )
    run = [sys.executable, "-c", code, str(GOLDEN)]
    found = subprocess.run(run, capture_output=True, text=True, check=True, timeout=600)
    assert found.stdout == "[42, 42]\n"
