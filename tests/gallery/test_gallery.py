"""New products are known by a few photos, and what is like none of them goes to review."""

from __future__ import annotations

import copy
import io
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    PhotoError,
    ShelfVisionError,
    ShelfVisionWarning,
)
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._nearness import HeldOut, nearness_of
from shelfvision.gallery._sessions import clusters_of
from shelfvision.gallery._space import Space, space_of
from support import gives_warning, refuses

NAMES = ("grass", "sky")
Shots = Callable[..., npt.NDArray[np.uint8]]
MakeDataset = Callable[..., shv.Dataset]
MakeClassifier = Callable[..., shv.Classifier]


def test_a_new_product_is_to_review_until_it_is_added(gallery: shv.Gallery, shots: Shots) -> None:
    bricks = shots("brick", 10, seed=5)
    assert gallery.predict(bricks).decisions.tolist() == ["review"] * 10
    larger = gallery.with_product("brick", shots("brick", 3, seed=6))
    found = larger.predict(bricks)
    assert set(found.labels) == {"brick"}
    assert (found.decisions == "accept").mean() >= 0.7
    assert larger.predict(shots("sky", 10, seed=5)).labels.tolist() == ["sky"] * 10


def test_products_in_the_boxes_of_a_shelf_are_recognized(
    gallery: shv.Gallery, shots: Shots
) -> None:
    boxes = [[8 * place, 0, 8 * place + 8, 8] for place in range(3)]
    shelf = np.concatenate([shots(name, 1, seed=7)[0] for name in ("sky", "brick", "grass")], 1)
    regions = gallery.predict_regions(shelf, boxes)
    assert regions.labels[[0, 2]].tolist() == ["sky", "grass"]
    assert regions.decisions.tolist() == ["accept", "review", "accept"]
    crops = [shelf[:, left:right] for left, _, right, _ in boxes]
    rows = gallery.predict(crops).probabilities
    np.testing.assert_array_equal(regions.probabilities, rows)
    wide = gallery.predict_regions(shelf, boxes, context=0.5)
    assert (wide.probabilities != rows).any()


def test_a_shelf_is_counted_by_a_gallery_which_rejects_what_it_does_not_know(
    gallery: shv.Gallery, shots: Shots
) -> None:
    names = ("sky",) * 6 + ("brick",) * 4 + ("grass",) * 5
    products = [shots(name, 1, seed=100 + place)[0] for place, name in enumerate(names)]
    boxes = [[8 * place, 0, 8 * place + 8, 8] for place in range(len(names))]
    regions = gallery.predict_regions(np.concatenate(products, axis=1), boxes)
    found = shv.take_inventory(gallery, regions)
    assert found.counts["sky"] == pytest.approx(6, abs=1)
    assert found.counts["grass"] == pytest.approx(5, abs=1)
    counted = shv.take_inventory(gallery, regions, unknown="count")
    assert sum(counted.naive.values()) == 15
    assert sum(found.naive.values()) <= 12
    assert gallery.measured is not None
    assert len(gallery.measured) == 60


def test_adding_and_removing_leave_the_gallery_as_it_was(
    gallery: shv.Gallery, shots: Shots
) -> None:
    larger = gallery.with_product("brick", shots("brick", 3))
    assert gallery.class_names == NAMES
    assert larger.class_names == ("brick", "grass", "sky")
    assert larger.counts == {"brick": 3, "grass": 30, "sky": 30}
    assert larger.with_product("brick", shots("brick", 2, seed=1)).counts["brick"] == 5
    smaller = larger.without_product("grass")
    assert smaller.class_names == ("brick", "sky")
    assert "grass" not in smaller.predict(shots("grass", 5)).labels
    assert smaller.predict(shots("sky", 5)).labels.tolist() == ["sky"] * 5
    assert gallery.predict(shots("grass", 5)).labels.tolist() == ["grass"] * 5
    assert repr(larger) == "<Gallery: 3 products, 63 photos>"


