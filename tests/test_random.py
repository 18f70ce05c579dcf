"""Keyed generators: the stream of numpy's Philox for a key, and children that can be repeated."""

from __future__ import annotations

import copy
import pickle

import numpy as np
from numpy.testing import assert_array_equal

from shelfvision._random import digest_of, rng_for


def test_a_generator_is_the_philox_of_its_key() -> None:
    words = np.frombuffer(digest_of(42, "augment", "photo", 1)[:16], dtype="<u8")
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
