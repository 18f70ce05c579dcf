"""Keyed generators: the stream of numpy's Philox for a key, and children that can be repeated."""

from __future__ import annotations

import ast
import copy
import pickle
import random
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import shelfvision
from shelfvision._random import key_digest, order_for, rng_for


def test_a_generator_is_the_philox_of_its_key() -> None:
    words = np.frombuffer(key_digest(42, "augment", "photo", 1)[:16], dtype="<u8")
    philox = np.random.Generator(np.random.Philox(key=words.astype(np.uint64)))
    assert_array_equal(rng_for(42, "augment", "photo", 1).random(100), philox.random(100))


def test_spawned_generators_come_of_the_key_alone() -> None:
    together = [child.random() for child in rng_for(1, "t").spawn(3)]
    parent = rng_for(1, "t")
    parent.random()
    assert [parent.spawn(1)[0].random() for _ in range(3)] == together
    assert len({*together, rng_for(1, "t").random(), rng_for(2, "t").spawn(1)[0].random()}) == 5


def test_a_generator_goes_on_where_it_was_when_copied_or_pickled() -> None:
    parent = rng_for(1, "t")
    parent.spawn(1)
    parent.random()
    for other in (copy.deepcopy(parent), pickle.loads(pickle.dumps(parent))):
        assert other.spawn(1)[0].random() == rng_for(1, "t").spawn(2)[1].random()
        assert other.random() == rng_for(1, "t").random(2)[1]


fields = st.one_of(st.text(max_size=6), st.integers(-3, 10**9))
keys = st.tuples(st.integers(0, 2**32 - 1), st.text(max_size=6), st.lists(fields, max_size=4))
Key = tuple[int, str, list[str | int]]


@given(keys, keys)
def test_two_keys_have_one_stream_only_if_they_are_the_same(one: Key, other: Key) -> None:
    digests = [key_digest(seed, purpose, *key) for seed, purpose, key in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)


@given(keys, keys, st.lists(st.integers(0, 1), max_size=20))
def test_a_stream_is_the_same_whatever_is_drawn_between(
    one: Key, other: Key, turns: list[int]
) -> None:
    before = pickle.dumps((random.getstate(), np.random.get_state()))
    mixed = [rng_for(seed, purpose, *key) for seed, purpose, key in (one, other)]
    drawn = [(turn, mixed[turn].random()) for turn in turns]
    for turn, (seed, purpose, key) in enumerate((one, other)):
        alone = rng_for(seed, purpose, *key)
        assert [value for which, value in drawn if which == turn] == [
            alone.random() for _ in range(turns.count(turn))
        ]
    assert pickle.dumps((random.getstate(), np.random.get_state())) == before


@given(st.integers(0, 200), st.integers(0, 2**32 - 1), st.integers(1, 1000))
def test_an_order_holds_every_number_once(n: int, seed: int, epoch: int) -> None:
    order = order_for(n, seed, "order", epoch)
    assert sorted(order.tolist()) == list(range(n))
    assert_array_equal(order_for(n, seed, "order", epoch), order)


MAKERS = {"default_rng", "Generator", "RandomState", "SeedSequence", "Philox", "PCG64", "MT19937"}


def test_generators_are_made_in_one_place() -> None:
    """But for the article's permutation, which is numpy's old generator by definition."""
    root = Path(shelfvision.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS
    }
    assert found == {"_random.py", "data/splitting/_methods.py"}
