"""The global random generators, which extensions must not use."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class GlobalGenerator:
    """A random generator that is global to the process."""

    name: str
    """The name in messages."""
    state: Callable[[], object]
    """Returns its state."""
    put_back: Callable[[Any], object]
    """Sets its state."""
    seed: Callable[[int], object]
    """Seeds it."""


def _loaded_generators() -> list[GlobalGenerator]:
    legacy = np.random  # its state is compared and restored, but no number is drawn
    generators = [
        GlobalGenerator("the random module", random.getstate, random.setstate, random.seed),
        GlobalGenerator("numpy.random", legacy.get_state, legacy.set_state, legacy.seed),
    ]
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        generators.append(
            GlobalGenerator(
                "torch",
                lambda: torch.get_rng_state().numpy().copy(),
                lambda state: torch.set_rng_state(torch.from_numpy(state)),
                torch.default_generator.manual_seed,
            )
        )
    return generators


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the global generators at the end."""
    kept = [(generator, generator.state()) for generator in _loaded_generators()]
    try:
        yield
    finally:
        for generator, state in kept:
            generator.put_back(state)


def drawn_from(call: Callable[[], object]) -> list[str]:
    """Return the names of the global generators that a call draws from or seeds."""
    found = []
    for generator in _loaded_generators():
        # An unusual state, so that seeding changes it.
        generator.seed(1_592_653_589)
        before = pickle.dumps(generator.state())
        call()
        if pickle.dumps(generator.state()) != before:
            found.append(generator.name)
    return found
