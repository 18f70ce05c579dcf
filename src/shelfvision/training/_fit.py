"""The course of one `Trainer.fit`: check, compile, go on or start, train, make the result."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from shelfvision.augment._pixels import copies_told
from shelfvision.augment._recipes import told
from shelfvision.data import Dataset
from shelfvision.data.splitting._leaks import Leak
from shelfvision.errors import InvalidParameterError, ResumeError, TrainingWarning
from shelfvision.inference import Classifier
from shelfvision.models._backend import load_keras
from shelfvision.training._best import BestEpoch, mode_of
from shelfvision.training._checks import (
    check_model,
    check_parts,
    check_probabilities,
    without_leaks,
)
from shelfvision.training._compile import compile_for, require_backend, uses_class_numbers
from shelfvision.training._feed import Batches, as_keras_data
from shelfvision.training._identity import changes, identity_of
from shelfvision.training._interrupt import deferred_interrupt
from shelfvision.training._progress import reporter_for
from shelfvision.training._result import TrainingResult
from shelfvision.training._run import Run, hooks
from shelfvision.training._settings import Resume, Settings, finite
from shelfvision.training._state import Json, RunState
from shelfvision.training._store import BEST, Checkpoints

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
    check_parts(train, validation, settings.batch_size)
    train, validation, leaks = without_leaks(train, validation, settings.on_leak)
    check_model(model, train)
    check_probabilities(model, train)
    monitor = _monitor(settings, validation)
    compile_for(settings, model)
    identity = identity_of(settings, model, train, validation)
    directory = None if settings.checkpoint_dir is None else Path(settings.checkpoint_dir)
    with nullcontext() if directory is None else Checkpoints(directory) as checkpoints:
        state = _found_state(settings, checkpoints, resume, identity)
        if checkpoints is not None:
            checkpoints.require_writable()
        run = _new_run(
            settings, model, train, monitor=monitor, identity=identity, checkpoints=checkpoints
        )
        if state is not None:
            run.restore(state)
        elif checkpoints is not None:
            checkpoints.clear()
        if not run.finished:
            _train(settings, run, validation)
        run.keep_best()
    result = _result(settings, run, train, identity, leaks)
    if directory is not None:
        result.classifier.save(directory / BEST)
    return result


def _monitor(settings: Settings, validation: Dataset | None) -> str:
    if settings.monitor == "auto" and validation is not None:
        return "val_loss"
    if settings.monitor == "auto":
        warnings.warn(
            "there is no validation part, so the best epoch is the one with the lowest training "
            "loss, which prefers memory to skill; pass validation photos, or monitor='loss' if "
            "this is what you want",
            TrainingWarning,
            stacklevel=4,
        )
        return "loss"
    if settings.monitor.startswith("val_") and validation is None:
        raise InvalidParameterError(
            f"monitor is {settings.monitor!r}, but there is no validation part to measure it on; "
            "pass validation photos, or monitor='loss'"
        )
    return settings.monitor


def _found_state(
    settings: Settings,
    checkpoints: Checkpoints | None,
    resume: Resume,
    identity: Mapping[str, Json],
) -> RunState | None:
    """Return the state to go on from, once it is known to be of this very run."""
    if checkpoints is None and resume == "must":
        raise ResumeError('resume="must" needs a checkpoint_dir with the run to go on with')
    if checkpoints is None or resume == "never":
        return None
    state = checkpoints.load()
    where = repr(str(checkpoints.directory))
    if state is None and resume == "must":
        raise ResumeError(
            f'resume="must", but there is no run in {where}; check checkpoint_dir, or start one '
            'with resume="auto"'
        )
    if state is None:
        return None
    changed = changes(state.identity, identity)
    if settings.epochs < state.epoch:
        changed.append(f"epochs to {settings.epochs}, of which {state.epoch} are already done")
    if changed:
        raise ResumeError(
            f"the run in {where} cannot go on, because these changed: {'; '.join(changed)}; "
            'choose a new checkpoint_dir, or start over in this one with resume="never"'
        )
    _warn_of_versions(changes(state.environment, _environment()))
    return state


def _warn_of_versions(changed: list[str]) -> None:
    if changed:
        warnings.warn(
            f"the run goes on with another version of {'; '.join(changed)}, so it may end in other "
            "bits than it would have",
            TrainingWarning,
            stacklevel=5,
        )


def _environment() -> dict[str, Json]:
    return {
        "keras": str(load_keras().__version__),
        "shelfvision": importlib.metadata.version("shelfvision"),
    }


def _new_run(
    settings: Settings,
    model: keras.Model,
    train: Dataset,
    *,
    monitor: str,
    identity: Mapping[str, Json],
    checkpoints: Checkpoints | None,
) -> Run:
    mode = mode_of(monitor) if settings.mode == "auto" else settings.mode
    return Run(
        model=model,
        batches=Batches(
            train,
            batch_size=settings.batch_size,
            sparse=uses_class_numbers(model),
            seed=settings.seed,
            augmenter=settings.augmenter,
        ),
        n_photos=len(train),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        monitor=monitor,
        best=BestEpoch(mode=mode, patience=settings.patience, min_delta=settings.min_delta),
        callbacks=settings.callbacks,
        identity=identity,
        environment=_environment(),
        checkpoints=checkpoints,
    )


def _train(settings: Settings, run: Run, validation: Dataset | None) -> None:
    """Train until the end, a failure or Ctrl-C; then a model with a best epoch is on it."""
    held_out = None
    if validation is not None:
        held_out = Batches(
            validation, batch_size=settings.batch_size, sparse=uses_class_numbers(run.model)
        )
    try:
        _fit_keras(settings, run, held_out)
    except KeyboardInterrupt:
        run.keep_best()
        if run.epoch == 0:
            raise
        run.interrupted = True
        _warn_of_interrupt(settings, run)
    except Exception as error:
        run.keep_best()
        for batches in (run.batches, held_out):
            if batches is not None and batches.failure is not None:
                # TensorFlow wraps what a feed raises into an error of its own.
                raise batches.failure from error
        raise


def _fit_keras(settings: Settings, run: Run, held_out: Batches | None) -> None:
    before, behind = hooks(run)
    steps = len(run.batches)
    reporter = reporter_for(settings.verbose, epochs=run.epochs, steps=steps, done=run.epoch)
    with deferred_interrupt() as run.interrupt, reporter as run.reporter:
        run.model.fit(
            as_keras_data(run.batches),
            validation_data=None if held_out is None else as_keras_data(held_out),
            initial_epoch=run.epoch,
            epochs=run.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[before, *run.callbacks, behind],
        )


def _warn_of_interrupt(settings: Settings, run: Run) -> None:
    further = "" if settings.checkpoint_dir is None else "; fit again with this Trainer to go on"
    warnings.warn(
        f"training was interrupted in epoch {run.epoch + 1}; the result is that of epoch "
        f"{run.best.epoch}, the best so far{further}",
        TrainingWarning,
        stacklevel=5,
    )


def _result(
    settings: Settings,
    run: Run,
    train: Dataset,
    identity: Mapping[str, Json],
    leaks: tuple[Leak, ...],
) -> TrainingResult:
    metrics = {name: values[run.best.epoch - 1] for name, values in run.history.items()}
    told_settings: dict[str, object] = {
        name: value
        for name, value in settings.to_dict().items()
        if name not in ("checkpoint_dir", "verbose", "callbacks")
    }
    if settings.augmenter is not None:
        told_settings["augmenter"] = told(settings.augmenter)
    classifier = Classifier.from_model(
        run.model,
        class_names=train.class_names,
        resize=train.resize,
        provenance={
            **_environment(),
            "backend": identity["backend"],
            "trainer": told_settings,
            "balancing": copies_told(train),
            "training_photos": identity["training photos"],
            "validation_photos": identity["validation photos"],
            "class_counts": train.class_counts,
            "best_epoch": run.best.epoch,
            "stopped_epoch": run.epoch,
            "monitor": run.monitor,
            "metrics": finite(metrics),
        },
    )
    return TrainingResult(
        model=run.model,
        classifier=classifier,
        history=run.history,
        monitor=run.monitor,
        best_epoch=run.best.epoch,
        stopped_epoch=run.epoch,
        interrupted=run.interrupted,
        leaks=leaks,
        timings=run.timings,
    )
