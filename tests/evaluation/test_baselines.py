"""What stands beside the scores: a nearest neighbour, leaks, and the mistakes themselves."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import shelfvision as shv
from shelfvision._photos.decode import resize_image
from shelfvision.errors import DataError, InvalidParameterError, LeakageWarning
from shelfvision.predictions import Calibration
from support import gives_warning, refuses
from support.answers import Says

PHOTOS = shv.samples.render_products({"Can": 20, "Jar": 14}, image_size=(40, 40))
TRAINING, JUDGED = PHOTOS[::2], PHOTOS[1::2]


NAMES = ("Can", "Jar")
ALWAYS_CAN = Says([0] * len(JUDGED), NAMES)


def test_the_nearest_neighbour_is_scikit_learns_on_thumbnails() -> None:
    report = shv.evaluate(ALWAYS_CAN, JUDGED, training=TRAINING)
    rows = [
        np.array([resize_image(image, image_size=(16, 16)).ravel() for image, _ in part], float)
        for part in (TRAINING, JUDGED)
    ]
    nearest = KNeighborsClassifier(1).fit(rows[0], TRAINING.labels)

    assert report.nearest_baseline == nearest.score(rows[1], JUDGED.labels)
    assert f"nearest neighbour {report.nearest_baseline:.3f}" in str(report)


def test_copies_are_not_among_the_neighbours() -> None:
    dark, light = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    grey = np.full((40, 40, 3), 90, np.uint8)
    training = shv.Dataset.from_arrays(np.stack([dark, dark + 1, light]), ["Can", "Can", "Jar"])
    # The copy of the jar is as dark as the photo to judge.
    copies = shv.BalancingAugmenter(lambda _image, _rng: grey.copy(), seed=1).balance(training)
    judged = shv.Dataset.from_arrays(grey[None], [0], class_names=["Can", "Jar"])

    assert len(copies) == 4
    assert shv.evaluate(Says([0], NAMES), judged, training=copies).nearest_baseline == 1.0


def test_the_calibration_of_a_classifier_is_told() -> None:
    judge = Says([0] * len(JUDGED), NAMES)
    assert shv.evaluate(judge, JUDGED).to_dict()["model"] == {
        "kind": "Says", "parameters": None, "calibration": None, "provenance": {}
    }  # fmt: skip
    judge.calibration = Calibration.fit([[0.9, 0.1], [0.6, 0.4]], [0, 1])

    card = shv.evaluate(judge, JUDGED).model_card()
    assert "| calibration | temperature, fitted on 2 photos |" in card


def test_without_training_photos_nothing_is_said_of_them() -> None:
    report = shv.evaluate(ALWAYS_CAN, JUDGED)

    assert (report.nearest_baseline, report.leakage) == (None, None)


def test_photos_that_were_trained_on_are_found_and_warned_of() -> None:
    with gives_warning(LeakageWarning, "leakage", "training"):
        report = shv.evaluate(
            Says([0] * 4, NAMES), PHOTOS[[0, 2, 21, 23]], training=PHOTOS[np.arange(0, 34, 2)]
        )
    assert report.leakage is not None
    assert (report.leakage.groups, report.leakage.photos) == (2, 2)
    assert report.leakage.examples == tuple(PHOTOS.ids[[0, 2]])
    assert not report.leakage.ok
    assert "LEAKAGE      2 photos trained on" in str(report)


def test_photos_kept_apart_are_no_leak() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        report = shv.evaluate(ALWAYS_CAN, JUDGED, training=TRAINING)
    assert report.leakage is not None
    assert report.leakage.ok
    assert report.leakage.n_training == len(TRAINING)


def test_training_photos_that_do_not_fit_are_refused() -> None:
    with refuses(InvalidParameterError, "wrong-type", "training"):
        shv.evaluate(ALWAYS_CAN, JUDGED, training=[1])  # type: ignore[arg-type]  # wrong on purpose
    with refuses(DataError, "empty", "training"):
        shv.evaluate(ALWAYS_CAN, JUDGED, training=TRAINING[:0])
    with refuses(DataError, "unknown-class", "training"):
        shv.evaluate(ALWAYS_CAN, JUDGED, training=TRAINING.relabel({"Jar": "Tub"}))


def test_the_groups_of_the_dataset_are_drawn_whole() -> None:
    images, labels = JUDGED.to_arrays()
    bursts = shv.Dataset.from_arrays(
        images, labels, class_names=JUDGED.class_names, groups=[f"{row // 4}" for row in range(17)]
    )

    assert shv.evaluate(ALWAYS_CAN, JUDGED).n_groups == 17
    assert shv.evaluate(ALWAYS_CAN, bursts).n_groups == 5


# -- mistakes --------------------------------------------------------------------------------


def wrongly_labelled() -> tuple[shv.EvaluationReport, shv.Dataset]:
    """Return a report of a sure classifier on photos of which two labels are wrong."""
    images, labels = JUDGED.to_arrays()
    wrong = labels.copy()
    wrong[[3, 12]] = 1 - wrong[[3, 12]]
    photos = shv.Dataset.from_arrays(images, wrong, class_names=JUDGED.class_names)
    sure = np.full(17, 0.95)
    sure[[3, 12, 5]] = [0.97, 0.99, 0.6]
    said = labels.copy()
    said[5] = 1 - said[5]
    return shv.evaluate(Says(said, NAMES, sure), photos), photos


def test_wrong_labels_are_the_most_confident_mistakes() -> None:
    report, _ = wrongly_labelled()
    found = report.top_mistakes(2)

    assert [mistake.row for mistake in found] == [12, 3]
    assert found[0].id == "12"
    assert found[0].confidence == pytest.approx(0.99)
    assert found[0].true_probability == pytest.approx(0.01)
    assert {found[0].true, found[0].predicted} == {"Can", "Jar"}
    assert len(report.top_mistakes()) == 3
    assert str(found[0]).startswith("12: labelled 'Can', predicted 'Jar' (99 %)")


def test_mistakes_are_drawn_with_their_photos() -> None:
    report, photos = wrongly_labelled()
    axes = shv.plot.mistakes(report, 2, n_columns=1)

    assert len(axes) == 2
    assert np.array_equal(axes[0].get_images()[0].get_array(), photos[12][0])
    assert axes[0].get_title() == "Jar 99 %\ntrue: Can"


def test_without_photos_or_mistakes_there_is_nothing_to_draw() -> None:
    report, _ = wrongly_labelled()
    with refuses(DataError, "missing-photos"):
        shv.plot.mistakes(pickle.loads(pickle.dumps(report)))
    with refuses(DataError, "needs-classifier", "heat_maps"):
        shv.plot.mistakes(report, heat_maps=True)
    with refuses(DataError, "no-mistakes"):
        shv.plot.mistakes(shv.evaluate(Says(JUDGED.labels, NAMES), JUDGED))
