"""A trained classifier keeps what its network said of the validation photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import shelfvision as shv
from shelfvision.data import Dataset

if TYPE_CHECKING:
    import keras


def test_validation_photos_leave_their_scores(
    make_model: Callable[..., keras.Model], train: Dataset, validation: Dataset, tmp_path: Path
) -> None:
    trainer = shv.Trainer(epochs=1, batch_size=8, checkpoint_dir=tmp_path)
    result = trainer.fit(make_model(), train, validation)
    kept = result.classifier.validation_scores
    assert kept is not None
    assert np.array_equal(kept.probabilities, result.classifier.predict_proba(validation))
    assert kept.labels.tolist() == validation.labels.tolist()
    assert kept.n_groups == len(set(validation.groups))
    assert result.classifier.calibration is None
    calibration = result.classifier.with_calibration().calibration
    assert calibration is not None
    assert calibration.n_photos == len(validation)
    (best,) = tmp_path.glob("*.shelf")
    saved = shv.Classifier.load(best, builder=lambda _: make_model()).validation_scores
    assert saved is not None
    assert np.array_equal(saved.probabilities, kept.probabilities)


def test_without_a_validation_part_there_are_none(
    make_model: Callable[..., keras.Model], train: Dataset
) -> None:
    result = shv.Trainer(epochs=1, batch_size=8, monitor="loss").fit(make_model(), train)
    assert result.classifier.validation_scores is None
