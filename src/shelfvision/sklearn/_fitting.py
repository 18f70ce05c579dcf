"""Train a network with the parameters of a `PhotoClassifier`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_image_size, as_seed
from shelfvision._warnings import warn_caller
from shelfvision.augment import BalancingAugmenter
from shelfvision.data import Dataset
from shelfvision.data.folds.parted import related_joined
from shelfvision.data.folds.photo_columns import dataset_of_photos
from shelfvision.errors import LeakageWarning, SplitError
from shelfvision.models import build_model
from shelfvision.models.registry import architecture_named
from shelfvision.sklearn._targets import Targets
from shelfvision.training import Trainer
from shelfvision.training.held_out import (
    HeldOutFit,
    divided,
    fit_held_out,
    require_balance,
    require_share,
    require_trainer,
)

if TYPE_CHECKING:
    import keras

_OVERRIDES = ("epochs", "batch_size", "learning_rate", "augmenter")
"""The parameters that replace settings of the trainer unless they are None."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedPhotos:
    """A trained network and the photos that it was fitted with."""

    fit: HeldOutFit
    """The result of training."""
    photos: Dataset
    """All photos, in their order."""

    @property
    def validation_indices(self) -> npt.NDArray[np.int64]:
        """The rows of the validation set, ascending."""
        held_out = self.fit.validation
        names = set() if held_out is None else set(held_out.ids.tolist())
        inside = np.array([name in names for name in self.photos.ids], dtype=np.bool_)
        return np.flatnonzero(inside)


def fit_photos(
    params: Mapping[str, Any], photos: object, targets: Targets, groups: Iterable[object] | None
) -> FittedPhotos:
    """Train a new network with the parameters of an estimator.

    Parameters
    ----------
    params : mapping
        The parameters of `PhotoClassifier` by name.
    photos : ndarray or sequence
        The photos.
    targets : Targets
        Their classes.
    groups : iterable of str, optional
        Their groups. Without groups, near-duplicates and bursts are kept together.

    Returns
    -------
    FittedPhotos
        The result and the photos.
    """
    share, seed = require_share(params["validation"]), as_seed(params["seed"])
    balance = balancer_of(params["balance"], seed)
    size = params["image_size"]
    if size is None:
        size = architecture_named(params["architecture"]).image_size
    dataset = dataset_of_photos(
        photos,
        targets.numbers,
        class_names=targets.class_names,
        groups=groups,
        image_size=as_image_size(size),
        resize=params["resize"],
    )
    model = _model(params, len(targets.classes), dataset.image_size, seed)
    if groups is None and share > 0:
        dataset = _related_together(dataset, share, seed)
    fit = fit_held_out(
        model,
        _Trainers(params, seed),
        dataset,
        validation=share,
        balance=balance,
        seed=seed,
    )
    return FittedPhotos(fit=fit, photos=dataset)


def balancer_of(balance: object, seed: int) -> BalancingAugmenter | None:
    """Return what balances the training set; True stands for the default."""
    if isinstance(balance, bool):
        return BalancingAugmenter(seed=seed) if balance else None
    return require_balance(balance)


def _model(
    params: Mapping[str, Any], n_classes: int, image_size: tuple[int, int], seed: int
) -> keras.Model:
    return build_model(
        n_classes,
        image_size=image_size,
        architecture=params["architecture"],
        weights=params["weights"],
        dropout=params["dropout"],
        seed=seed,
    )


class _Trainers:
    """Return the trainer of an estimator for a model and its training set."""

    __slots__ = ("_overrides", "_seed", "_trainer")

    def __init__(self, params: Mapping[str, Any], seed: int) -> None:
        trainer = params["trainer"]
        # A recommended schedule depends on the number of epochs, so they are passed to it.
        recommended = trainer is None or trainer == Trainer.recommended
        self._trainer = None if recommended else require_trainer(trainer)
        chosen = {name: params[name] for name in _OVERRIDES if params[name] is not None}
        self._overrides = {**chosen, "verbose": params["verbose"]}
        self._seed = seed

    def __call__(self, model: keras.Model, train: Dataset) -> Trainer:
        """Return the trainer."""
        if self._trainer is None:
            return Trainer.recommended(model, train, **{"seed": self._seed, **self._overrides})
        found = self._trainer
        trainer = found if isinstance(found, Trainer) else found(model, train)
        return replace(trainer, **self._overrides)


def _related_together(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Return the dataset with related photos in one group, if every class can be divided then."""
    joined = related_joined(dataset)
    try:
        divided(joined, share, seed=seed)
    except SplitError as error:
        try:
            divided(dataset, share, seed=seed)
        except SplitError:
            raise SplitError(
                f"validation must leave each class photos in both sets, got {share:g}: {error}; "
                "pass validation=0 to choose the best epoch by the training loss",
                code="too-few-groups",
                parameter="validation",
            ) from error
        warn_caller(
            LeakageWarning(
                "the validation set shares near-duplicates or bursts with the training set, "
                "because a class has no other photos, so early stopping may be too late; add "
                "photos, or pass groups= to fit",
                code="groups-parted",
            )
        )
        return dataset
    return joined
