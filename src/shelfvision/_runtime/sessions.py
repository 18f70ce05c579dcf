"""Load an exported file into a runtime, and compute calibrated, checked probabilities."""

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
    """An exported file in its runtime; thread-safe."""

    export: Export
    """The file's content."""
    runtime: str
    """The name of the runtime, as in ``Predictor(runtime=)``."""
    runner: Runner
    """The function that runs the graph."""

    @property
    def batch_size(self) -> int:
        """The number of images in a batch: at most 32, fewer if the images are large."""
        return max(1, min(_BATCH, _PIXELS_AT_ONCE // math.prod(self.export.card.image_size)))

    def scores(self, images: Images) -> Scores:
        """Return one row of probabilities per image, calibrated if the classifier is."""
        card = self.export.card
        if not len(images):
            return np.empty((0, len(card.class_names)), dtype=np.float32)
        scores = self.runner(images)
        # A comparison with NaN is false.
        if not (scores.min() >= 0 and scores.max() < np.inf):
            raise ModelError(
                f"the outputs of {self.export.where} must be probabilities, got the first row "
                f"{scores[0, :5].tolist()}; export the classifier again",
                code="not-probabilities",
            )
        calibration = card.host_calibration
        return scores if calibration is None else calibration.apply(scores)


def load_session(export: Export, runtime: str = "auto", threads: int | None = None) -> Session:
    """Load an export into a runtime; raise if its graph does not fit its card."""
    choices = tuple(export.format.runtimes)
    chosen = choices[0] if runtime == "auto" else runtime
    if chosen not in choices:
        raise InvalidParameterError(
            f"runtime must be able to run {export.format.name} files such as {export.where}, got "
            f"{runtime!r}; leave it out, or choose one of {', '.join(choices)}",
            code="conflict",
            parameter="runtime",
        )
    runner = export.format.runtimes[chosen](export, threads)
    return Session(export=export, runtime=chosen, runner=runner)
