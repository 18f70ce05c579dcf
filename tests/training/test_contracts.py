"""What the room promises holds for any photos, settings and states; no network is trained here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.augment import Brightness
from shelfvision.errors import DataError
from shelfvision.training.loop._batches import Batches
from shelfvision.training.loop._input_checks import check_parts
from shelfvision.training.run._identity import changes
from shelfvision.training.run._state import RunState, decode, encode
from support import gives_warning, refuses

seeds = st.integers(0, 2**32 - 1)


def photos(n: int, **columns: Any) -> shv.Dataset:
    """Return different images of one pixel."""
    images = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1).repeat(3, axis=3)
    return shv.Dataset.from_arrays(images, [row % 2 for row in range(n)], **columns)


Epoch = list[tuple[bytes, bytes]]


def epoch_of(batches: Batches) -> Epoch:
    found = [batches[place] for place in range(len(batches))]
    return [
        (image.tobytes(), label.tobytes())
        for images, labels in found
        for image, label in zip(images, labels, strict=True)
    ]


@settings(max_examples=50)
@given(st.integers(2, 20), st.integers(1, 7), seeds, st.integers(1, 500), st.data())
def test_an_epoch_follows_from_seed_and_number_wherever_it_is_gone_on_with(
    n: int, size: int, seed: int, epoch: int, data: st.DataObject
) -> None:
    ds = photos(n)
    plain = Batches(ds, batch_size=size, sparse=True, seed=seed)
    plain.begin_epoch(epoch)
    whole = epoch_of(plain)
    assert sorted(whole) == sorted(
        (image.tobytes(), np.int64(label).tobytes()) for image, label in ds
    )
    varied = Batches(ds, batch_size=size, sparse=True, seed=seed, augmenter=Brightness(0.9))
    varied.begin_epoch(epoch)
    expected = epoch_of(varied)
    skip = data.draw(st.integers(0, varied.steps))
    again = Batches(ds, batch_size=size, sparse=True, seed=seed, augmenter=Brightness(0.9))
    again.begin_epoch(data.draw(st.integers(1, 500)))
    again.begin_epoch(epoch, skip=skip)
    assert epoch_of(again) == expected[skip * size :]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
mappings = st.dictionaries(st.text(max_size=4), json_values, max_size=3)
counts = st.integers(0, 10**6)
columns = st.dictionaries(
    st.text(max_size=4), st.lists(st.floats(allow_nan=False), max_size=3), max_size=2
)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(draw(seeds))
    shapes = draw(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=3))
    kinds = st.sampled_from(["float32", "float16", "int64", "uint32", "bool"])
    return tuple((rng.normal(size=shape) * 9).astype(draw(kinds)) for shape in shapes)


states = st.builds(
    RunState,
    epoch=counts,
    step=counts,
    planned_epochs=counts,
    stopped=st.booleans(),
    seconds=st.floats(0, 1e6),
    identity=st.text(max_size=4),
    environment=mappings,
    best=st.fixed_dictionaries(
        {
            "epoch": counts,
            "value": st.floats(-9, 9),
            "reference": st.floats(-9, 9),
            "waited": counts,
        }
    ),
    history=columns,
    timings=columns,
    callbacks=st.lists(json_values, max_size=2),
    model=arrays(),
    optimizer=arrays(),
    metrics=arrays(),
    best_model=arrays(),
)


@settings(max_examples=60)
@given(states, counts)
def test_any_state_comes_back_with_every_bit(state: RunState, generation: int) -> None:
    data = encode(state, generation=generation)
    found, number = decode(data)
    assert number == generation
    assert encode(found, generation=generation) == data
    for name in RunState.__slots__:
        before, after = getattr(state, name), getattr(found, name)
        if isinstance(before, tuple):
            told = [[(a.dtype, a.shape, a.tobytes()) for a in part] for part in (before, after)]
            assert told[0] == told[1]
        else:
            assert after == before


@given(mappings, mappings)
def test_what_changed_is_told_by_name_and_nothing_else(
    before: dict[str, Any], now: dict[str, Any]
) -> None:
    told = changes(before, now)
    differing = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    assert len(told) == len(differing)
    assert all(words.startswith(name) for words, name in zip(told, differing, strict=True))


@given(st.permutations(["a", "b", "c"]), st.permutations(["a", "b", "c"]))
def test_validation_takes_the_class_numbers_of_train(first: list[str], second: list[str]) -> None:
    train, validation = photos(4, class_names=first), photos(4, class_names=second)
    with gives_warning(shv.errors.TrainingWarning, "missing-class", "train"):
        found = check_parts(train, validation, 2)
    assert found is not None
    assert found.class_names == tuple(first)
    assert [first[label] for label in found.labels] == [second[row % 2] for row in range(4)]
    with (
        gives_warning(shv.errors.TrainingWarning, "missing-class", "train"),
        refuses(DataError, "unknown-class", "validation"),
    ):
        check_parts(train, photos(4, class_names=["a", "x"]), 2)


trainers = st.builds(
    shv.Trainer,
    epochs=st.integers(1, 10**6),
    batch_size=st.integers(1, 10**4),
    learning_rate=st.none() | st.floats(1e-6, 1),
    weight_decay=st.none() | st.floats(0, 1),
    label_smoothing=st.floats(0, 0.9),
    patience=st.none() | st.integers(1, 100),
    augmenter=st.none() | st.floats(0.1, 0.9).map(Brightness),
    checkpoint_dir=st.none() | st.sampled_from(["runs/a", "b"]),
    seed=seeds,
    save_every=st.none() | st.integers(1, 100),
    min_delta=st.floats(0, 1),
    on_leak=st.sampled_from(["raise", "drop", "allow"]),
)


@settings(max_examples=50)
@given(trainers)
def test_a_trainer_is_a_value_that_can_be_printed_written_and_made_again(
    trainer: shv.Trainer,
) -> None:
    again = shv.Trainer.from_dict(json.loads(json.dumps(trainer.to_dict())))
    assert again == trainer
    assert repr(again) == repr(trainer)
    with pytest.raises(AttributeError):
        trainer.seed = 1  # type: ignore[misc]  # that it is refused is what is tested
