"""What the room promises holds for any products and whatever the network sees in them."""

from __future__ import annotations

import io
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfvision._identifiers import clean_name
from shelfvision.errors import BundleError
from shelfvision.gallery._enrolled import EnrolledPhotos
from shelfvision.gallery._file import GalleryContents, read_gallery, save_gallery
from shelfvision.gallery._nearness import HeldOut


@st.composite
def enrolled(draw: st.DrawFn) -> EnrolledPhotos:
    """Return photos of one product at least, each product with a photo."""
    letters = st.text("abé,\n", min_size=1, max_size=3).map(clean_name).filter(bool)
    names = tuple(draw(st.lists(letters, min_size=1, max_size=4, unique=True)))
    more = draw(st.lists(st.integers(0, len(names) - 1), max_size=4))
    labels = np.array(draw(st.permutations([*range(len(names)), *more])), np.int32)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    seen = rng.normal(size=(len(labels), draw(st.integers(1, 3)))).astype(np.float32)
    groups = rng.integers(-(2**63), 2**63, len(labels), dtype=np.int64)
    return EnrolledPhotos(names=names, embeddings=seen, labels=labels, groups=groups)


def told(photos: EnrolledPhotos) -> list[tuple[str, bytes, int]]:
    """Return the photos with their products, in no order."""
    rows = zip(photos.labels, photos.embeddings, photos.groups, strict=True)
    return sorted((photos.names[label], seen.tobytes(), int(g)) for label, seen, g in rows)


@settings(max_examples=50)
@given(
    enrolled(), st.none() | st.floats(0.001, 0.999), st.sampled_from(get_args(HeldOut)), st.data()
)
def test_any_gallery_comes_back_from_its_file_and_any_other_bytes_are_refused(
    photos: EnrolledPhotos, unknown: float | None, held_out: HeldOut, data: st.DataObject
) -> None:
    contents = GalleryContents(
        photos=photos,
        unknown=unknown,
        classifier="ab" * 32,
        made_for="<Classifier>",
        held_out=held_out,
    )
    file = io.BytesIO()
    digest = save_gallery(contents, file)
    found = read_gallery(io.BytesIO(file.getvalue()), expected_sha256=digest)
    assert found.photos.names == photos.names
    for name in ("embeddings", "labels", "groups"):
        np.testing.assert_array_equal(getattr(found.photos, name), getattr(photos, name))
    assert (found.unknown, found.classifier) == (unknown, "ab" * 32)
    assert found.held_out == held_out
    damaged = bytearray(file.getvalue())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BundleError):
        read_gallery(io.BytesIO(bytes(damaged)))


@given(enrolled(), st.integers(1, 3))
def test_adding_and_removing_a_product_leaves_the_others_as_they_were(
    photos: EnrolledPhotos, n: int
) -> None:
    before = told(photos)
    seen = np.ones((n, photos.embeddings.shape[1]), np.float32)
    more = photos.added("new", seen, np.arange(n, dtype=np.int64))
    assert more.counts == {**photos.counts, "new": n}
    assert told(more.removed("new")) == before
    assert told(photos) == before
    sorted_before = list(photos.names) == sorted(photos.names)
    assert not sorted_before or list(more.names) == sorted(more.names)
