"""`Batches`: the photos of an epoch in an order and a variation that only seed and epoch decide."""

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
from shelfvision.training.transfer._activations import Activations

Inputs: TypeAlias = Images | npt.NDArray[np.float32]
"""Images, or what the frozen part of a model makes of them."""
Batch: TypeAlias = tuple[Inputs, npt.NDArray[np.float32] | npt.NDArray[np.int64]]
"""Inputs and labels: one-hot ``float32``, or ``int64`` class numbers where the loss is sparse."""


class Batches:
    """The batches of one epoch, each readable on its own, in any order and from any thread.

    Parameters
    ----------
    dataset : Dataset
        The photos.
    batch_size : int
        Photos in a batch; the last one holds what is left.
    sparse : bool
        Whether labels are class numbers instead of one-hot rows.
    seed : int, optional
        What the order of every epoch is derived from; None keeps the dataset's own order.
    augmenter : Augmenter, optional
        Varies every photo anew in every epoch; needs a seed.
    activations : Activations, optional
        What is given in place of the images; it varies by itself.
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
    ) -> None:
        self._dataset = dataset
        self._batch_size = batch_size
        self._targets = dataset.labels if sparse else dataset.one_hot()
        self._seed = seed
        self._augmenter = augmenter
        self._activations = activations
        self.failure: BaseException | None = None
        """What went wrong in a thread of a backend's that reads ahead; `require_read` raises it."""
        self.begin_epoch(1)

    def begin_epoch(self, epoch: int, *, skip: int = 0) -> None:
        """Make the batches those of `epoch`, counted from 1, without its first `skip` ones."""
        n = len(self._dataset)
        order = np.arange(n) if self._seed is None else order_for(n, self._seed, "order", epoch)
        # One assignment, so that a thread that reads ahead never mixes two epochs.
        self._now = (epoch, order[skip * self._batch_size :])

    @property
    def steps(self) -> int:
        """The number of batches in a whole epoch."""
        return math.ceil(len(self._dataset) / self._batch_size)

    def images_in(self, steps: int) -> int:
        """Return the number of photos in the first steps of a whole epoch."""
        return min(steps * self._batch_size, len(self._dataset))

    def __len__(self) -> int:
        """Return the number of batches in what there is of the epoch."""
        return math.ceil(len(self._now[1]) / self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Return batch `index` of what there is of the epoch."""
        epoch, order = self._now
        rows = order[index * self._batch_size : (index + 1) * self._batch_size]
        return self._read(rows, epoch), self._targets[rows]

    def require_read(self) -> None:
        """Raise what went wrong in a thread that reads ahead."""
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
    """Return the batches in a shape that Keras's `fit` takes; shuffling is already done."""
    if backend_name() == "tensorflow":
        return _as_tensorflow_data(batches)

    class KerasBatches(load_keras().utils.PyDataset):  # type: ignore[misc]  # keras has no types
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> Batch:
            return batches[index]

    return KerasBatches(workers=1, use_multiprocessing=False)


def _as_tensorflow_data(batches: Batches) -> object:
    """Return a `tf.data.Dataset` of the batches, which are read ahead.

    Keras would make one from a generator. The first of these has tensorflow set malloc, for the
    whole process, to hand memory back at once, so that every step fetches and clears it anew.
    """
    tf = importlib.import_module("tensorflow")
    parts = batches[0]
    kinds = [tf.as_dtype(part.dtype) for part in parts]

    def batch_or_stand_in(number: object) -> Batch:
        """Return a batch; after a failure the first one, until the loop raises the failure.

        An exception that passes through tf.data is logged by TensorFlow with tracebacks of its
        internals, and reaches the caller as an error of TensorFlow's.
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
    # Nothing here is left to tune, and an epoch's end can wait up to a minute for the tuner: it
    # may overlook that it was called off and sleep to the end of its period.
    options.autotune.enabled = False
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(2).with_options(options)
