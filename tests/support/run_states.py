"""States of training runs: made up for a test, and read from the folder of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shelfvision.training.run._checkpoints import Checkpoints
from shelfvision.training.run._state import RunState, decode


def run_state(**changes: object) -> RunState:
    """Return the state of a run, with every type of value."""
    values: dict[str, object] = {
        "epoch": 3,
        "step": 2,
        "planned_epochs": 9,
        "stopped": False,
        "seconds": 0.5,
        "identity": "5e" * 32,
        "environment": {"keras": "3", "host": 'Müsli "b"'},
        "best": {"epoch": 2, "value": 0.1, "reference": 0.1, "waited": 1},
        "history": {"loss": [0.3, 0.1, 0.2]},
        "timings": {"seconds": [1.0, 2.0, 3.0]},
        "callbacks": [None, {"seen": 4}],
        "model": (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(5, dtype=np.int64)),
        "optimizer": (np.array([1, 2], dtype=np.uint32), np.zeros((0, 3), np.float16)),
        "metrics": (np.array(3.0, np.float32),),
        "best_model": (np.ones((2, 3), np.float32), np.array(4, dtype=np.int64)),
    }
    return RunState(**(values | changes))  # type: ignore[arg-type]  # a test's shorthand


def newest_state(directory: Path) -> RunState:
    """Return the newest state in the folder of a run, without a lock or a check of the other."""
    found = [decode(path.read_bytes()) for path in directory.glob("state-?.safetensors")]
    return max(found, key=lambda entry: entry[1])[0]


def epoch_in(directory: Path) -> int | None:
    """Return the epoch from which a run in a folder resumes; None if there is none."""
    with Checkpoints(directory) as checkpoints:
        found = checkpoints.load()
        return None if found is None else found.epoch
