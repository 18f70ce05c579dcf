"""Photos that a classifier was trained on: its answers for them prove nothing about new photos."""

from __future__ import annotations

from collections.abc import Sequence

from shelfvision._validation import counted, one_of, received
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.data.arguments import require_dataset
from shelfvision.data.splitting.leaks import ON_LEAK, OnLeak
from shelfvision.errors import DataError, InvalidParameterError, LeakageError
from shelfvision.evaluation.scores._leakage import (
    LeakageCheck,
    leakage_between,
    leakage_warning,
    leaked_rows,
)


def checked_for_leakage(
    dataset: Dataset, training: Dataset | Sequence[Dataset] | None, on_leak: OnLeak
) -> tuple[Dataset, tuple[str, ...]]:
    """Return the photos to evaluate, and a note about those that were trained on."""
    one_of("on_leak", on_leak, ON_LEAK)
    trained = _datasets(training)
    check = leakage_between(trained, dataset)
    if check.ok:
        return dataset, ()
    what = f"{counted(check.photos, 'photo')} of {counted(check.groups, 'group')}"
    if on_leak == "raise":
        raise LeakageError(
            f"dataset must not have training photos (data leakage), got {what} (for example "
            f"{check.examples[0]!r}); pass on_leak='drop' to leave them out",
            code="leakage",
            parameter="dataset",
        )
    if on_leak == "allow":
        warn_caller(leakage_warning(check))
        return dataset, (f"Data leakage: {what} are in training, so the scores are too high.",)
    return _without(dataset, trained, check), (f"{what} were left out, because of data leakage.",)


def _without(dataset: Dataset, trained: Sequence[Dataset], check: LeakageCheck) -> Dataset:
    if check.photos == len(dataset):
        raise DataError(
            f"dataset must have photos that are not in training, got {len(dataset)} that all are; "
            "pass other photos",
            code="leakage",
            parameter="dataset",
        )
    return dataset[~leaked_rows(trained, dataset)]


def _datasets(training: object) -> tuple[Dataset, ...]:
    if training is None:
        return ()
    if isinstance(training, Dataset):
        return (training,)
    if not isinstance(training, Sequence) or isinstance(training, str | bytes):
        raise InvalidParameterError(
            f"training must be a Dataset or a sequence of them, got {received(training)}; pass the "
            "training photos of either classifier",
            code="wrong-type",
            parameter="training",
        )
    return tuple(require_dataset("training", one) for one in training)
