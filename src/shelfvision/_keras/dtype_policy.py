"""Build and call the models of this library in float32, whatever Keras's global policy is.

Keras has one global dtype policy for each thread. A program may set it to mixed precision for its
own models, so this library builds and calls its models inside `float32_policy`. Mixed-precision
training sets the policies of single layers and does not change the global one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shelfvision._keras.backend import load_keras


@contextlib.contextmanager
def float32_policy() -> Iterator[None]:
    """Set Keras's dtype policy to float32 in this thread, and restore it at the end."""
    config = load_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy("float32")
    try:
        yield
    finally:
        config.set_dtype_policy(before)