def test_products_that_were_not_sorted_keep_their_order(
    classifier: shv.Classifier, shots: Shots, dataset: MakeDataset
) -> None:
    odd = shv.Gallery.from_dataset(classifier, dataset(("sky", "grass"), 20))
    assert odd.with_product("brick", shots("brick", 2)).class_names == ("sky", "grass", "brick")
    larger = odd.with_product("brick", shots("brick", 2))
    assert larger.predict(shots("sky", 3)).labels.tolist() == ["sky"] * 3


def test_a_gallery_is_judged_like_a_classifier(
    gallery: shv.Gallery, shots: Shots, dataset: MakeDataset
) -> None:
    larger = gallery.with_product("brick", shots("brick", 3))
    report = shv.evaluate(larger, dataset(("brick", *NAMES), 10, seed=9))
    assert report.accuracy == 1
    assert report.review is not None


def test_a_photo_of_another_colour_is_unfamiliar(gallery: shv.Gallery, shots: Shots) -> None:
    known = gallery.familiarity(shots("grass", 20, seed=3))
    strange = gallery.familiarity(shots("brick", 20))
    assert strange == pytest.approx(np.full(20, 1 / 61))
    assert known.mean() > 0.3
    assert known.min() > 0


def test_without_a_share_nothing_is_sent_to_review(gallery: shv.Gallery, shots: Shots) -> None:
    every = gallery.with_unknown(None)
    assert every.limit is None
    assert every.predict(shots("brick", 4)).decisions.tolist() == ["accept"] * 4
    assert gallery.unknown == 0.05


def test_a_larger_share_sends_more_to_review(gallery: shv.Gallery) -> None:
    limits = [gallery.with_unknown(share).limit for share in (0.02, 0.05, 0.2, 0.5, 0.9)]
    assert limits == sorted(limits, reverse=True)  # type: ignore[type-var]
    assert limits[0] > limits[-1]  # type: ignore[operator]


def test_the_decision_and_familiarity_agree(gallery: shv.Gallery, shots: Shots) -> None:
    photos = shots("grass", 300, seed=4, spread=25)
    for share in (0.05, 0.2, 0.5):
        other = gallery.with_unknown(share)
        sent = other.predict(photos).decisions == "review"
        assert sent.tolist() == (other.familiarity(photos) <= share).tolist()
        assert 0 < sent.sum() < 300


def test_too_few_groups_send_everything_to_review_and_say_so(
    gallery: shv.Gallery, shots: Shots
) -> None:
    with gives_warning(ShelfVisionWarning, "too-few-groups", "unknown"):
        found = gallery.with_unknown(0.01).predict(shots("sky", 3))
    assert found.decisions.tolist() == ["review"] * 3
    assert found.labels.tolist() == ["sky"] * 3
    assert gallery.with_unknown(0.01).limit == 0


def enrolled(rng: np.random.Generator, n_groups: int, per_group: int = 3) -> EnrolledPhotos:
    """Return four products whose photos come in groups that are alike."""
    centres = np.eye(4, 8)
    groups = np.repeat(np.arange(4 * n_groups), per_group)
    labels = groups // n_groups
    moments = rng.normal(0, 0.25, (4 * n_groups, 8))
    seen = centres[labels] + moments[groups] + rng.normal(0, 0.1, (len(groups), 8))
    return EnrolledPhotos(
        names=("a", "b", "c", "d"),
        embeddings=seen.astype(np.float32),
        labels=labels.astype(np.int32),
        groups=groups,
    )


def test_about_the_share_of_new_groups_of_known_products_went_to_review_in_format_1() -> None:
    sent = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        nearness = nearness_of(enrolled(rng, 25), 0.1, "group")
        new = enrolled(rng, 25)
        sent.append((~nearness.known(nearness.answers(new.embeddings)[1])).mean())
    assert np.mean(sent) == pytest.approx(0.1, abs=0.02)


def of_sessions(rng: np.random.Generator, n_sessions: int, n_groups: int) -> EnrolledPhotos:
    """Return twelve products whose groups come in sessions that are alike."""
    n = 12 * n_sessions * n_groups
    labels = np.repeat(np.arange(12), n_sessions * n_groups)
    sessions = rng.normal(0, 0.3, (12 * n_sessions, 24)).repeat(n_groups, axis=0)
    seen = np.eye(12, 24)[labels] + sessions + rng.normal(0, 0.1, (n, 24))
    return EnrolledPhotos(
        names=tuple("abcdefghijkl"),
        embeddings=seen.astype(np.float32),
        labels=labels.astype(np.int32),
        groups=np.arange(n),
    )


