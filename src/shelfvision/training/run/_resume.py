"""Find the checkpoint of a run and check that the run can resume from it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._storage.json_values import Json
from shelfvision.errors import ResumeError, TrainingWarning
from shelfvision.training.devices._found import ONE_DEVICE
from shelfvision.training.run._checkpoints import RUN, SLOTS, Checkpoints
from shelfvision.training.run._identity import changes, identity_digest
from shelfvision.training.run._run import Run
from shelfvision.training.run._state import RunState

Resume: TypeAlias = Literal["auto", "never", "must"]
"""Whether to resume a run on disk: if it exists, never, or always (it must exist)."""
RESUME = ("auto", "never", "must")


def require_a_run(directory: Path | None, resume: Resume) -> None:
    """Refuse ``resume="must"`` without a run on disk."""
    if resume != "must":
        return
    if directory is None:
        raise ResumeError(
            'resume="must" needs a checkpoint_dir that contains the run to resume',
            code="needs-folder",
            parameter="checkpoint_dir",
        )
    # Unlike Path.exists, os.path.lexists raises no error for invalid names.
    if not any(os.path.lexists(directory / name) for name in SLOTS):
        raise ResumeError(
            f'resume="must", but {str(directory)!r} does not contain a run; check checkpoint_dir, '
            'or start one with resume="auto"',
            code="not-found",
            parameter="checkpoint_dir",
        )


def resume_or_begin(run: Run, identity: Mapping[str, Json], resume: Resume) -> None:
    """Resume the run on disk, or begin one; refuse to resume a run with another identity."""
    checkpoints, epochs = run.checkpoints, run.epochs
    if checkpoints is None:
        return
    state = None if resume == "never" else checkpoints.load()
    if state is None:
        checkpoints.begin(identity)
        return
    changed = [] if state.identity == run.identity else _changed(checkpoints, state, identity)
    begun = state.epoch + (state.step > 0)
    if epochs < begun:
        changed.append(f"epochs to {epochs}, of which {begun} are already done or begun")
    if changed:
        raise ResumeError(
            f"the run in {str(checkpoints.directory)!r} cannot be resumed, because these changed: "
            f"{'; '.join(changed)}; choose a new checkpoint_dir, or start over in this one with "
            'resume="never"',
            code="run-changed",
        )
    before = ONE_DEVICE | dict(state.environment)
    _warn_of_environment(changes(before, ONE_DEVICE | dict(run.environment)))
    run.restore(state)


def _changed(checkpoints: Checkpoints, state: RunState, identity: Mapping[str, Json]) -> list[str]:
    """Return a short text for each difference from the run of a state."""
    before = checkpoints.identity()
    if identity_digest(before) != state.identity:
        return [
            f"its photos, settings or model ({RUN}, which describes them, is missing or damaged)"
        ]
    return changes(ONE_DEVICE | before, ONE_DEVICE | dict(identity))


def _warn_of_environment(changed: list[str]) -> None:
    if changed:
        warnings.warn(
            TrainingWarning(
                f"the run resumes in another environment ({'; '.join(changed)}), so its result may "
                "differ in the last bits",
                code="environment-changed",
            ),
            stacklevel=5,
        )


def environment() -> dict[str, Json]:
    """Return versions and hardware that may change the last bits of a result."""
    return {
        "keras": str(load_keras().__version__),
        "shelfvision": importlib.metadata.version("shelfvision"),
        backend_name(): str(getattr(sys.modules[backend_name()], "__version__", "")),
        "machine": platform.machine(),
    }
