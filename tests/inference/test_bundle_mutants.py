"""Bundles damaged and forged by the thousand: refused, or as harmless as they look."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("mutate_bundles.py")
GOLDEN = Path(__file__).with_name("golden") / "version-2.shelf"

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage"),
]


def read(kind: str, count: int) -> dict[str, Any]:
    """Read so many bundles of a kind in a process of their own, and tell what came of it."""
    run = [sys.executable, str(PROGRAM), kind, str(count)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    print(f"{kind}: {found}")
    assert found["read"] == count
    assert found["seen"] == {}, "reading a bundle did what only a program does"
    assert not found["keras"]
    assert found["grown_mib"] <= 64
    return found


def test_mutants_are_refused_or_harmless(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, 200_000)
    found = read("mutants", count)
    assert set(found["outcomes"]) <= {"refused", "accepted"}
    assert found["outcomes"]["refused"] > 0.9 * count


def test_every_single_flipped_bit_is_refused(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, 8 * GOLDEN.stat().st_size)
    assert read("flips", count)["outcomes"] == {"refused": count}


def test_every_truncation_is_refused(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1500, GOLDEN.stat().st_size)
    assert read("cuts", count)["outcomes"] == {"refused": count}