def test_about_the_share_of_new_sessions_of_known_products_goes_to_review() -> None:
    rates: dict[HeldOut, float] = {}
    for held_out in get_args(HeldOut):
        sent = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            nearness = nearness_of(of_sessions(rng, 3, 6), 0.1, held_out)
            new = of_sessions(rng, 1, 6)
            sent.append((~nearness.known(nearness.answers(new.embeddings)[1])).mean())
        rates[held_out] = float(np.mean(sent))
    assert rates["similar groups"] < 0.15
    assert rates["group"] > 0.3


def test_a_photo_of_several_products_is_left_out_as_a_whole() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 1, (60, 5)).astype(np.float32)
    labels = np.tile(np.arange(3), 20)
    groups = np.where(np.arange(60) < 12, np.arange(60) // 3, np.arange(60))
    clusters = clusters_of(seen, labels, groups, space_of(seen, labels))
    assert len(np.unique(clusters[:12])) == 4
    assert len(np.unique(clusters[12:])) == 9
    assert not set(clusters[:12]) & set(clusters[12:])
    for group in range(4):
        assert len(np.unique(clusters[groups == group])) == 1
    assert all(len(np.unique(labels[clusters == c])) == 1 for c in np.unique(clusters[12:]))


def test_clusters_of_many_groups_are_those_of_their_sessions() -> None:
    rng = np.random.default_rng(0)
    sessions = np.repeat(np.arange(3), 200)
    seen = (np.eye(3, 6)[sessions] + rng.normal(0, 0.05, (600, 6))).astype(np.float32)
    labels = np.zeros(600, np.int64)
    plain = Space(middle=np.zeros(6, np.float32), weighing=None)
    clusters = clusters_of(seen, labels, np.arange(600), plain)
    assert len(np.unique(np.stack([clusters, sessions]), axis=1).T) == 3


def test_photos_of_one_burst_do_not_make_each_other_familiar() -> None:
    rng = np.random.default_rng(0)
    some = enrolled(rng, 25, per_group=4)
    apart = EnrolledPhotos(
        names=some.names,
        embeddings=some.embeddings,
        labels=some.labels,
        groups=np.arange(len(some.embeddings)),
    )
    new = enrolled(rng, 25)
    sent = [
        (~near.known(near.answers(new.embeddings)[1])).mean()
        for near in (nearness_of(some, 0.1, "group"), nearness_of(apart, 0.1, "group"))
    ]
    assert sent[0] < 0.15 < sent[1]
    assert sent[1] > 1.5 * sent[0]


def test_a_product_of_one_group_has_no_part_in_what_is_usual() -> None:
    some = enrolled(np.random.default_rng(0), 25)
    far = np.tile(np.eye(8, dtype=np.float32)[7], (5, 1))
    lone = some.added("e", far, np.full(5, 10**9))
    assert nearness_of(lone, 0.1).n_groups == nearness_of(some, 0.1).n_groups
    assert len(nearness_of(lone, 0.1).usual) == len(some.embeddings)
    twice = lone.added("e", far, np.full(5, 10**9 + 1))
    assert nearness_of(twice, 0.1).n_groups == nearness_of(some, 0.1).n_groups + 2


def test_what_is_usual_is_learned_from_whole_groups_however_many_photos() -> None:
    near = nearness_of(enrolled(np.random.default_rng(0), 200, per_group=5), 0.05)
    assert len(near.usual) == 2000
    assert near.n_groups == 400


def test_probabilities_fit_what_is_left_out() -> None:
    rng = np.random.default_rng(1)
    near = nearness_of(enrolled(rng, 40), 0.1)
    new = enrolled(rng, 200)
    rows, _ = near.answers(new.embeddings)
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert shv.expected_calibration_error(rows, new.labels) < 0.06


def test_one_add_is_one_group_unless_groups_are_given(gallery: shv.Gallery, shots: Shots) -> None:
    bricks = shots("brick", 6)
    assert gallery.with_product("brick", bricks).index.nearness.n_groups == 60
    two = gallery.with_product("brick", bricks[:3]).with_product("brick", bricks[3:])
    assert two.index.nearness.n_groups == 62
    assert (
        gallery.with_product(
            "brick", bricks, groups=["mon"] * 3 + ["tue"] * 3
        ).index.nearness.n_groups
        == 62
    )
    again = gallery.with_product("brick", bricks).with_product("brick", bricks)
    assert again.index.nearness.n_groups == 60
    photos = shv.Dataset.from_arrays(bricks, [0] * 6, class_names=["x"], groups=list("aabbcc"))
    assert gallery.with_product("brick", photos).index.nearness.n_groups == 63


def test_a_photo_that_cannot_be_read_is_a_row_with_its_error(
    gallery: shv.Gallery, tmp_path: Path, shots: Shots
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    mixed = [shots("sky", 1)[0], broken, shots("grass", 1)[0]]
    found = gallery.predict(mixed, on_error="skip")
    assert found.labels.tolist() == ["sky", None, "grass"]
    assert found.decisions.tolist() == ["accept", "review", "accept"]
    assert found.errors[1] is not None
    with pytest.raises(PhotoError):
        gallery.predict(mixed)
    assert len(gallery.predict([broken], on_error="skip")) == 1
    assert len(gallery.predict([])) == 0
    with pytest.raises(PhotoError):
        gallery.with_product("brick", [broken])


@pytest.mark.parametrize(
    ("call", "error", "code", "parameter"),
    [
        (
            lambda g, shots, _: g.with_product("", shots("brick", 1)),
            InvalidParameterError,
            "wrong-type",
            "name",
        ),
        (
            lambda g, shots, _: g.with_product(3, shots("brick", 1)),
            InvalidParameterError,
            "wrong-type",
            "name",
        ),
        (lambda g, shots, _: g.with_product("brick", []), DataError, "empty", "photos"),
        (
            lambda g, shots, _: g.with_product("brick", shots("brick", 2), groups=["a"]),
            InvalidParameterError,
            "wrong-length",
            "groups",
        ),
        (
            lambda g, shots, _: g.without_product("brick"),
            InvalidParameterError,
            "unknown-name",
            "name",
        ),
        (
            lambda g, shots, _: g.without_product("sky").without_product("grass"),
            InvalidParameterError,
            "last-product",
            "name",
        ),
        (lambda g, shots, _: g.with_unknown(1), InvalidParameterError, "not-in-range", "unknown"),
        (
            lambda g, shots, _: g.with_unknown(True),
            InvalidParameterError,
            "not-in-range",
            "unknown",
        ),
        (
            lambda g, shots, _: g.with_unknown(float("nan")),
            InvalidParameterError,
            "not-in-range",
            "unknown",
        ),
        (
            lambda g, shots, _: g.predict(shots("sky", 1), on_error="x"),
            InvalidParameterError,
            "not-an-option",
            "on_error",
        ),
        (
            lambda g, shots, _: shv.Gallery.from_dataset(g.classifier, [1]),  # type: ignore[arg-type]
            InvalidParameterError,
            "wrong-type",
            "dataset",
        ),
        (
            lambda g, shots, dataset: shv.Gallery.from_dataset(3, dataset(NAMES, 2)),  # type: ignore[arg-type]
            InvalidParameterError,
            "wrong-type",
            "classifier",
        ),
        (
            lambda g, shots, dataset: shv.Gallery.from_dataset(g.classifier, dataset(NAMES, 2)[:0]),
            DataError,
            "empty",
            "dataset",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(
    gallery: shv.Gallery,
    call: object,
    error: type[ShelfVisionError],
    code: str,
    parameter: str,
    shots: Shots,
    dataset: MakeDataset,
) -> None:
    with refuses(error, code, parameter) as caught:
        call(gallery, shots, dataset)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


@pytest.mark.remedy("missing-class")
def test_a_product_without_photos_is_left_out_with_a_warning(
    gallery: shv.Gallery, shots: Shots, dataset: MakeDataset
) -> None:
    photos = dataset(NAMES, 4)
    with gives_warning(ShelfVisionWarning, "missing-class", "dataset") as said:
        fewer = shv.Gallery.from_dataset(gallery.classifier, photos[photos.labels == 1])
    assert repr(NAMES[0]) in str(said[0])
    assert fewer.class_names == NAMES[1:]
    assert str(said[0]).endswith("with_product(name, photos)")
    assert fewer.with_product(NAMES[0], shots(NAMES[0], 2)).class_names == NAMES


def test_a_gallery_is_judged_on_photos_of_some_of_its_products(
    gallery: shv.Gallery, dataset: MakeDataset
) -> None:
    photos = dataset(NAMES, 4)
    report = shv.evaluate(gallery, photos[photos.labels == 1].select(class_names=NAMES[1:]))
    assert report.class_names == NAMES
    assert report.accuracy == 1.0
    assert report.true_names.tolist() == [NAMES[1]] * 4


def test_a_gallery_is_not_made_by_calling_it() -> None:
    with pytest.raises(TypeError, match=r"Gallery\.from_dataset"):
        shv.Gallery(())  # type: ignore[arg-type]


def test_any_number_of_threads_may_ask(gallery: shv.Gallery, shots: Shots) -> None:
    fresh = gallery.with_product("brick", shots("brick", 3))
    photos = np.concatenate([shots(name, 9, seed=2) for name in ("brick", *NAMES)])
    expected = gallery.with_product("brick", shots("brick", 3)).predict(photos).probabilities
    found: list[object] = []

    def ask() -> None:
        found.extend(fresh.predict(photos).probabilities.tobytes() for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected.tobytes()] * 40


def test_a_gallery_travels_pickled_and_is_its_own_copy() -> None:
    photos = shv.samples.render_products(3, class_names=["Can", "Jar"], image_size=(88, 88), seed=1)
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=["Can", "Jar"])
    gallery = shv.Gallery.from_dataset(classifier, photos, unknown=None)
    other = pickle.loads(pickle.dumps(gallery))
    pixels = photos.to_arrays()[0]
    assert np.array_equal(
        other.predict(pixels).probabilities, gallery.predict(pixels).probabilities
    )
    assert copy.copy(gallery) is gallery
    assert copy.deepcopy(gallery) is gallery


def test_calibrating_or_saving_a_classifier_makes_no_other_of_it(dataset: MakeDataset) -> None:
    photos = shv.samples.render_products(8, class_names=["Can", "Jar"], image_size=(88, 88), seed=1)
    model = shv.build_model(2, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(model, class_names=["Can", "Jar"])
    file = io.BytesIO()
    shv.Gallery.from_dataset(classifier, photos).save(file)
    bundle = io.BytesIO()
    classifier.with_calibration(dataset=photos).save(bundle)
    bundle.seek(0)
    file.seek(0)
    assert shv.Gallery.load(file, shv.Classifier.load(bundle)).class_names == ("Can", "Jar")


def test_other_weights_names_or_shapes_make_another_classifier(
    classifier: shv.Classifier, colour_classifier: MakeClassifier
) -> None:
    from shelfvision.inference.digest import classifier_digest

    assert classifier_digest(classifier.served) == classifier_digest(colour_classifier().served)
    assert classifier_digest(classifier.served) != classifier_digest(
        colour_classifier(weight=1.0001).served
    )
    model = classifier.served.network.model
    for change in ({"class_names": ["a", "b"]}, {"resize": "pad"}):
        other = shv.Classifier.from_model(model, **({"class_names": NAMES} | change))
        assert classifier_digest(other.served) != classifier_digest(classifier.served)


def test_distances_that_differ_by_rounding_alone_are_the_same() -> None:
    rng = np.random.default_rng(0)
    nearness = nearness_of(enrolled(rng, 25), 0.1)
    limit = nearness.limit
    assert limit is not None
    # Another order of addition moves float32 cosines by some 1e-7.
    for noise in (0.0, 1e-7, -1e-7):
        assert nearness.known(np.array([limit + noise])).all()
        same = nearness.familiarity(np.array([limit, limit + noise]))
        assert same[0] == same[1]
    assert not nearness.known(np.array([limit + 1e-4])).any()
