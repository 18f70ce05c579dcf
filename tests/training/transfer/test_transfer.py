"""A pretrained model learns with its upper part; what lies below is computed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError, ModelError, ResumeError
from shelfvision.protocols import Image
from shelfvision.training.transfer import _frozen_layers
from shelfvision.training.transfer._activations import Activations
from shelfvision.training.transfer._cut import parts_of
from shelfvision.training.transfer._fine_tuning import fine_tuning_for
from shelfvision.training.transfer._frozen_layers import FrozenLayers
from shelfvision.training.transfer._views import Views
from support import refuses
from support.augmenters import shade

if TYPE_CHECKING:
    import keras

MakeFrozen = Callable[..., "keras.Model"]
MakePhotos = Callable[..., Dataset]
ValuesOf = Callable[["keras.Model"], list[npt.NDArray[np.generic]]]


def darken(image: Image, rng: np.random.Generator) -> Image:
    return (image * rng.uniform(0.2, 0.4)).astype(np.uint8)


def trainer(**settings: object) -> shv.Trainer:
    values: dict[str, object] = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01}
    return shv.Trainer(**(values | settings))  # type: ignore[arg-type]  # a test's shorthand


def weights_of(model: keras.Model, name: str) -> list[npt.NDArray[np.float32]]:
    to_numpy = load_keras().ops.convert_to_numpy
    return [np.array(to_numpy(weight.value)) for weight in model.get_layer(name).weights]


def changed(before: keras.Model, after: keras.Model) -> list[str]:
    """Return the layers whose weights differ."""
    return [
        layer.name
        for layer in before.layers
        if any(
            not np.array_equal(one, two)
            for one, two in zip(
                weights_of(before, layer.name), weights_of(after, layer.name), strict=True
            )
        )
    ]


def stopping() -> keras.callbacks.Callback:
    """Return what ends a run in the middle of its third epoch."""

    class Stop(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        epoch = 0

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            self.epoch = epoch + 1

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            if (self.epoch, batch) == (3, 2):
                raise RuntimeError("stopped in mid-epoch")

    return Stop()


def ignore(count: int = 1) -> None:
    pass


def test_a_cached_body_teaches_the_head_what_the_whole_model_does(
    make_frozen: MakeFrozen, make_photos: MakePhotos
) -> None:
    train, held_out = make_photos(24), make_photos(12, start=100)
    whole = trainer().fit(make_frozen(), train, held_out)
    cached = trainer(fine_tune="head").fit(make_frozen(), train, held_out)
    for name, values in whole.history.items():
        np.testing.assert_allclose(cached.history[name], values, atol=2e-3)
    images = held_out.to_arrays()[0]
    np.testing.assert_allclose(
        cached.classifier.predict_proba(images), whole.classifier.predict_proba(images), atol=2e-3
    )


@pytest.mark.parametrize(
    ("fine_tune", "learns"),
    [
        ("head", ["probabilities"]),
        ("joined", ["high", "probabilities"]),
        ("low", ["inner", "high", "probabilities"]),
        ("full", ["stem", "inner", "high", "probabilities"]),
    ],
)
def test_only_the_part_that_is_asked_for_learns_and_never_a_batch_norm(
    make_frozen: MakeFrozen, make_photos: MakePhotos, fine_tune: str, learns: list[str]
) -> None:
    model = make_frozen()
    trainer(fine_tune=fine_tune, epochs=1).fit(model, make_photos(16), make_photos(8, start=100))
    assert changed(make_frozen(), model) == learns


def test_the_result_is_of_the_whole_model(make_frozen: MakeFrozen, make_photos: MakePhotos) -> None:
    held_out = make_photos(12, start=100)
    model = make_frozen()
    result = trainer(fine_tune="joined", augmenter=shade).fit(model, make_photos(24), held_out)
    images, labels = held_out.to_arrays()
    rows = load_keras().ops.convert_to_numpy(model(images, training=False))
    np.testing.assert_allclose(result.classifier.predict_proba(images), rows, atol=1e-5)
    score = float(np.mean(rows.argmax(axis=1) == labels))
    assert result.model is model
    assert score == pytest.approx(result.history["val_accuracy"][result.best_epoch - 1], abs=1e-6)


def test_an_epoch_sees_one_view_of_each_photo_and_all_in_turn(make_photos: MakePhotos) -> None:
    photos = make_photos(9)
    views = Views(count=3, augmenter=shade, seed=7)
    seen = np.stack([views.of_epoch(photos, epoch) for epoch in (4, 5, 6)])
    assert np.array_equal(np.sort(seen, axis=0), np.repeat([[0], [1], [2]], 9, axis=1))
    assert len(set(seen[0])) > 1
    order = np.array([5, 0, 8])
    assert np.array_equal(views.of_epoch(photos[order], 4), seen[0][order])


def test_what_is_kept_is_what_the_body_makes_of_each_view(
    make_frozen: MakeFrozen, make_photos: MakePhotos, tmp_path: Path
) -> None:
    photos = make_photos(40)
    below, _ = parts_of(make_frozen(), "joined")
    views = Views(count=3, augmenter=shade, seed=7)
    activations = Activations(
        FrozenLayers(below),
        photos,
        views,
    )
    activations.open(tmp_path, ignore)
    rows = np.array([33, 2, 17])
    images = views.read(photos[rows])
    for epoch in (1, 2, 3):
        chosen = views.of_epoch(photos, epoch)[rows]
        mixed = np.stack([images[view][place] for place, view in enumerate(chosen)])
        expected = load_keras().ops.convert_to_numpy(below(mixed, training=False))
        np.testing.assert_allclose(activations.read(rows, epoch), expected, rtol=2e-3, atol=2e-3)
    assert np.array_equal(images[0], photos[rows].to_arrays()[0])
    assert not np.array_equal(images[1], images[2])


def test_a_second_run_finds_what_the_first_has_computed(
    make_frozen: MakeFrozen,
    make_photos: MakePhotos,
    values_of: ValuesOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = make_photos(24), make_photos(12, start=100)
    tuned = trainer(fine_tune="joined", augmenter=shade, views=2, cache_dir=tmp_path)
    first = tuned.fit(make_frozen(), *parts)
    assert len(list(tmp_path.glob("activations-*.npy"))) == 2
    monkeypatch.setattr(FrozenLayers, "__call__", lambda *_: pytest.fail("the body was run again"))
    second = tuned.fit(make_frozen(), *parts)
    for one, two in zip(values_of(first.model), values_of(second.model), strict=True):
        assert np.array_equal(one, two)


def test_what_is_kept_is_never_taken_for_something_else(
    make_frozen: MakeFrozen, make_photos: MakePhotos, tmp_path: Path
) -> None:
    photos = make_photos(6)
    views = Views(count=2, augmenter=shade, seed=7)
    others: list[tuple[keras.Model, str, Dataset, Views]] = [
        (make_frozen(), "joined", photos, views),
        (make_frozen(seed=2), "joined", photos, views),
        (make_frozen(), "low", photos, views),
        (make_frozen(), "joined", make_photos(6, start=100), views),
        (make_frozen(), "joined", photos, Views(count=2, augmenter=darken, seed=7)),
        (make_frozen(), "joined", photos, Views(count=2, augmenter=shade, seed=8)),
        (make_frozen(), "joined", photos, Views(count=3, augmenter=shade, seed=7)),
    ]
    for number, (model, place, some, seen) in enumerate(others):
        Activations(FrozenLayers(parts_of(model, place)[0]), some, seen).open(tmp_path, ignore)
        assert len(list(tmp_path.glob("*.npy"))) == number + 1


def test_other_labels_do_without_computing_again(
    make_frozen: MakeFrozen, make_photos: MakePhotos, tmp_path: Path
) -> None:
    photos = make_photos(6)
    body = FrozenLayers(parts_of(make_frozen(), "joined")[0])
    renamed = photos.relabel({"juice": "drink", "milk": "drink", "yoghurt": "spooned"})
    for some in (photos, renamed):
        Activations(body, some, Views()).open(tmp_path, ignore)
    assert len(list(tmp_path.glob("*.npy"))) == 1


@pytest.mark.parametrize("damage", ["a bit", "the end", "the note"])
def test_what_is_kept_and_damaged_is_computed_again(
    make_frozen: MakeFrozen, make_photos: MakePhotos, tmp_path: Path, damage: str
) -> None:
    photos = make_photos(6)
    body = FrozenLayers(parts_of(make_frozen(), "joined")[0])
    Activations(body, photos, Views()).open(tmp_path, ignore)
    (path,) = tmp_path.glob("*.npy")
    whole = path.read_bytes()
    if damage == "a bit":
        path.write_bytes(whole[:300] + bytes([whole[300] ^ 4]) + whole[301:])
    elif damage == "the end":
        path.write_bytes(whole[:-2])
    else:
        note = path.with_suffix(".json")
        note.write_text(json.dumps({**json.loads(note.read_text()), "key": "another"}))
    again = Activations(body, photos, Views())
    again.open(tmp_path, ignore)
    again.close()
    assert path.read_bytes() == whole


def test_a_run_goes_on_as_if_it_had_never_stopped(
    make_frozen: MakeFrozen, make_photos: MakePhotos, values_of: ValuesOf, tmp_path: Path
) -> None:
    parts = make_photos(24), make_photos(12, start=100)
    settings: dict[str, object] = {"fine_tune": "joined", "augmenter": shade, "views": 2}
    straight = trainer(**settings).fit(make_frozen(dropout=0.3), *parts)
    stopped = trainer(**settings, checkpoint_dir=tmp_path, save_every=1, callbacks=[stopping()])
    with pytest.raises(RuntimeError, match="in mid-epoch"):
        stopped.fit(make_frozen(dropout=0.3), *parts)
    onward = trainer(**settings, checkpoint_dir=tmp_path)
    result = onward.fit(make_frozen(dropout=0.3), *parts, resume="must")
    assert result.history == straight.history
    for one, two in zip(values_of(result.model), values_of(straight.model), strict=True):
        assert np.array_equal(one, two)


def test_a_run_does_not_go_on_over_another_body(
    make_frozen: MakeFrozen, make_photos: MakePhotos, tmp_path: Path
) -> None:
    parts = make_photos(12), make_photos(6, start=100)
    tuned = trainer(fine_tune="head", checkpoint_dir=tmp_path, epochs=1)
    tuned.fit(make_frozen(), *parts)
    with refuses(ResumeError, "run-changed"):
        tuned.fit(make_frozen(seed=5), *parts)
    other = trainer(fine_tune="joined", checkpoint_dir=tmp_path, epochs=1)
    with refuses(ResumeError, "run-changed"):
        other.fit(make_frozen(), *parts)


def test_outputs_of_another_arithmetic_are_neither_used_nor_mixed_in(
    make_frozen: MakeFrozen,
    make_photos: MakePhotos,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = make_photos(12), make_photos(6, start=100)
    tuned = trainer(
        fine_tune="head", checkpoint_dir=tmp_path / "run", cache_dir=tmp_path / "kept", epochs=1
    )
    tuned.fit(make_frozen(), *parts)
    assert len(list(tmp_path.glob("kept/*.npy"))) == 2
    monkeypatch.setattr(_frozen_layers, "ARITHMETIC", "another")
    with refuses(ResumeError, "run-changed"):
        tuned.fit(make_frozen(), *parts)
    tuned.fit(make_frozen(), *parts, resume="never")
    assert len(list(tmp_path.glob("kept/*.npy"))) == 4


def test_a_model_that_the_caller_compiled_is_not_fine_tuned(
    make_frozen: MakeFrozen, make_photos: MakePhotos
) -> None:
    model = make_frozen()
    model.compile("adam", "categorical_crossentropy")
    with refuses(InvalidParameterError, "already-compiled", "fine_tune"):
        shv.Trainer(fine_tune="full").fit(model, make_photos(12), make_photos(6, start=100))


@pytest.mark.parametrize(
    ("fine_tune", "code"),
    [
        ("inner", "cannot-be-cut"),
        ("nowhere", "unknown-name"),
        ("probabilities", "nothing-to-train"),
    ],
)
def test_a_place_that_is_none_is_refused(
    make_frozen: MakeFrozen, make_photos: MakePhotos, fine_tune: str, code: str
) -> None:
    with refuses(ModelError, code, "fine_tune"):
        trainer(fine_tune=fine_tune).fit(make_frozen(), make_photos(12), make_photos(6, start=100))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("fine_tune", 3, "wrong-type"),
        ("fine_tune", "", "wrong-type"),
        ("views", 0, "not-in-range"),
        ("layer_decay", 0.0, "not-in-range"),
        ("cache_dir", 3, "wrong-type"),
    ],
)
def test_settings_that_no_run_can_have_are_refused(name: str, value: object, code: str) -> None:
    with refuses(InvalidParameterError, code, name):
        trainer(**{name: value})


def test_a_bar_shows_how_far_the_frozen_part_is_where_it_is_asked_for(
    make_frozen: MakeFrozen, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]
) -> None:
    tuning = fine_tuning_for(make_frozen(), "head", make_photos(6), None, Views())
    for verbose, shown in ((True, "Frozen layers"), (False, "")):
        with tuning.opened(None, verbose):
            pass
        assert (shown in capsys.readouterr().err) if shown else not capsys.readouterr().err
