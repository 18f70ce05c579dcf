"""Bundles damaged and forged by the thousand: refused, or as harmless as they look."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("mutate_bundles.py")
GOLDEN = Path(__file__).with_name("golden") / "version-3.shelf"

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage"),
]


def read(kind: str, count: int) -> Counter[str]:
    """Read so many bundles of a kind in two processes, and tell what came of it."""
    outcomes: Counter[str] = Counter()
    runs = [[sys.executable, str(PROGRAM), kind, str(count), share, "2"] for share in "01"]
    started = [subprocess.Popen(run, stdout=PIPE, stderr=PIPE, text=True) for run in runs]
    for process in started:
        out, err = process.communicate()
        assert process.returncode == 0, err[-2000:]
        found: dict[str, Any] = json.loads(out)
        print(f"{kind}: {found}")
        assert found["seen"] == {}, "reading a bundle did what only a program does"
        assert not found["keras"]
        assert found["grown_mib"] <= 64
        outcomes.update(found["outcomes"])
    assert outcomes.total() == count
    return outcomes


def test_mutants_are_refused_or_harmless(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, 200_000)
    outcomes = read("mutants", count)
    assert set(outcomes) <= {"refused", "accepted"}
    assert outcomes["refused"] > 0.9 * count


def test_every_single_flipped_bit_is_refused(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, 8 * GOLDEN.stat().st_size)
    assert read("flips", count) == {"refused": count}


def test_every_truncation_is_refused(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, GOLDEN.stat().st_size)
    assert read("cuts", count) == {"refused": count}
