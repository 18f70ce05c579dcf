"""What the room promises holds for any model that it builds and on any machine."""

from __future__ import annotations

import os
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision._keras import backend
from shelfvision._keras.backend import KNOWN, PREFERRED, load_keras
from shelfvision.errors import MissingBackendError
from shelfvision.models import spec_of
from support import refuses

backends = st.sampled_from(KNOWN)


@settings(max_examples=60)
@given(
    st.sets(backends), st.one_of(st.just(""), backends, st.just("theano")), st.just("") | backends
)
def test_the_environment_decides_then_keras_json_then_what_is_installed(
    installed: set[str], asked: str, configured: str
) -> None:
    choices = [name for name in (configured, *PREFERRED) if name in installed]
    with (
        mock.patch.dict(os.environ, {"KERAS_BACKEND": asked}),
        mock.patch.object(backend, "_is_installed", installed.__contains__),
        mock.patch.object(backend, "_configured", return_value=configured),
    ):
        if asked in installed:
            assert backend._decide() == asked
        elif asked or not choices:
            code = "not-an-option" if asked and asked not in KNOWN else "missing-backend"
            with refuses(MissingBackendError, code, "KERAS_BACKEND" if asked else None):
                backend._decide()
        else:
            assert backend._decide() == choices[0]


@settings(max_examples=6)
@given(
    st.sampled_from(["grocery_cnn", "shelf_cnn"]),
    st.integers(2, 6),
    st.tuples(st.integers(88, 99), st.integers(88, 99)),
    st.integers(0, 2**32 - 1),
)
def test_a_model_is_uncompiled_and_makes_probabilities_of_raw_pixels(
    architecture: str, num_classes: int, size: tuple[int, int], seed: int
) -> None:
    model = shv.build_model(num_classes, image_size=size, architecture=architecture, seed=seed)
    assert not model.compiled
    assert any(isinstance(layer, load_keras().layers.Rescaling) for layer in model.layers)
    spec = spec_of(model)
    assert spec is not None
    assert (spec.image_size, spec.num_classes, spec.seed) == (size, num_classes, seed)
    pixels = np.random.default_rng(seed).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    rows = load_keras().ops.convert_to_numpy(model(pixels, training=False))
    assert rows.shape == (2, num_classes)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
