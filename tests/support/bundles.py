"""Bundles that are refused."""

from __future__ import annotations

import io

import pytest

from shelfvision.errors import BundleError
from shelfvision.inference._bundle import read_contents


def refusal_of(data: bytes) -> str:
    """Return the sentence with which a bundle is refused."""
    with pytest.raises(BundleError) as caught:
        read_contents(io.BytesIO(data))
    return str(caught.value)
