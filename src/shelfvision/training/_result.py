"""`TrainingResult`: what came of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfvision.data.splitting._leaks import Leak
from shelfvision.inference import Classifier

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TrainingResult:
    """A trained model, the classifier made of it, and how training went.

    Epochs are counted from 1, so ``history["loss"][best_epoch - 1]`` is the best epoch's loss.
    """

    model: keras.Model
    """The model that was passed in, on the weights of its best epoch."""
    classifier: Classifier
    """A classifier over a copy of those weights; training the model further leaves it alone."""
    history: dict[str, list[float]]
    """Metrics by Keras's names (``loss``, ``accuracy``, ``val_loss``, …), one value an epoch."""
    monitor: str
    """The metric that decided which epoch was best."""
    best_epoch: int
    """The epoch whose weights were kept."""
    stopped_epoch: int
    """The last epoch that was trained."""
    interrupted: bool
    """Whether Ctrl-C ended the run before its time."""
    leaks: tuple[Leak, ...]
    """Photos that train and validation shared and that `on_leak` let pass or dropped."""
    timings: dict[str, list[float]]
    """Wall-clock ``seconds`` of every epoch, validation and saving included, and
    ``images_per_second`` of its training steps; no two runs have the same."""

    @property
    def best_metrics(self) -> Mapping[str, float]:
        """The metrics of the best epoch, by name."""
        return {name: values[self.best_epoch - 1] for name, values in self.history.items()}

    def __repr__(self) -> str:
        """Return the best epoch, its metrics and where training stopped."""
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in self.best_metrics.items())
        ending = " by Ctrl-C" if self.interrupted else ""
        return (
            f"<TrainingResult: best epoch {self.best_epoch} by {self.monitor} ({metrics}), "
            f"stopped after epoch {self.stopped_epoch}{ending}>"
        )
