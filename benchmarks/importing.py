"""How long ``import shelfvision`` takes in a fresh interpreter, beside ``import numpy``."""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 15
PROGRAM = """
import time
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""


def milliseconds(module: str) -> float:
    """Return how long a fresh interpreter takes to import a module."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def main() -> None:
    """Print the medians of several rounds, taken in turn."""
    modules = ("shelfvision", "numpy")
    rounds = [[milliseconds(module) for module in modules] for _ in range(ROUNDS)]
    ours, numpys = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"import shelfvision  {ours:7.1f} ms")
    print(f"import numpy        {numpys:7.1f} ms")
    print(f"ratio               {ours / numpys:7.2f}")


if __name__ == "__main__":
    main()
