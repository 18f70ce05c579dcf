"""The profile that a classifier keeps of its validation photos."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.auditing.measures import measures_of
from shelfvision.errors import BundleError, DataError, InvalidParameterError
from shelfvision.inference._describing import bundle_manifest_of
from shelfvision.inference._manifest import BundleManifest
from support import refuses

Pixels = npt.NDArray[np.uint8]
NAMES = ("juice", "milk", "yoghurt")


@pytest.fixture(scope="module")
def validated(classifier: shv.Classifier, dataset: shv.Dataset) -> shv.Classifier:
    return classifier.with_validation(dataset)


def profile_of(classifier: shv.Classifier) -> shv.Profile:
    assert classifier.profile is not None
    return classifier.profile


def test_a_validated_classifier_has_a_profile(
    validated: shv.Classifier, dataset: shv.Dataset
) -> None:
    profile = profile_of(validated)
    found = validated.predict(dataset, quality=True)
    assert (profile.n_photos, profile.n_groups) == (40, 20)
    assert profile == shv.Profile.from_predictions(found, groups=dataset.groups)
    assert found.profile == profile


def test_quality_is_measured_as_in_an_audit(classifier: shv.Classifier, pixels: Pixels) -> None:
    quality = classifier.predict(pixels, quality=True).quality
    assert quality is not None
    for row in (0, 7):
        audited = measures_of(pixels[row])
        assert quality["brightness"][row] == pytest.approx(audited.mean)
        assert quality["contrast"][row] == pytest.approx(audited.bright - audited.dark, abs=0.01)
        assert quality["sharpness"][row] == pytest.approx(1 - audited.blur, abs=1e-4)
    assert classifier.predict(pixels).quality is None


def test_an_unreadable_photo_has_no_quality(classifier: shv.Classifier, pixels: Pixels) -> None:
    found = classifier.predict([pixels[0], b"no photo"], on_error="skip", quality=True)
    assert found.quality is not None
    assert np.isfinite(found.quality["warmth"]).tolist() == [True, False]


def test_calibration_and_thresholds_update_the_profile(
    validated: shv.Classifier, dataset: shv.Dataset
) -> None:
    calibrated = validated.with_calibration()
    assert profile_of(calibrated).quality == profile_of(validated).quality
    assert profile_of(calibrated).confidence != profile_of(validated).confidence
    assert profile_of(calibrated).coverage is None
    decided = calibrated.with_threshold(mistake_cost=1.0, review_cost=0.4)
    found = decided.predict(dataset)
    assert profile_of(decided).coverage == np.mean(found.decisions == "accept")
    assert profile_of(decided.with_threshold()).coverage is None


def test_calibration_on_other_photos_makes_their_profile(
    classifier: shv.Classifier, dataset: shv.Dataset
) -> None:
    assert classifier.profile is None
    assert profile_of(classifier.with_calibration(dataset=dataset[:20])).n_photos == 20


def test_scores_alone_give_a_profile_without_quality(
    validated: shv.Classifier, classifier: shv.Classifier
) -> None:
    found = profile_of(classifier.with_validation(validated.validation_scores))
    assert found == replace(profile_of(validated), quality={})
    assert validated.with_validation(None).profile is None


def test_a_profile_can_be_that_of_other_photos(
    validated: shv.Classifier, dataset: shv.Dataset
) -> None:
    week = validated.predict(dataset[:10], quality=True)
    for source in (dataset[:10], week, shv.Profile.from_predictions(week)):
        assert profile_of(validated.with_profile(source)).n_photos == 10
    assert validated.with_profile(None).profile is None


def test_a_profile_of_other_classes_or_another_type_is_refused(
    validated: shv.Classifier,
) -> None:
    other = shv.Predictions([[0.9, 0.1]], ["tea", "milk"], ["1"])
    with refuses(DataError, "unknown-class", "source"):
        validated.with_profile(other)
    with refuses(InvalidParameterError, "wrong-type", "source"):
        validated.with_profile("photos")  # type: ignore[arg-type]


def test_bundles_and_pickles_keep_the_profile(validated: shv.Classifier) -> None:
    file = io.BytesIO()
    validated.save(file)
    loaded = shv.Classifier.load(io.BytesIO(file.getvalue()))
    assert loaded.profile == validated.profile
    assert pickle.loads(pickle.dumps(validated)).profile == validated.profile
    info = shv.inspect(io.BytesIO(file.getvalue()))
    assert info.profile == validated.profile
    assert "profile" in str(info)


def test_a_bundle_with_a_profile_of_foreign_classes_is_refused(validated: shv.Classifier) -> None:
    manifest = bundle_manifest_of(validated.served)
    assert manifest.profile is not None
    foreign = replace(manifest.profile, class_counts={"tea": 40})
    metadata = replace(manifest, profile=foreign).to_metadata("{}")
    with pytest.raises(BundleError) as caught:
        BundleManifest.from_metadata(metadata, "here")
    assert caught.value.code == "damaged"


def test_bundles_of_earlier_formats_have_no_profile() -> None:
    for bundle in sorted(Path(__file__).with_name("golden").glob("*.shelf")):
        assert shv.inspect(bundle).profile is None
