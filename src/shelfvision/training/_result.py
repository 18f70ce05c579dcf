"""`TrainingResult`: what came of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfvision._text import printable
from shelfvision._validation import import_package
from shelfvision.data.splitting.leaks import Leak
from shelfvision.inference import Classifier
from shelfvision.training.display._html import result_view

if TYPE_CHECKING:
    import keras
    import pandas as pd


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

    def history_frame(self) -> pd.DataFrame:
        """Return the history as a pandas table.

        Returns
        -------
        pandas.DataFrame
            One row an epoch, counted from 1, and one column a metric.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="history_frame", pip="pandas")
        epochs = pd.RangeIndex(1, self.stopped_epoch + 1, name="epoch")
        return pd.DataFrame(self.history, index=epochs)

    def _repr_html_(self) -> str:
        return result_view(
            self._ending(),
            self.best_metrics,
            {name: self.history[name] for name in ("loss", "val_loss") if name in self.history},
            best_epoch=self.best_epoch,
        )

    def __repr__(self) -> str:
        """Return the best epoch, its metrics and where training stopped."""
        metrics = ", ".join(
            f"{printable(name)} {value:.4g}" for name, value in self.best_metrics.items()
        )
        best, _, rest = self._ending().partition(",")
        return f"<TrainingResult: {best} ({metrics}),{rest}>"

    def _ending(self) -> str:
        stop = " by Ctrl-C" if self.interrupted else ""
        return (
            f"best epoch {self.best_epoch} by {printable(self.monitor)}, "
            f"stopped after epoch {self.stopped_epoch}{stop}"
        )
