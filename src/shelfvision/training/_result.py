"""`TrainingResult`: the trained model, its classifier and the metrics of every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from shelfvision._text import printable
from shelfvision._validation import import_package
from shelfvision.data.splitting.leaks import Leak
from shelfvision.inference import Classifier
from shelfvision.training.display._html import result_view

if TYPE_CHECKING:
    import keras
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TrainingResult:
    """The result of `Trainer.fit`: the trained model, a classifier and the training history.

    Epochs are counted from 1: ``history["loss"][best_epoch - 1]`` is the training loss of the best
    epoch.
    """

    model: keras.Model
    """The model that was passed to `Trainer.fit`, with the weights of the best epoch."""
    classifier: Classifier
    """A classifier with a copy of those weights. Training `model` further does not change it."""
    history: dict[str, list[float]]
    """Metrics by Keras name (``loss``, ``accuracy``, ``val_loss``, …), one value per epoch."""
    monitor: str
    """The metric that determined the best epoch."""
    best_epoch: int
    """The epoch whose weights were kept."""
    stopped_epoch: int
    """The last epoch that was trained."""
    interrupted: bool
    """Whether Ctrl-C interrupted the run."""
    leaks: tuple[Leak, ...]
    """Data leakage: photos that the training and validation sets share. `Trainer.on_leak` decides
    whether `Trainer.fit` raises an error, drops or allows them."""
    timings: dict[str, list[float]]
    """Wall-clock ``seconds`` of each epoch, including validation and saving, and throughput of its
    training steps in ``images_per_second``. Timings differ between runs."""

    @property
    def best_metrics(self) -> Mapping[str, float]:
        """The metrics of the best epoch by name."""
        return {name: values[self.best_epoch - 1] for name, values in self.history.items()}

    def history_frame(self) -> pd.DataFrame:
        """Return the history as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            One row per epoch, counted from 1, and one column per metric.

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
        """Return the best epoch, its metrics and the last epoch."""
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
