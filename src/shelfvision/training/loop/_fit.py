"""The course of one `Trainer.fit`: check, compile, go on or start, train, make the result."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from shelfvision.augment.copies import describe_copies
from shelfvision.data import Dataset, Preprocessing
from shelfvision.data.splitting.leaks import Leak
from shelfvision.errors import InvalidParameterError, TrainingWarning
from shelfvision.inference import Classifier
from shelfvision.training._result import TrainingResult
from shelfvision.training.display._epoch_progress import reporter_for
from shelfvision.training.loop._batches import Batches
from shelfvision.training.loop._compile import (
    compile_for,
    compiled_by_caller,
    require_backend,
    uses_class_numbers,
)
from shelfvision.training.loop._input_checks import (
    check_model,
    check_parts,
    check_probabilities,
    parts_without_leaks,
)
from shelfvision.training.loop._keras_fit import train as train_run
from shelfvision.training.loop._label_checks import check_labels
from shelfvision.training.loop._mixed_precision import computing_in
from shelfvision.training.loop._own_callbacks import built_in
from shelfvision.training.run._best_epoch import BestEpoch, mode_of
from shelfvision.training.run._checkpoints import Checkpoints
from shelfvision.training.run._identity import run_identity
from shelfvision.training.run._interrupt import deferred_interrupt
from shelfvision.training.run._resume import environment, found_state, require_a_run
from shelfvision.training.run._run import Run
from shelfvision.training.run._state import Json
from shelfvision.training.settings._class_weight import class_weights
from shelfvision.training.settings._settings import Resume, Settings, described_settings, finite
from shelfvision.training.transfer._fine_tuning import FineTuning, fine_tuning_for

if TYPE_CHECKING:
    import keras


def fit(
    settings: Settings,
    model: keras.Model,
    train: Dataset,
    validation: Dataset | None,
    resume: Resume,
) -> TrainingResult:
    """Train the model as the trainer says, or go on with a run that is on disk."""
    require_backend()
    validation = check_parts(train, validation, settings.batch_size)
    train, validation, leaks = parts_without_leaks(train, validation, settings.on_leak)
    check_model(model, train)
    check_probabilities(model, train)
    monitor = _monitor(settings, validation)
    if compiled_by_caller(model):
        check_labels(model, train)
    weights = class_weights(settings.class_weight, train)
    stage = fine_tuning_for(settings, model, train, validation)
    steps = math.ceil(len(train) / settings.batch_size)
    compile_for(settings, model, steps=steps)
    if stage.learner is not model:
        compile_for(settings, stage.learner, steps=steps)
    identity = run_identity(settings, model, train, validation) | stage.identity
    directory = None if settings.checkpoint_dir is None else Path(settings.checkpoint_dir)
    require_a_run(directory, resume)
    with nullcontext() if directory is None else Checkpoints(directory) as checkpoints:
        if checkpoints is not None:
            checkpoints.open()
        run = _new_run(
            settings, stage, train, monitor=monitor, identity=identity, checkpoints=checkpoints
        )
        state = found_state(checkpoints, resume, identity, epochs=settings.epochs)
        if state is not None:
            run.restore(state)
        elif checkpoints is not None:
            checkpoints.clear()
        if not run.finished:
            with stage.opened(settings):
                _train(settings, run, stage, validation, weights)
        run.keep_best()
        result = _result(settings, run, model, (train, validation), identity=identity, leaks=leaks)
        if checkpoints is not None:
            checkpoints.write_result(run.history, result.classifier.save)
    return result


def _monitor(settings: Settings, validation: Dataset | None) -> str:
    if settings.monitor == "auto" and validation is not None:
        return "val_loss"
    if settings.monitor == "auto":
        warnings.warn(
            TrainingWarning(
                "without a validation set the best epoch is the one with the lowest training loss, "
                "which rewards overfitting; pass validation photos, or monitor='loss' if this is "
                "what you want",
                code="no-validation",
                parameter="validation",
            ),
            stacklevel=4,
        )
        return "loss"
    if settings.monitor.startswith("val_") and validation is None:
        raise InvalidParameterError(
            f"monitor is {settings.monitor!r}, but there is no validation part to measure it on; "
            "pass validation photos, or monitor='loss'",
            code="needs-validation",
            parameter="monitor",
        )
    return settings.monitor


def _new_run(
    settings: Settings,
    stage: FineTuning,
    train: Dataset,
    *,
    monitor: str,
    identity: Mapping[str, Json],
    checkpoints: Checkpoints | None,
) -> Run:
    mode = mode_of(monitor) if settings.mode == "auto" else settings.mode
    return Run(
        model=stage.learner,
        batches=Batches(
            train,
            batch_size=settings.batch_size,
            sparse=uses_class_numbers(stage.learner),
            seed=settings.seed,
            augmenter=settings.augmenter,
            activations=stage.train,
        ),
        n_photos=len(train),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        monitor=monitor,
        best=BestEpoch(mode=mode, patience=settings.patience, min_delta=settings.min_delta),
        callbacks=(*built_in(settings, train, monitor=monitor, mode=mode), *settings.callbacks),
        identity=identity,
        environment=environment(),
        checkpoints=checkpoints,
        save_every=settings.save_every,
    )


def _train(
    settings: Settings,
    run: Run,
    stage: FineTuning,
    validation: Dataset | None,
    weights: dict[int, float] | None,
) -> None:
    """Train until the end, a failure or Ctrl-C; then a model with a best epoch is on it."""
    held_out = None
    if validation is not None:
        held_out = Batches(
            validation,
            batch_size=settings.batch_size,
            sparse=uses_class_numbers(run.model),
            activations=stage.validation,
        )
    try:
        _train_watched(settings, run, held_out, weights)
    except KeyboardInterrupt:
        run.keep_best()
        if run.epoch == 0:
            raise
        run.interrupted = True
        _warn_of_interrupt(settings, run)
    except BaseException:
        run.keep_best()
        raise


def _train_watched(
    settings: Settings, run: Run, held_out: Batches | None, weights: dict[int, float] | None
) -> None:
    """Train in the layers' precision, with a live line, and Ctrl-C put off to the end of a step."""
    steps = run.batches.steps
    reporter = reporter_for(settings.verbose, epochs=run.epochs, steps=steps, done=run.epoch)
    precision = computing_in(settings.mixed_precision, run.model)
    with deferred_interrupt() as run.interrupt, reporter as run.reporter, precision:
        train_run(run, held_out, class_weight=weights)


