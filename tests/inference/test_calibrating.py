"""A classifier that knows what its confidence is worth."""

from __future__ import annotations

import io
import pickle
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, ModelError, ShelfVisionWarning
from shelfvision.inference._decision_rule import DecisionRule
from shelfvision.inference.fitting._calibrating import warn_of_too_few
from support import gives_warning, refuses

Pixels = npt.NDArray[np.uint8]
NAMES = ("juice", "milk", "yoghurt")


def scores_of(n: int, groups: int = 1, seed: int = 0) -> shv.ValidationScores:
    """Return scores of a network that claims twice the logits that are true."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    meant = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = meant**2 / (meant**2).sum(axis=1, keepdims=True)
    labels = (meant.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return shv.ValidationScores.of(said, labels, np.arange(n) // groups)


def with_scores(classifier: shv.Classifier, scores: shv.ValidationScores) -> shv.Classifier:
    return classifier.with_validation(scores)


def with_thresholds(classifier: shv.Classifier, thresholds: shv.Thresholds) -> shv.Classifier:
    """Return the classifier with thresholds alone, that nothing was measured for."""
    rule = DecisionRule(thresholds=thresholds)
    return shv.Classifier(replace(classifier.served, decision_rule=rule))


@pytest.fixture(scope="module")
def scored(classifier: shv.Classifier) -> shv.Classifier:
    return with_scores(classifier, scores_of(1500))


def saved(classifier: shv.Classifier) -> shv.Classifier:
    file = io.BytesIO()
    classifier.save(file)
    file.seek(0)
    return shv.Classifier.load(file)


def test_scores_of_a_dataset_are_what_the_network_says(
    classifier: shv.Classifier, dataset: shv.Dataset
) -> None:
    found = classifier.with_validation(dataset).with_calibration().with_validation(dataset)
    kept = found.validation_scores
    assert kept is not None
    assert np.array_equal(kept.probabilities, classifier.predict_proba(dataset))
    assert kept.labels.tolist() == dataset.labels.tolist()
    assert (len(kept), kept.n_groups) == (40, 20)
    assert classifier.validation_scores is None
    assert found.with_validation(None).validation_scores is None


def test_calibration_changes_what_predict_says_but_not_the_labels(
    scored: shv.Classifier, pixels: Pixels
) -> None:
    calibrated = scored.with_calibration()
    assert calibrated.calibration is not None
    assert calibrated.calibration.temperature == pytest.approx(2, rel=0.15)
    raw, found = scored.predict(pixels), calibrated.predict(pixels)
    assert found.labels.tolist() == raw.labels.tolist()
    # A row of float32 may add up to a little under 1, which calibrating sets right.
    assert (found.confidences <= raw.confidences + 1e-6).all()
    assert found.confidences.mean() < raw.confidences.mean()
    wanted = calibrated.calibration.apply(raw.probabilities)
    assert np.array_equal(found.probabilities, wanted)
    assert np.array_equal(calibrated.predict_proba(pixels), wanted)
    assert repr(calibrated).endswith(", calibrated>")


def test_without_a_method_the_network_speaks_for_itself_again(
    scored: shv.Classifier, pixels: Pixels
) -> None:
    raw = scored.with_calibration("isotonic").with_calibration(None)
    assert raw.calibration is None
    assert np.array_equal(raw.predict_proba(pixels), scored.predict_proba(pixels))


def test_a_dataset_given_is_what_is_learned_from(
    scored: shv.Classifier, dataset: shv.Dataset
) -> None:
    found = scored.with_calibration(dataset=dataset)
    assert found.calibration is not None
    assert found.calibration.n_photos == 40
    assert found.validation_scores is scored.validation_scores
    chosen = found.with_threshold(mistake_cost=1, review_cost=1, dataset=dataset)
    assert chosen.thresholds is not None
    assert (chosen.thresholds.n_photos, chosen.thresholds.n_groups) == (40, 20)


def test_thresholds_are_chosen_on_calibrated_scores(scored: shv.Classifier) -> None:
    calibrated = scored.with_calibration()
    found = calibrated.with_threshold(0.9).thresholds
    kept = scored.validation_scores
    assert kept is not None
    assert calibrated.calibration is not None
    rows = calibrated.calibration.apply(kept.probabilities)
    assert found == shv.Thresholds.for_precision(rows, kept.labels, precision=0.9)
    assert found is not None
    assert found.values[0] is not None


def test_decisions_are_those_of_the_thresholds(scored: shv.Classifier, pixels: Pixels) -> None:
    rows = scored.predict_proba(pixels).max(axis=1)
    middle = float(np.median(rows))
    chosen = with_thresholds(scored, shv.Thresholds(values=(middle,)))
    found = chosen.predict([*pixels, b"no photo"], on_error="skip")
    assert found.decisions.tolist()[:-1] == [
        # A confidence reaches a threshold within 1e-6.
        "accept" if x >= middle - 1e-6 else "review"
        for x in rows
    ]
    assert found.decisions[-1] == "review"
    assert repr(chosen).endswith(", with thresholds>")
    assert set(chosen.with_threshold().predict(pixels).decisions) == {None}


def test_too_few_photos_send_everything_to_review_and_say_how_many_would_do(
    classifier: shv.Classifier, pixels: Pixels
) -> None:
    few = with_scores(classifier, scores_of(60, groups=2))
    with pytest.warns(ShelfVisionWarning) as caught:
        chosen = few.with_threshold(0.98)
    sentence = str(caught[0])
    assert "the 60 photos of 30 groups do not support a precision of 0.98" in sentence
    assert "every photo goes to review" in sentence
    assert chosen.thresholds is not None
    assert f"about {chosen.thresholds.needed[0]} groups" in sentence
    assert caught[0].filename == __file__
    assert set(chosen.predict(pixels).decisions) == {"review"}


def test_classes_that_lack_photos_are_named(classifier: shv.Classifier) -> None:
    with gives_warning(ShelfVisionWarning, "too-few-photos"):
        with_scores(classifier, scores_of(60)).with_threshold(0.98, per_class=True)


def test_a_class_without_photos_does_not_hide_how_many_the_others_need() -> None:
    found = shv.Thresholds(values=(None, None), precision=0.98, needed=(None, 149))
    with gives_warning(ShelfVisionWarning, "too-few-photos") as caught:
        warn_of_too_few(found, ["absent", "rare"])
    sentence = str(caught[0])
    assert "'absent' has no predictions or too many mistakes" in sentence
    assert "about 149 groups each would be sufficient for 'rare'" in sentence


def test_a_precision_that_is_supported_warns_of_nothing(scored: shv.Classifier) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = scored.with_calibration().with_threshold(0.9, per_class=True)
    assert found.thresholds is not None
    assert found.thresholds.per_class


def test_a_new_calibration_drops_thresholds_aloud(scored: shv.Classifier) -> None:
    chosen = scored.with_threshold(0.9)
    with pytest.warns(ShelfVisionWarning) as caught:
        assert chosen.with_calibration().thresholds is None
    assert caught[0].filename == __file__


def test_all_of_it_is_saved_and_loaded(scored: shv.Classifier, pixels: Pixels) -> None:
    for method in ("temperature", "sigmoid", "isotonic"):
        one = scored.with_calibration(method).with_threshold(0.9, per_class=method == "sigmoid")
        for back in (saved(one), pickle.loads(pickle.dumps(one))):
            assert (back.calibration, back.thresholds) == (one.calibration, one.thresholds)
            kept, first = back.validation_scores, one.validation_scores
            assert kept is not None
            assert first is not None
            for name in ("probabilities", "labels", "groups"):
                assert np.array_equal(getattr(kept, name), getattr(first, name))
            found, wanted = back.predict(pixels), one.predict(pixels)
            assert np.array_equal(found.probabilities, wanted.probabilities)
            assert found.decisions.tolist() == wanted.decisions.tolist()


def test_a_loaded_classifier_can_be_calibrated_anew(scored: shv.Classifier) -> None:
    back = saved(scored)
    assert back.with_calibration().calibration == scored.with_calibration().calibration


def test_without_scores_the_way_out_is_told(classifier: shv.Classifier) -> None:
    with refuses(DataError, "needs-labels", "dataset"):
        classifier.with_calibration()
    with refuses(DataError, "needs-labels", "dataset"):
        classifier.with_threshold(0.98)


def test_arguments_that_do_not_go_together_are_refused(
    scored: shv.Classifier, dataset: shv.Dataset
) -> None:
    for precision, mistake, review in ((None, 1.0, None), (None, None, 1.0), (0.9, 2.0, 1.0)):
        with refuses(InvalidParameterError, "conflict", "precision"):
            scored.with_threshold(precision, mistake_cost=mistake, review_cost=review)
    with refuses(InvalidParameterError, "conflict", "method"):
        scored.with_calibration(None, dataset=dataset)
    with refuses(InvalidParameterError, "wrong-type", "dataset"):
        scored.with_validation([1])  # type: ignore[arg-type]  # wrong on purpose
    other = shv.Dataset.from_arrays(dataset.to_arrays()[0], dataset.labels, class_names=list("abc"))
    with refuses(DataError, "unknown-class", "dataset"):
        scored.with_calibration(dataset=other)
    with refuses(DataError, "empty", "dataset"):
        scored.with_threshold(0.9, dataset=dataset[:0])


@pytest.fixture(scope="module")
def trained(classifier: shv.Classifier) -> shv.Classifier:
    return shv.Classifier.from_model(
        classifier.served.network.model,
        class_names=NAMES,
        provenance={"class_counts": {"juice": 10, "milk": 20, "yoghurt": 10}},
    )


def test_a_mix_that_is_given_corrects_the_probabilities(
    trained: shv.Classifier, pixels: Pixels
) -> None:
    raw = trained.predict(pixels)
    found = trained.predict(pixels, class_prior={"juice": 1, "milk": 2, "yoghurt": 1})
    np.testing.assert_allclose(found.probabilities, raw.probabilities, atol=1e-6)
    assert found.class_prior == {"juice": 0.25, "milk": 0.5, "yoghurt": 0.25}
    assert raw.class_prior is None
    mix = {"juice": 0.8, "milk": 0.2, "yoghurt": 0}
    shifted = trained.predict(pixels, class_prior=mix)
    raised = raw.probabilities * np.array([0.8 / 0.25, 0.2 / 0.5, 0])
    wanted = raised / raised.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shifted.probabilities, wanted, atol=1e-5)
    assert shifted[:3].class_prior == shifted.class_prior


def test_a_mix_can_be_estimated_from_the_photos_themselves(
    trained: shv.Classifier, pixels: Pixels
) -> None:
    found = trained.predict([*pixels, b"no photo"], class_prior="estimate", on_error="skip")
    assert found.class_prior is not None
    assert sum(found.class_prior.values()) == pytest.approx(1)
    # At its end, the estimate is the mean of what is said under it.
    wanted = found.probabilities[:-1].mean(axis=0)
    np.testing.assert_allclose(list(found.class_prior.values()), wanted, atol=1e-3)
    assert found.errors[-1] is not None
    nothing = trained.predict(np.empty((0, 88, 90, 3), np.uint8), class_prior="estimate")
    assert len(nothing) == 0


def test_decisions_follow_the_corrected_probabilities(
    trained: shv.Classifier, pixels: Pixels
) -> None:
    chosen = with_thresholds(trained, shv.Thresholds(values=(0.7,)))
    mix = {"juice": 0.98, "milk": 0.01, "yoghurt": 0.01}
    found = chosen.predict(pixels, class_prior=mix)
    assert found.decisions.tolist() == [
        "accept" if x >= 0.7 else "review" for x in found.confidences
    ]


def test_the_validation_mix_serves_where_the_training_mix_is_not_known(
    scored: shv.Classifier, classifier: shv.Classifier, pixels: Pixels
) -> None:
    kept = scored.validation_scores
    assert kept is not None
    counts = dict(zip(NAMES, np.bincount(kept.labels).tolist(), strict=True))
    found = scored.predict(pixels, class_prior=counts)
    np.testing.assert_allclose(found.probabilities, scored.predict_proba(pixels), atol=1e-5)
    with refuses(ModelError, "unknown-class-prior", "class_prior"):
        classifier.predict(pixels, class_prior=counts)


@pytest.mark.parametrize(
    ("mix", "code"),
    [
        ({"juice": 1}, "missing-class"),
        ("guess", "wrong-type"),
        (3, "wrong-type"),
        ([0.2, 0.3, 0.5], "wrong-type"),
    ],
)
def test_a_mix_that_is_none_is_refused(
    trained: shv.Classifier, pixels: Pixels, mix: Any, code: str
) -> None:
    with refuses(InvalidParameterError, code, "class_prior"):
        trained.predict(pixels, class_prior=mix)
