"""Damaged photos, many of them: pixels or a `PhotoError`, never a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("mutate_photos.py")
REFUSALS = {"broken", "truncated", "not-an-image", "too-many-pixels", "too-large", "empty"}
REFUSALS |= {"too-many-scans", "too-many-frames", "too-many-chunks"}


@pytest.mark.fuzz
@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage")
def test_damaged_photos_give_pixels_or_a_photo_error(fuzz_count: Callable[[int, int], int]) -> None:
    count = fuzz_count(1000, 200_000)
    run = subprocess.run(
        [sys.executable, PROGRAM, "0", str(count)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    print(f"{count:,} damaged photos: {found}")
    assert set(found["outcomes"]) <= {"decoded", *REFUSALS}
    assert sum(found["outcomes"].values()) == count
    assert found["outcomes"]["decoded"] > count / 20
    assert found["peak_mib"] < 512
