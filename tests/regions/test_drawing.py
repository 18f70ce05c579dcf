"""Pictures of regions: legible at any size, and told apart without colour."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision import protocols
from shelfvision.errors import InvalidParameterError
from shelfvision.regions.drawing._canvas import SURE, UNSURE, Canvas, named
from shelfvision.regions.drawing._label_font import LabelFont
from support import refuses

GREY = np.full((300, 400, 3), 128, np.uint8)


def regions(names: list[str], boxes: npt.ArrayLike, sure: list[bool]) -> shv.Regions:
    classes = sorted(set(names))
    rows = np.array([[0.9 if one == name else 0.1 for one in classes] for name in names])
    predictions = shv.Predictions(
        rows / rows.sum(axis=1, keepdims=True) if len(classes) > 1 else rows,
        classes,
        [str(row) for row in range(len(names))],
        decisions=["accept" if one else "review" for one in sure],
    )
    return shv.Regions(predictions, shv.Boxes(boxes).in_pixels((300, 400)), GREY)


def shows(picture: protocols.Image, colour: tuple[int, int, int]) -> int:
    return int((picture == np.array(colour)).all(axis=-1).sum())


WIDE = [[10, 10, 190, 290], [210, 10, 390, 290]]


def test_accepted_and_review_boxes_have_other_colours_and_other_lines() -> None:
    both = regions(["milk", "tea"], WIDE, [True, False]).draw()
    left, right = both[:300, :200], both[:300, 200:]
    assert shows(left, SURE) > 500
    assert shows(left, UNSURE) == 0
    assert shows(right, UNSURE) > 500
    assert shows(right, SURE) == 0
    # A dashed frame is broken where a plain one is not.
    bottom = 290 - 3
    assert set(np.unique((left[bottom, 20:180] == SURE).all(axis=-1))) == {True}
    assert set(np.unique((right[bottom, 20:180] == UNSURE).all(axis=-1))) == {True, False}


def test_the_pixels_outside_the_boxes_stay() -> None:
    picture = regions(["milk"], [[100, 100, 200, 200]], [True]).draw()
    assert picture.shape == GREY.shape
    outside = np.ones((300, 400), dtype=bool)
    outside[99:201, 99:201] = False
    assert (picture[outside] == 128).all()
    assert (GREY == 128).all()


@pytest.mark.parametrize("width", [50, 133, 400, 1000])
def test_the_picture_is_as_wide_as_asked_for(width: int) -> None:
    picture = regions(["milk", "tea"], WIDE, [True, True]).draw(width=width)
    assert picture.shape[1] == width
    assert picture.dtype == np.uint8


def test_large_photos_become_smaller_pictures() -> None:
    predictions = shv.Predictions([[0.9, 0.1]], ["a", "b"], ["0"])
    boxes = shv.Boxes([[0, 0, 900, 900]]).in_pixels((1000, 3000))
    found = shv.Regions(predictions, boxes, np.zeros((1000, 3000, 3), np.uint8))
    assert found.draw().shape[1] == 1600


def test_names_that_do_not_fit_stand_below_the_photo() -> None:
    small = [[10, 10, 40, 60], [50, 10, 80, 60]]
    short = regions(["milk", "tea"], WIDE, [True, True]).draw()
    long = regions(["oat milk of the mountains", "tea"], small, [True, True]).draw()
    assert short.shape == (300, 400, 3)
    assert long.shape[0] > 300
    legend = long[300:]
    assert (legend[0] == 255).all()
    assert (legend < 100).any()


def test_a_picture_with_something_to_review_says_so_below() -> None:
    assert regions(["milk", "tea"], WIDE, [True, False]).draw().shape[0] > 300


@pytest.mark.parametrize("width", [0, 49, 20_001, 3.5, "wide"])
def test_a_width_that_makes_no_picture_is_refused(width: object) -> None:
    with refuses(InvalidParameterError, "not-in-range", "width"):
        regions(["milk"], WIDE[:1], [True]).draw(width=width)  # type: ignore[arg-type]


def test_a_font_that_is_none_is_refused() -> None:
    with refuses(InvalidParameterError, "unreadable", "font"):
        regions(["milk"], WIDE[:1], [True]).draw(font=__file__)


@pytest.mark.parametrize("size", [0, 65 << 20])
def test_a_font_that_is_no_regular_file_or_huge_is_refused_at_once(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "font.ttf"
    if size:
        with path.open("wb") as file:
            file.truncate(size)
    else:
        os.mkfifo(path)
    with refuses(InvalidParameterError, "too-large" if size else "not-a-file", "font"):
        regions(["milk"], WIDE[:1], [True]).draw(font=path)


def test_a_font_is_taken_by_its_path_and_by_its_name() -> None:
    path = LabelFont.of(14, None).path
    if path is None:
        pytest.skip("matplotlib is not installed")
    plain = regions(["milk"], WIDE[:1], [True]).draw()
    assert np.array_equal(regions(["milk"], WIDE[:1], [True]).draw(font=Path(path)), plain)
    with refuses(InvalidParameterError, "unreadable", "font"):
        regions(["milk"], WIDE[:1], [True]).draw(font="no such font.ttf")


HOSTILE = [
    "a\nb\nc",
    "a\x00\x1b[31m\u202e\u200b\ud800",
    "m" * 100_000,
    "e" + "\u0301" * 5000,
    "$x^2$ <b>&amp; %s {0}",
    "\u202emilk",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("boxes", [WIDE, [[10, 10, 30, 30], [50, 10, 80, 40]]])
def test_hostile_names_are_drawn_on_one_short_line(name: str, boxes: list[list[float]]) -> None:
    names = [name or "?", "tea"]
    picture = regions(names, boxes, [True, False]).draw(width=400)
    assert picture.shape[1] == 400
    assert picture.shape[0] < 400
    shown = named(name)
    assert shown.isprintable()
    assert len(shown) <= 80


def test_a_legend_of_very_many_names_is_cut() -> None:
    canvas = Canvas.of(np.zeros((100, 400, 3), np.uint8), None)
    whole = canvas.with_legend([f"class {n}" for n in range(50_000)])
    assert whole.shape[0] < 100 + 201 * 40


def test_without_thresholds_frames_are_plain_and_nothing_is_to_review() -> None:
    said = shv.Predictions([[0.9, 0.1]], ["milk", "tea"], ["0"])
    boxes = shv.Boxes(WIDE[:1]).in_pixels((300, 400))
    photo = np.zeros((300, 400, 3), np.uint8)
    undecided = shv.Regions(said, boxes, photo)
    accepted = shv.Regions(
        shv.Predictions([[0.9, 0.1]], ["milk", "tea"], ["0"], decisions=["accept"]), boxes, photo
    )
    assert list(undecided.decisions) == [None]
    assert undecided[0].decision is None
    assert np.array_equal(undecided.draw(), accepted.draw())


def test_names_in_any_script_and_with_line_breaks_can_be_drawn() -> None:
    names = ["Müsli\nnaturé", "牛乳"]
    assert regions(names, WIDE, [True, True]).draw().shape[1] == 400


def test_without_a_font_of_its_own_accents_go_and_other_signs_are_marked() -> None:
    plain = LabelFont(size=14, path=None)
    assert plain.shown("Müsli naturé 牛") == "Musli nature ?"
    assert plain.shown("tea…") == "tea…"
    assert plain.shown("a\x00b") == "a?b"


def test_text_that_does_not_fit_loses_its_end() -> None:
    letters = LabelFont.of(14, None)
    room = letters.width("oat milk")
    assert letters.fitted("oat milk", room) == "oat milk"
    cut = letters.fitted("oat milk of the mountains", room)
    assert cut.endswith("…")
    assert letters.width(cut) <= room
    assert letters.fitted("oat milk", 1) == ""


def test_a_plot_shows_the_picture_in_a_figure_or_on_given_axes() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = regions(["milk", "tea"], WIDE, [True, True])
    axes = shv.plot.regions(found, width=200)
    shown = axes.get_images()[0].get_array()
    assert shown is not None
    assert shown.shape == (150, 200, 3)
    figure, given = pyplot.subplots()
    assert shv.plot.regions(found, ax=given) is given
    pyplot.close(axes.figure)
    pyplot.close(figure)
