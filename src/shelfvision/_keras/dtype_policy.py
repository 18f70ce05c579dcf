"""Keras's dtype policy: models of this library are built and called in float32.

Keras keeps one global policy for each thread. A program may set it to mixed precision for models of
its own, so every place that builds or calls a model of ours does it inside `float32_policy`.
Training in mixed precision sets the policies of single layers and leaves the global one alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shelfvision._keras.backend import load_keras


@contextlib.contextmanager
def float32_policy() -> Iterator[None]:
    """Let layers made in this thread compute in float32, whatever Keras's global policy is.

    Keras keeps its dtype policy per thread, so no other thread sees the change.
    """
    config = load_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy("float32")
    try:
        yield
    finally:
        config.set_dtype_policy(before)
