"""What decoding takes stays under its estimate, and the estimate under the limit, in every mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("measure_photos.py")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_decoding_takes_no_more_memory_than_is_estimated() -> None:
    run = subprocess.run(
        [sys.executable, PROGRAM, "2048"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    print(run.stderr)
    found = json.loads(run.stdout)
    assert len(found) >= 34
    # A few MiB are those of the allocator.
    over = {name: peak for name, (peak, most, _) in found.items() if peak > most + 4}
    assert not over
