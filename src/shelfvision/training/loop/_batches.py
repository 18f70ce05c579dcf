"""`Batches`: the batches of one epoch.

Seed and epoch alone determine the order and the data augmentation of the photos. A resumed run
therefore reads the same batches as an uninterrupted one.
"""

from __future__ import annotations

import importlib
import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._random import order_for
from shelfvision.augment.copies import read_epoch
from shelfvision.data import Dataset
from shelfvision.protocols import Augmenter, Images
from shelfvision.training.devices._division import division_of
from shelfvision.training.transfer._activations import Activations

Inputs: TypeAlias = Images | npt.NDArray[np.float32]
"""Images, or the outputs of frozen layers for them."""
Batch: TypeAlias = tuple[Inputs, npt.NDArray[np.float32] | npt.NDArray[np.int64]]
"""Inputs and labels: one-hot ``float32``, or ``int64`` class numbers for a sparse loss."""


class Batches:
    """Batches of one epoch, with random access from any thread.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    batch_size : int
        Photos per batch; the last batch of an epoch may have fewer.
    sparse : bool
        Whether labels are class numbers instead of one-hot rows.
    seed : int, optional
        Seed for the order of each epoch. None keeps the order of the dataset.
    augmenter : Augmenter, optional
        Data augmentation, applied in each epoch. It requires a seed.
    activations : Activations, optional
        Outputs of frozen layers that replace the images. They have their own views.
    replicas : int, default=1
        Replicas of the model, which divides the number of rows of each batch. See `division`.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        sparse: bool,
        seed: int | None = None,
        augmenter: Augmenter | None = None,
        activations: Activations | None = None,
        replicas: int = 1,
    ) -> None:
        self._dataset = dataset
        self._batch_size = batch_size
        self._targets = dataset.labels if sparse else dataset.one_hot()
        self._seed = seed
        self._augmenter = augmenter
        self._activations = activations
        self.division = division_of(len(dataset), batch_size, replicas)
        """The padding of batches, which training steps remove."""
        self.failure: BaseException | None = None
        """The error of a prefetching thread of the backend; `require_read` raises it."""
        self.begin_epoch(1)

    def begin_epoch(self, epoch: int, *, skip: int = 0) -> None:
        """Switch to the batches of `epoch`, counted from 1, without the first `skip` batches."""
        n = len(self._dataset)
        order = np.arange(n) if self._seed is None else order_for(n, self._seed, "order", epoch)
        # One assignment is atomic: a prefetching thread never mixes two epochs.
        self._now = (epoch, order[skip * self._batch_size :])

    @property
    def steps(self) -> int:
        """Number of batches in a whole epoch."""
        return math.ceil(len(self._dataset) / self._batch_size)

    def images_in(self, steps: int) -> int:
        """Return the number of photos in the first `steps` steps of a whole epoch."""
        return min(steps * self._batch_size, len(self._dataset))

    def __len__(self) -> int:
        """Return the number of remaining batches: those of the epoch that are not skipped."""
        return math.ceil(len(self._now[1]) / self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Return batch `index` of the remaining batches."""
        epoch, order = self._now
        rows = order[index * self._batch_size : (index + 1) * self._batch_size]
        if len(rows) in self.division.padded:
            rows = rows[self.division.rows(len(rows))]
        return self._read(rows, epoch), self._targets[rows]

    def require_read(self) -> None:
        """Raise the error of a prefetching thread, if there was one."""
        if self.failure is not None:
            raise self.failure

    def _read(self, rows: npt.NDArray[np.int64], epoch: int) -> Inputs:
        if self._activations is not None:
            return self._activations.read(rows, epoch)
        if self._seed is None:
            return self._dataset.read_batch(rows)
        return read_epoch(
            self._dataset, rows, epoch=epoch, augmenter=self._augmenter, seed=self._seed
        )


def as_keras_data(batches: Batches) -> object:
    """Return the batches as input for ``keras.Model.fit``. They are already shuffled."""
    if backend_name() == "tensorflow":
        return _as_tensorflow_data(batches)

    class KerasBatches(load_keras().utils.PyDataset):  # type: ignore[misc]  # keras has no types
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> Batch:
            return batches[index]

    return KerasBatches(workers=1, use_multiprocessing=False)


def _as_tensorflow_data(batches: Batches) -> object:
    """Return a ``tf.data.Dataset`` that prefetches the batches.

    ``keras.utils.PyDataset`` would use ``tf.data.Dataset.from_generator``. Its first use makes
    TensorFlow configure malloc for the whole process to return memory to the system immediately.
    Each training step would then allocate and clear the memory again.
    """
    tf = importlib.import_module("tensorflow")
    parts = batches[0]
    kinds = [tf.as_dtype(part.dtype) for part in parts]

    def batch_or_stand_in(number: object) -> Batch:
        """Return a batch. After an error, return the first batch until the loop raises the error.

        TensorFlow logs an exception in ``tf.data`` with its internal traceback, and raises its own
        type of error.
        """
        if batches.failure is None:
            try:
                return batches[int(number)]  # type: ignore[call-overload]  # a NumPy integer
            except BaseException as error:  # noqa: BLE001  # the loop raises it
                batches.failure = error
        return parts

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]  # it has no types
    def read(index: object) -> tuple[object, ...]:
        found = tf.numpy_function(batch_or_stand_in, [index], kinds)
        return tuple(
            tf.ensure_shape(tensor, (None, *part.shape[1:]))
            for tensor, part in zip(found, parts, strict=True)
        )

    options = tf.data.Options()
    # There is nothing to tune, and the end of an epoch can wait up to a minute for the tuner: its
    # thread can miss the cancellation and sleep to the end of its period.
    options.autotune.enabled = False
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(2).with_options(options)
