"""Train on most of a dataset, and choose the best epoch on the rest.

Cross-validation and scikit-learn's estimators receive one training set. It is divided first and
balanced afterwards, so that no augmented copy is in the set that ends the training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from shelfvision._validation import as_number
from shelfvision.augment import BalancingAugmenter
from shelfvision.data import Dataset, SeededSplitter
from shelfvision.errors import InvalidParameterError
from shelfvision.training._result import TrainingResult
from shelfvision.training._trainer import Trainer

if TYPE_CHECKING:
    import keras

TrainerFor: TypeAlias = "Trainer | Callable[[keras.Model, Dataset], Trainer]"
"""A trainer, or a function that returns one for a model and its training set, such as
`Trainer.recommended`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutFit:
    """A trained model with the sets that it was trained with."""

    result: TrainingResult
    """The result of `Trainer.fit`."""
    train: Dataset
    """The training set, without augmented copies."""
    validation: Dataset | None
    """The validation set; None without one."""


def require_share(validation: object) -> float:
    """Return the share of the validation set, at least 0 and below 1."""
    share = as_number("validation", validation, minimum=0, maximum=1)  # type: ignore[arg-type]
    if share == 1:
        raise InvalidParameterError(
            "validation must be below 1, so that photos are left to train on, got 1; pass 0.2, or "
            "0 for none",
            code="not-in-range",
            parameter="validation",
        )
    return share


def require_trainer(trainer: object) -> TrainerFor:
    """Return a trainer or a function; refuse other values."""
    if isinstance(trainer, Trainer) or (callable(trainer) and not isinstance(trainer, type)):
        return trainer
    raise InvalidParameterError(
        "trainer must be a shelfvision.Trainer, or a function that returns one for a model and its "
        f"training set, got {trainer!r}; pass Trainer() or Trainer.recommended",
        code="wrong-type",
        parameter="trainer",
    )


def require_balance(balance: object) -> BalancingAugmenter | None:
    """Return a balancer or None; refuse other values."""
    if balance is None or isinstance(balance, BalancingAugmenter):
        return balance
    raise InvalidParameterError(
        f"balance must be a shelfvision.BalancingAugmenter or None, got {balance!r}; pass "
        "BalancingAugmenter()",
        code="wrong-type",
        parameter="balance",
    )


def fit_held_out(
    model: keras.Model,
    trainer: TrainerFor,
    dataset: Dataset,
    *,
    validation: float,
    balance: BalancingAugmenter | None,
    seed: int,
    adjust: Callable[[Trainer], Trainer] = lambda trainer: trainer,
) -> HeldOutFit:
    """Train a model on a dataset, of which a share is its validation set.

    Parameters
    ----------
    model : keras.Model
        The model, as for `Trainer.fit`.
    trainer : Trainer or callable
        The trainer, or a function that returns it for the model and its training set.
    dataset : Dataset
        Photos without augmented copies.
    validation : float
        The share of the validation set, 0 to 1. With 0, the training loss chooses the best epoch.
    balance : BalancingAugmenter or None
        What balances the training set after the division.
    seed : int
        The seed of the division.
    adjust : callable
        Changes the trainer before it is used.

    Returns
    -------
    HeldOutFit
        The result and the two sets.

    Raises
    ------
    SplitError
        A class has one group only, which cannot be in both sets.
    """
    train, held_out = divided(dataset, validation, seed=seed)
    found = trainer if isinstance(trainer, Trainer) else trainer(model, train)
    found = adjust(found)
    if held_out is None and found.monitor == "auto":
        found = replace(found, monitor="loss")
    seen = train if balance is None else balance.balance(train)
    return HeldOutFit(result=found.fit(model, seen, held_out), train=train, validation=held_out)


def divided(dataset: Dataset, validation: float, *, seed: int) -> tuple[Dataset, Dataset | None]:
    """Return the training and the validation set; groups stay together."""
    if validation == 0:
        return dataset, None
    share = Fraction(str(validation))
    splitter = SeededSplitter(float(1 - share), float(share), 0, seed=seed)
    sets = splitter.split(dataset)
    return sets.train, sets.validation
