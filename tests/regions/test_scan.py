"""A map of tiles: every cell is what the tiles around it say, and what is unsure is unknown."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision import protocols
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.errors import InvalidParameterError
from shelfvision.regions.tiles import Tiling, map_of
from support import refuses

NAMES = ("red", "green", "blue")


def by_colour(crops: Iterator[protocols.Image]) -> shv.Predictions:
    seen = np.array([crop.reshape(-1, 3).mean(axis=0) for crop in crops]).reshape(-1, 3)
    rows = (seen + 1) / (seen + 1).sum(axis=1, keepdims=True)
    return shv.Predictions(rows, NAMES, [str(row) for row in range(len(rows))])


def painted() -> protocols.Image:
    """Return a photo of 120 x 200: red at the left, blue at the right, grey between and below."""
    photo = np.full((120, 200, 3), 90, np.uint8)
    photo[:80, :80] = (250, 0, 0)
    photo[:80, 120:] = (0, 0, 250)
    return photo


def scanned(photo: object = None, *, sure: float = 0.6, **how: object) -> shv.ShelfMap:
    given_settings = {"tile": 40, "overlap": 0.5, "scales": (1.0,), **how}
    return map_of(
        painted() if photo is None else photo,  # type: ignore[arg-type]
        Tiling.of(**given_settings),  # type: ignore[arg-type]
        preprocessing=Preprocessing(image_size=(8, 8)),
        predict=by_colour,
        decide=lambda scores: scores.max(axis=1) >= sure,
    )


def test_a_map_tells_what_is_where_and_leaves_the_rest_unknown() -> None:
    found = scanned()
    assert found.labels.shape == (5, 9)
    assert set(found.labels[:3, :3].ravel()) == {"red"}
    assert set(found.labels[:3, -3:].ravel()) == {"blue"}
    assert set(found.labels[-1]) == {None}
    assert set(found.labels[:, 4]) == {None}
    assert 0.2 < found.accepted_share < 0.7
    assert found.shares["red"] + found.shares["blue"] == pytest.approx(found.accepted_share)
    assert found.shares["green"] == 0


def test_cells_lie_side_by_side_over_the_whole_photo() -> None:
    cells = scanned(tile=(50, 70)).cells
    rows, columns = cells.shape[:2]
    assert cells[0, 0, :2].tolist() == [0, 0]
    assert cells[-1, -1, 2:].tolist() == [200, 120]
    assert np.allclose(cells[:, 1:, 0], cells[:, :-1, 2])
    assert np.allclose(cells[1:, :, 1], cells[:-1, :, 3])
    assert rows * columns == scanned(tile=(50, 70)).accepted.size


def test_areas_are_boxes_around_cells_that_say_the_same() -> None:
    areas = scanned().areas()
    assert sorted(str(label) for label in areas.labels) == ["None", "blue", "red"]
    red = areas.corners[areas.labels.index("red")]
    assert red[:2].tolist() == [0, 0]
    assert 60 <= red[2] <= 100
    assert areas.image_size == (120, 200)
    assert areas.scores is not None
    sizes = (areas.corners[:, 2] - areas.corners[:, 0]) * (
        areas.corners[:, 3] - areas.corners[:, 1]
    )
    assert areas.labels[int(sizes.argmax())] is None


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    tile=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    overlap=st.floats(0, 0.9),
    scales=st.lists(st.floats(0.3, 3), min_size=1, max_size=3),
)
def test_any_photo_and_tiling_gives_a_probability_for_every_cell(
    height: int, width: int, tile: tuple[int, int], overlap: float, scales: list[float]
) -> None:
    photo = np.full((height, width, 3), 100, np.uint8)
    found = scanned(photo, tile=tile, overlap=overlap, scales=scales)
    assert np.allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
    assert np.allclose(found.probabilities, 1 / 3, atol=1e-5)
    assert found.cells[-1, -1, 2:].tolist() == [width, height]


def test_tiles_reach_every_edge_and_overlap_as_asked() -> None:
    tops, lefts = Tiling.of(40, 0.5, (1.0,)).starts((100, 200), 1.0)
    assert (tops[0], tops[-1] + 40) == (0, 100)
    assert (lefts[0], lefts[-1] + 40) == (0, 200)
    assert np.diff(tops).max() <= 20
    assert np.diff(lefts).max() <= 20


def test_a_tile_larger_than_the_photo_is_the_photo() -> None:
    found = scanned(tile=5000)
    assert found.tile_size == (120, 200)
    assert found.n_tiles == 1


def test_without_a_size_tiles_are_a_fourth_of_the_shorter_side() -> None:
    assert scanned(tile=None).tile_size == (30, 30)


def test_several_scales_are_averaged() -> None:
    fine, coarse, both = (
        scanned(scales=scales).probabilities for scales in ((1.0,), (2.0,), (1.0, 2.0))
    )
    assert np.allclose(both, (fine + coarse) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"tile": 7}, "not-in-range"),
        ({"tile": (40, 4)}, "not-in-range"),
        ({"tile": (40, 40, 40)}, "wrong-length"),
        ({"tile": 1.5}, "not-in-range"),
        ({"tile": (1.5, 40)}, "not-in-range"),
        ({"overlap": 1.0}, "not-in-range"),
        ({"scales": ()}, "empty"),
        ({"scales": (0.0,)}, "not-in-range"),
        ({"tile": 8, "overlap": 0.9}, "too-large"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object], code: str) -> None:
    with refuses(InvalidParameterError, code, next(iter(wrong))):
        scanned(**wrong)  # type: ignore[arg-type]


def test_a_map_does_not_change_and_survives_a_pickle() -> None:
    found = scanned()
    for column in (found.probabilities, found.accepted):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    again = pickle.loads(pickle.dumps(found))
    assert repr(again) == repr(found)
    assert np.array_equal(again.probabilities, found.probabilities)
    assert repr(found).startswith("<ShelfMap: 5 x 9 cells of 45 tiles, ")


def changed(picture: protocols.Image, photo: protocols.Image) -> npt.NDArray[np.bool_]:
    return np.asarray((picture[: len(photo)] != photo).any(axis=-1))


def test_the_picture_tints_what_is_known_and_hatches_the_rest() -> None:
    picture, photo = scanned().draw(), painted()
    assert picture.shape[1] == 200
    assert picture.shape[0] > 120
    red, unknown = picture[5:35, 5:15], picture[100:118, 60:140]
    assert len(np.unique(red.reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(unknown.reshape(-1, 3), axis=0)) > 2
    assert changed(picture, photo).mean() > 0.9


def test_a_map_with_nothing_known_and_one_with_nothing_unknown_can_be_drawn() -> None:
    for sure in (0.0, 1.0):
        assert scanned(sure=sure).draw(width=300).shape[1] == 300
    assert set(scanned(sure=1.0).labels.ravel()) == {None}
    assert scanned(sure=0.0).accepted_share == 1
