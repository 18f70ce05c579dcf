"""Loads an exported file into a runtime: from pixels to calibrated, checked probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shelfvision._runtime.formats.format import Export, Runner, Scores
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.protocols import Images

_BATCH = 32
_PIXELS_AT_ONCE = 32 * 224 * 224


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """An exported file in its runtime; may be used from any number of threads."""

    export: Export
    """The file."""
    runtime: str
    """The name of the runtime, as ``Predictor(runtime=)`` takes it."""
    runner: Runner
    """The graph in the runtime."""

    @property
    def batch_size(self) -> int:
        """How many images are computed at once."""
        return max(1, min(_BATCH, _PIXELS_AT_ONCE // math.prod(self.export.card.image_size)))

    def scores(self, images: Images) -> Scores:
        """Return a row of probabilities for every image, calibrated if the classifier was."""
        card = self.export.card
        if not len(images):
            return np.empty((0, len(card.class_names)), dtype=np.float32)
        scores = self.runner(images)
        if not np.isfinite(scores).all() or scores.min() < 0:
            raise ModelError(
                f"{self.export.where} gives numbers that are no probabilities, the first row is "
                f"{scores[0, :5].tolist()}; export the classifier again",
                code="not-probabilities",
            )
        calibration = card.host_calibration
        return scores if calibration is None else calibration.apply(scores)


def load_session(export: Export, runtime: str = "auto", threads: int | None = None) -> Session:
    """Load a file into a runtime, or refuse a file that does not fit its own description."""
    choices = tuple(export.format.runtimes)
    chosen = choices[0] if runtime == "auto" else runtime
    if chosen not in choices:
        raise InvalidParameterError(
            f"runtime {runtime!r} cannot run {export.where}, which is of the kind "
            f"{export.format.name}; leave runtime out, or choose one of {', '.join(choices)}",
            code="conflict",
            parameter="runtime",
        )
    runner = export.format.runtimes[chosen](export, threads)
    return Session(export=export, runtime=chosen, runner=runner)