def _warn_of_interrupt(settings: Settings, run: Run) -> None:
    further = "" if settings.checkpoint_dir is None else "; fit again with this Trainer to go on"
    warnings.warn(
        TrainingWarning(
            f"training was interrupted in epoch {run.epoch + 1}; the result is that of epoch "
            f"{run.best.epoch}, the best so far{further}",
            code="interrupted",
        ),
        stacklevel=5,
    )


def _result(
    settings: Settings,
    run: Run,
    model: keras.Model,
    parts: tuple[Dataset, Dataset | None],
    *,
    identity: Mapping[str, Json],
    leaks: tuple[Leak, ...],
) -> TrainingResult:
    train, validation = parts
    metrics = {name: values[run.best.epoch - 1] for name, values in run.history.items()}
    told_settings = {
        name: value
        for name, value in described_settings(settings).items()
        if name not in ("cache_dir", "checkpoint_dir", "verbose", "callbacks")
    }
    classifier = Classifier.from_model(
        model,
        class_names=train.class_names,
        preprocessing=Preprocessing(image_size=train.image_size, resize=train.resize),
        provenance={
            **environment(),
            "backend": identity["backend"],
            "trainer": told_settings,
            "balancing": describe_copies(train),
            "training_photos": identity["training photos"],
            "validation_photos": identity["validation photos"],
            "class_counts": train.class_counts,
            "best_epoch": run.best.epoch,
            "stopped_epoch": run.epoch,
            "monitor": run.monitor,
            "metrics": finite(metrics),
        },
    ).with_validation(validation)
    return TrainingResult(
        model=model,
        classifier=classifier,
        history=run.history,
        monitor=run.monitor,
        best_epoch=run.best.epoch,
        stopped_epoch=run.epoch,
        interrupted=run.interrupted,
        leaks=leaks,
        timings=run.timings,
    )
