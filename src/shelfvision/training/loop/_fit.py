"""The steps of `Trainer.fit`, in order.

Check the photos and the model, compile, resume a run or start a new one, train, and create the
`TrainingResult`.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shelfvision._photos.sources import crop_rule_of, kept
from shelfvision._progress import Verbose
from shelfvision._storage.json_values import Json
from shelfvision.augment.copies import describe_copies
from shelfvision.data import Dataset, Preprocessing
from shelfvision.data.aligning import as_predicted
from shelfvision.data.splitting.leaks import Leak
from shelfvision.errors import InvalidParameterError, TrainingWarning
from shelfvision.inference import Classifier
from shelfvision.training._result import TrainingResult
from shelfvision.training.devices._found import (
    Devices,
    devices_of,
    require_supported,
)
from shelfvision.training.display._epoch_progress import reporter_for
from shelfvision.training.loop._batches import Batches
from shelfvision.training.loop._compile import (
    compile_model,
    compiled_by_caller,
    refuse_ignored_settings,
    require_backend,
    require_loss,
    uses_class_numbers,
)
from shelfvision.training.loop._input_checks import (
    check_model,
    check_parts,
    check_probabilities,
    resolve_leaks,
)
from shelfvision.training.loop._keras_fit import train as train_run
from shelfvision.training.loop._label_checks import check_labels
from shelfvision.training.loop._mixed_precision import MixedPrecision, computing_in
from shelfvision.training.loop._own_callbacks import own_callbacks
from shelfvision.training.run._best_epoch import BestEpoch, mode_of
from shelfvision.training.run._checkpoints import Checkpoints
from shelfvision.training.run._identity import identity_digest, run_identity
from shelfvision.training.run._interrupt import deferred_interrupt
from shelfvision.training.run._resume import Resume, environment, require_a_run, resume_or_begin
from shelfvision.training.run._run import Run
from shelfvision.training.settings._class_weight import class_weights
from shelfvision.training.settings._encoding import encoded_settings, finite, type_and_digest
from shelfvision.training.settings._setting import names_of
from shelfvision.training.transfer._fine_tuning import FineTuning, fine_tuning_for
from shelfvision.training.transfer._views import views_with

if TYPE_CHECKING:
    import keras

    from shelfvision.training._trainer import Trainer


def fit(
    trainer: Trainer,
    model: keras.Model,
    train: Dataset,
    validation: Dataset | None,
    resume: Resume,
) -> TrainingResult:
    """Train a model with the settings of a trainer, or resume a run from its checkpoint."""
    require_backend()
    validation = check_parts(train, validation, trainer.batch_size)
    train, validation, leaks = resolve_leaks(train, validation, trainer.on_leak)
    train, validation = _with_kept_crops(train, validation, trainer.cache_dir)
    check_model(model, train)
    devices = devices_of(model)
    check_probabilities(model, train)
    monitor = _monitor(trainer.monitor, validation)
    if compiled_by_caller(model):
        check_labels(model, train)
        require_loss(model)
        refuse_ignored_settings(trainer)
    weights = class_weights(trainer.class_weight, train)
    views = views_with(trainer.augmenter, count=trainer.views, seed=trainer.seed)
    preprocessing = _preprocessing(train, validation, trainer.test_time_crop)
    seen = None if validation is None else as_predicted(validation, preprocessing)
    tuning = fine_tuning_for(model, trainer.fine_tune, train, seen, views)
    for network in dict.fromkeys((model, tuning.learner)):  # without a cut, these are one
        compile_model(trainer, network, steps=math.ceil(len(train) / trainer.batch_size))
    require_supported(devices, tuning.learner)
    identity = run_identity(trainer, model, train, validation) | tuning.identity | devices.identity
    known_as = identity_digest(identity)
    directory = None if trainer.checkpoint_dir is None else Path(trainer.checkpoint_dir)
    require_a_run(directory, resume)
    with nullcontext() if directory is None else Checkpoints(directory) as checkpoints:
        if checkpoints is not None:
            checkpoints.open()
        run = _new_run(
            trainer, tuning, devices, train, monitor, identity=known_as, checkpoints=checkpoints
        )
        resume_or_begin(run, identity, resume)
        if not run.finished:
            held_out = _held_out(seen, tuning, trainer.batch_size, devices.replicas)
            with tuning.opened(trainer.cache_dir, trainer.verbose):
                _train(run, held_out, weights, trainer.verbose, trainer.mixed_precision)
        run.keep_best()
        classifier = _classifier(
            trainer, run, model, train, preprocessing=preprocessing, identity=identity
        )
        result = _result(run, model, classifier.with_validation(validation), leaks)
        if checkpoints is not None:
            checkpoints.write_result(run.history, result.classifier.save)
    return result


def _monitor(monitor: str, validation: Dataset | None) -> str:
    if monitor == "auto" and validation is not None:
        return "val_loss"
    if monitor == "auto":
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
    if monitor.startswith("val_") and validation is None:
        raise InvalidParameterError(
            f"monitor is {monitor!r}, which needs a validation set, got none; "
            "pass validation photos, or monitor='loss'",
            code="needs-validation",
            parameter="monitor",
        )
    return monitor


def _new_run(
    trainer: Trainer,
    tuning: FineTuning,
    devices: Devices,
    train: Dataset,
    monitor: str,
    *,
    identity: str,
    checkpoints: Checkpoints | None,
) -> Run:
    batches = Batches(
        train,
        batch_size=trainer.batch_size,
        sparse=uses_class_numbers(tuning.learner),
        seed=trainer.seed,
        augmenter=trainer.augmenter,
        activations=tuning.train,
        replicas=devices.replicas,
    )
    mode = mode_of(monitor) if trainer.mode == "auto" else trainer.mode
    best = BestEpoch(mode=mode, patience=trainer.patience, min_delta=trainer.min_delta)
    own = own_callbacks(trainer.schedule, train, steps=batches.steps, best=best, monitor=monitor)
    return Run(
        model=tuning.learner,
        batches=batches,
        epochs=trainer.epochs,
        monitor=monitor,
        best=best,
        callbacks=(*own, *trainer.callbacks),
        identity=identity,
        environment=environment() | devices.environment,
        devices=devices,
        checkpoints=checkpoints,
        save_every=trainer.save_every,
    )


def _held_out(
    validation: Dataset | None, tuning: FineTuning, batch_size: int, replicas: int
) -> Batches | None:
    if validation is None:
        return None
    return Batches(
        validation,
        batch_size=batch_size,
        sparse=uses_class_numbers(tuning.learner),
        activations=tuning.validation,
        replicas=replicas,
    )


def _train(
    run: Run,
    held_out: Batches | None,
    weights: dict[int, float] | None,
    verbose: Verbose,
    mixed_precision: MixedPrecision | None,
) -> None:
    """Train until the end, an error or Ctrl-C; after the latter two, restore the best epoch."""
    steps = run.batches.steps
    precision = computing_in(mixed_precision, run.model)
    try:
        reporter = reporter_for(verbose, epochs=run.epochs, steps=steps, done=run.epoch)
        with deferred_interrupt() as run.interrupt, reporter as run.reporter, precision:
            train_run(run, held_out, class_weight=weights)
    except KeyboardInterrupt:
        run.keep_best()
        if run.epoch == 0:
            raise
        run.interrupted = True
        _warn_of_interrupt(run)
    except BaseException:
        run.keep_best()
        raise


def _warn_of_interrupt(run: Run) -> None:
    further = "" if run.checkpoints is None else "; call fit of this Trainer again to resume"
    warnings.warn(
        TrainingWarning(
            f"training was interrupted in epoch {run.epoch + 1}; the result is that of epoch "
            f"{run.best.epoch}, the best so far{further}",
            code="interrupted",
        ),
        stacklevel=5,
    )


def _preprocessing(
    train: Dataset, validation: Dataset | None, test_time_crop: float
) -> Preprocessing:
    """Return how the classifier reads photos: as the training set, with crop rule and center crop.

    A classifier that is trained on photos of single products but validated on boxes of shelves gets
    the crop rule of these boxes.
    """
    sources = [part.table.source for part in (train, validation) if part is not None]
    rule = next(filter(None, map(crop_rule_of, sources)), None)
    own = replace(train.preprocessing, test_time_crop=test_time_crop)
    return own if rule is None else replace(own, context=rule.context, shape=rule.shape)


def _with_kept_crops(
    train: Dataset, validation: Dataset | None, cache_dir: str | os.PathLike[str] | None
) -> tuple[Dataset, Dataset | None]:
    """Return the same rows; boxes of shelf photos are cropped once, when the first is read."""
    directory = None if cache_dir is None else os.fspath(cache_dir)

    def kept_in(part: Dataset) -> Dataset:
        table = part.table
        return Dataset(replace(table, source=kept(table.source, table.rows, directory)))

    return kept_in(train), None if validation is None else kept_in(validation)


def _classifier(
    trainer: Trainer,
    run: Run,
    model: keras.Model,
    train: Dataset,
    *,
    preprocessing: Preprocessing,
    identity: Mapping[str, Json],
) -> Classifier:
    """Return the classifier of the best epoch, with its provenance."""
    metrics = {name: values[run.best.epoch - 1] for name, values in run.history.items()}
    classifier = Classifier.from_model(
        model,
        class_names=train.class_names,
        preprocessing=preprocessing,
        provenance={
            **run.environment,
            "replicas": run.devices.replicas,
            "backend": identity["backend"],
            "trainer": encoded_settings(
                trainer, type_and_digest, names_of(type(trainer), "unrecorded")
            ),
            "balancing": describe_copies(train),
            "training_photos": identity["training photos"],
            "validation_photos": identity["validation photos"],
            "class_counts": train.class_counts,
            "best_epoch": run.best.epoch,
            "stopped_epoch": run.epoch,
            "monitor": run.monitor,
            "metrics": finite(metrics),
        },
    )
    return classifier.with_product_codes(train.product_codes)


def _result(
    run: Run, model: keras.Model, classifier: Classifier, leaks: tuple[Leak, ...]
) -> TrainingResult:
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
