"""`cross_validate`: train and evaluate a new model for each fold of a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_integer, as_number, as_seed
from shelfvision.augment import BalancingAugmenter
from shelfvision.cross_validation._result import CrossValidation, FoldScores
from shelfvision.data import Dataset, SeededFolds
from shelfvision.data.arguments import require_dataset
from shelfvision.data.table import frozen
from shelfvision.errors import InvalidParameterError, ModelError
from shelfvision.evaluation import Bootstrap, EvaluationReport, evaluate
from shelfvision.predictions import Predictions, ValidationScores
from shelfvision.training import Trainer
from shelfvision.training.held_out import (
    TrainerFor,
    fit_held_out,
    require_balance,
    require_share,
    require_trainer,
)

if TYPE_CHECKING:
    import keras


def cross_validate(
    build: Callable[[], keras.Model],
    trainer: TrainerFor,
    dataset: Dataset,
    *,
    n_folds: int = 5,
    seed: int = 42,
    validation: float = 0.2,
    balance: BalancingAugmenter | None = None,
    confidence_level: SupportsFloat = 0.95,
    resamples: SupportsIndex = 1000,
) -> CrossValidation:
    """Train a new model on each fold's training set, and evaluate it on the fold's test set.

    The folds are those of ``SeededSplitter(seed=seed).folds(dataset, n_folds)``. Each photo is in
    one test set. Each training set is divided again: the model trains on most of it, and the rest
    is the validation set that chooses the best epoch. Balancing follows this division, so no
    augmented copy is in a validation or test set.

    Parameters
    ----------
    build : callable
        Returns a new model, such as ``lambda: shv.build_model(5)``. It is called once per fold.
    trainer : Trainer or callable
        The hyperparameters, or a function that returns a `Trainer` for the model and its training
        set, such as `Trainer.recommended`. With a ``checkpoint_dir``, each fold has a folder
        ``fold-1``, ``fold-2``, … in it, and an interrupted call resumes.
    dataset : Dataset
        The photos, without augmented copies. Groups stay in one fold.
    n_folds : int, default=5
        The number of folds, at least 2.
    seed : int, default=42
        The seed of both divisions and of the confidence intervals.
    validation : float, default=0.2
        The share of each training set that is the validation set, from 0 up to but not including
        1. With 0, the training loss chooses the best epoch.
    balance : BalancingAugmenter, optional
        What balances each training set. By default no photo is copied.
    confidence_level : float, default=0.95
        The level of the confidence intervals, strictly between 0 and 1.
    resamples : int, default=1000
        The number of bootstrap resamples of the reports.

    Returns
    -------
    CrossValidation
        The scores, reports and classifiers of the folds, and a report of all photos together.

    Raises
    ------
    InvalidParameterError
        A parameter has the wrong type or is out of range.
    SplitError
        There are fewer groups than folds, or a class has too few groups to be in every set.
    LeakageError
        The dataset contains augmented copies.
    ModelError
        `build` returned a model that it had returned before, or one that does not match the photos.

    Warns
    -----
    LeakageWarning
        The folds part near-duplicates or bursts (code ``"groups-parted"``).

    Examples
    --------
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products({"Can": 6, "Carton": 6}, image_size=(32, 32))
    >>> found = shv.cross_validate(
    ...     lambda: shv.build_model(2, image_size=(32, 32), architecture="shelf_cnn"),
    ...     shv.Trainer(epochs=1),
    ...     photos,
    ...     n_folds=2,
    ... )
    >>> found.scores.shape, found.report.n
    ((2,), 12)
    """
    require_dataset("dataset", dataset)
    _require_build(build)
    settings = Bootstrap(
        confidence_level=as_number(
            "confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True
        ),
        resamples=as_integer("resamples", resamples, minimum=1),
        seed=as_seed(seed),
    )
    recipe = _Recipe(
        build=build,
        trainer=require_trainer(trainer),
        validation=require_share(validation),
        balance=require_balance(balance),
        settings=settings,
    )
    rows = list(SeededFolds(n_folds, seed=seed).split(dataset))
    models: list[keras.Model] = []
    folds = [
        _fold(recipe, number, dataset[train], dataset[test], models)
        for number, (train, test) in enumerate(rows, 1)
    ]
    return _joined(dataset, [test for _, test in rows], folds, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How each fold is trained and evaluated."""

    build: Callable[[], keras.Model]
    trainer: TrainerFor
    validation: float
    balance: BalancingAugmenter | None
    settings: Bootstrap


def _fold(
    recipe: _Recipe, number: int, train: Dataset, test: Dataset, models: list[keras.Model]
) -> FoldScores:
    """Return the scores of one fold; `models` are those of the folds before it."""
    model = recipe.build()
    if any(model is other for other in models):
        raise ModelError(
            "build must return a new model each time, got the model of another fold, which was "
            "trained on photos of this test set; build the model inside the function",
            code="duplicate",
            parameter="build",
        )
    models.append(model)
    fitted = fit_held_out(
        model,
        recipe.trainer,
        train,
        validation=recipe.validation,
        balance=recipe.balance,
        seed=recipe.settings.seed,
        adjust=partial(_in_own_folder, number=number),
    )
    report = evaluate(fitted.result.classifier, test, **asdict(recipe.settings))
    return FoldScores(
        report=report,
        classifier=fitted.result.classifier,
        best_epoch=fitted.result.best_epoch,
        n_train=len(fitted.train),
        n_validation=0 if fitted.validation is None else len(fitted.validation),
    )


def _in_own_folder(trainer: Trainer, number: int) -> Trainer:
    """Return the trainer with a folder for one fold's checkpoints."""
    if trainer.checkpoint_dir is None:
        return trainer
    return replace(trainer, checkpoint_dir=os.path.join(trainer.checkpoint_dir, f"fold-{number}"))


def _joined(
    dataset: Dataset,
    tests: Sequence[npt.NDArray[np.int64]],
    folds: Sequence[FoldScores],
    settings: Bootstrap,
) -> CrossValidation:
    """Return the result, with the predictions of all folds in the order of the dataset."""
    fold_of = np.empty(len(dataset), dtype=np.int64)
    order = np.argsort(np.concatenate(tests))
    for number, rows in enumerate(tests):
        fold_of[rows] = number
    predictions = Predictions(
        np.concatenate([fold.report.predictions.probabilities for fold in folds])[order],
        dataset.class_names,
        dataset.ids,
    )
    report = EvaluationReport(
        predictions, dataset.labels, groups=dataset.groups, **asdict(settings)
    )
    scores = ValidationScores.of(predictions.probabilities, dataset.labels, groups=dataset.groups)
    return CrossValidation(
        folds=tuple(folds), report=report, validation_scores=scores, fold_of=frozen(fold_of)
    )


def _require_build(build: object) -> None:
    if callable(build) and not hasattr(build, "layers"):
        return
    raise InvalidParameterError(
        f"build must be a function that returns a new model, got {type(build).__name__}; pass "
        "lambda: shelfvision.build_model(...)",
        code="wrong-type",
        parameter="build",
    )
