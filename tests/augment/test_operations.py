"""Every operation keeps the contract, prints as its code, and does what its name says."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from shelfvision import augment
from shelfvision._random import rng_for
from shelfvision.augment import (
    AlwaysChange,
    Blur,
    Brightness,
    ColorTemperature,
    Compose,
    Contrast,
    Erase,
    Flip,
    Glare,
    Hue,
    JpegArtifacts,
    Maybe,
    MotionBlur,
    Noise,
    OneOf,
    Operation,
    Perspective,
    PriceTag,
    Rotate,
    Saturation,
    ShadowBand,
    Shear,
    Shift,
    Zoom,
    default_augmenter,
)
from shelfvision.augment._recipes import OPERATIONS
from shelfvision.errors import AugmenterError, InvalidParameterError
from shelfvision.protocols import Image
from shelfvision.testing import check_augmenter
from support import refuses
from support.augmenters import invert

ALL = [
    Flip(),
    Flip("vertical"),
    Rotate(),
    Rotate((90, 90), fill=(10, 20, 30)),
    Shift(),
    Shift(1),
    Zoom(0.2),
    Zoom((-0.8, 4)),
    Shear(),
    Perspective(),
    Perspective(0.5, fill=(0, 0, 0)),
    Brightness(),
    Contrast(),
    Saturation(),
    Hue(180),
    ColorTemperature(0.5),
    Noise(),
    Blur(),
    MotionBlur(),
    JpegArtifacts(),
    Glare(),
    ShadowBand(),
    Erase(),
    Erase(1, fill=(1, 2, 3)),
    PriceTag(),
    Compose([Rotate(180), Zoom((-0.8, -0.8)), Perspective(0.5), Brightness(), Flip()]),
    OneOf([Blur(), Noise()], weights=[1, 3]),
    Maybe(Flip(), p=0.25),
    AlwaysChange(Maybe(Flip())),
    default_augmenter(),
]


def _photo(height: int = 40, width: int = 50) -> Image:
    return rng_for(0, "test", height, width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_an_operation_passes_the_check_of_augmenters(operation: Operation) -> None:
    check_augmenter(operation)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_an_operation_prints_as_the_code_that_makes_it(operation: Operation) -> None:
    assert eval(repr(operation), vars(augment)) == operation


def test_every_operation_is_tried_here() -> None:
    assert {type(operation).__name__ for operation in ALL} == set(OPERATIONS)


@settings(max_examples=60, deadline=None)
@given(
    operation=st.sampled_from(ALL),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    level=st.one_of(st.none(), st.integers(0, 255)),
    key=st.integers(0, 2**32),
)
def test_any_image_of_any_size_keeps_its_shape_and_is_not_written_into(
    operation: Operation, height: int, width: int, level: int | None, key: int
) -> None:
    image = _photo(height, width)
    if level is not None:
        image[:] = level
    image.flags.writeable = False
    result = operation(image, rng_for(0, "test", key))
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    assert result.flags.writeable
    assert result.flags.c_contiguous
    assert_array_equal(result, operation(image, rng_for(0, "test", key)))


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), level=st.integers(0, 255))
def test_the_default_augmenter_always_changes_something(
    height: int, width: int, level: int
) -> None:
    image = np.full((height, width, 3), level, np.uint8)
    assert not np.array_equal(default_augmenter()(image, rng_for(0, "test", level)), image)


def test_what_comes_to_nothing_is_helped_along() -> None:
    for level in (0, 127, 255):
        image = np.full((5, 5, 3), level, np.uint8)
        assert (AlwaysChange(Maybe(Flip(), p=0))(image, rng_for(0, "test")) != image).all()


def test_the_default_augmenter_never_mirrors() -> None:
    assert "Flip" not in repr(default_augmenter())
    image = _photo(41, 41)
    image[:, :20] //= 8
    for key in range(20):
        result = default_augmenter()(image, rng_for(0, "test", key))
        assert result[:, :20].mean() < result[:, 21:].mean()


def test_flipping_mirrors_exactly() -> None:
    image = _photo()
    assert_array_equal(Flip()(image, rng_for(0, "t")), image[:, ::-1])
    assert_array_equal(Flip("vertical")(image, rng_for(0, "t")), image[::-1])


def test_positive_degrees_turn_clockwise() -> None:
    image = _photo(30, 30)
    turned = Rotate((90, 90))(image, rng_for(0, "t"))
    assert np.abs(turned.astype(int) - np.rot90(image, -1)).max() <= 1


def test_a_positive_shift_goes_right_and_down() -> None:
    image = _photo(20, 20)
    moved = Shift((0.25, 0.25), fill=(7, 8, 9))(image, rng_for(0, "t"))
    assert_array_equal(moved[5:, 5:], image[:15, :15])
    assert_array_equal(moved[0, 0], [7, 8, 9])


def test_reflection_mirrors_what_is_beyond_the_edge() -> None:
    image = _photo(20, 20)
    moved = Shift((0.25, 0.25))(image, rng_for(0, "t"))
    assert_array_equal(moved[:5, 5:], image[:5, :15][::-1])


def test_reflection_goes_on_for_ever() -> None:
    image = _photo(3, 40)
    thrice = Compose([Shift((1, 1))] * 3)(image, rng_for(0, "t"))
    assert_array_equal(thrice, image[::-1, ::-1])


def test_colours_after_a_movement_are_what_they_are_by_themselves() -> None:
    image = _photo(130, 170)
    moved = Rotate((20, 20))(image, rng_for(0, "t"))
    darker = Brightness((-0.3, -0.3))
    both = Compose([Rotate((20, 20)), darker])(image, rng_for(0, "t"))
    assert_array_equal(both, darker(moved, rng_for(0, "t")))


def test_threads_do_not_write_over_each_other() -> None:
    operation = default_augmenter()
    images = [_photo(90 + n, 100) for n in range(24)]
    expected = [operation(image, rng_for(0, "t", n)) for n, image in enumerate(images)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: operation(images[n], rng_for(0, "t", n)), range(24))
        for result, one in zip(found, expected, strict=True):
            assert_array_equal(result, one)


def test_zooming_in_enlarges_the_middle() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[15:25, 15:25] = 255
    larger = Zoom((1, 1))(image, rng_for(0, "t"))
    assert (larger > 127).sum() == pytest.approx(4 * (image > 127).sum(), rel=0.02)


def test_neighbouring_movements_are_sampled_once() -> None:
    image = _photo()
    there_and_back = Compose([Rotate((30, 30)), Rotate((-30, -30))])
    assert np.abs(there_and_back(image, rng_for(0, "t")).astype(int) - image).max() <= 1


def test_neighbouring_colours_are_rounded_once() -> None:
    image = _photo()
    dark_and_back = Compose([Brightness((-0.9, -0.9)), Brightness((4, 4)), Brightness((1, 1))])
    assert_array_equal(dark_and_back(image, rng_for(0, "t")), image)


def test_movements_with_different_fills_are_not_merged() -> None:
    image = np.full((20, 20, 3), 200, np.uint8)
    moved = Compose([Shift((0.5, 0.5), fill=(0, 0, 0)), Shift((0.25, 0.25))])(
        image, rng_for(0, "t")
    )
    assert (moved == 0).any()
    assert (moved == 200).any()


def test_strong_tilts_that_reach_the_horizon_still_give_an_image() -> None:
    smaller = Zoom((-0.8, -0.8))
    tilted = Compose([*[Perspective((0.5, 0.5))] * 6, smaller])
    image = _photo()
    assert_array_equal(tilted(image, rng_for(0, "t")), smaller(image, rng_for(0, "t")))


def test_colours_change_as_named() -> None:
    image = _photo().astype(np.uint8) // 2 + 40
    red, _, blue = np.moveaxis(image.astype(int), 2, 0)
    grey = Saturation((-1, -1))(image, rng_for(0, "t")).astype(int)
    assert np.ptp(grey, axis=2).max() <= 1
    warm = ColorTemperature((0.2, 0.2))(image, rng_for(0, "t")).astype(int)
    assert (warm[..., 0] > red).all()
    assert (warm[..., 2] < blue).all()
    flat = Contrast((-1, -1))(image, rng_for(0, "t"))
    assert set(flat.ravel()) <= {127, 128}
    assert Brightness((0.2, 0.2))(image, rng_for(0, "t")).mean() > image.mean()


def test_turning_hues_by_a_full_circle_changes_nothing() -> None:
    image = _photo() // 2 + 60
    around = Compose([Hue((120, 120))] * 3)(image, rng_for(0, "t"))
    assert np.abs(around.astype(int) - image).max() <= 1
    assert Hue((120, 120))(image, rng_for(0, "t")).mean() == pytest.approx(image.mean(), rel=0.1)


def test_grain_has_the_deviation_asked_for() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    grain = Noise((10, 10))(grey, rng_for(0, "t")).astype(int) - 128
    assert grain.std() == pytest.approx(10, rel=0.05)
    assert grain.mean() == pytest.approx(0, abs=0.3)


def test_blurring_keeps_the_mean_and_takes_the_edges() -> None:
    image = _photo(60, 60)
    for operation in (Blur((2, 2)), MotionBlur((8, 8))):
        soft = operation(image, rng_for(0, "t"))
        assert soft.mean() == pytest.approx(image.mean(), rel=0.02)
        assert soft.std() < 0.7 * image.std()


def test_glare_only_brightens_and_shadow_only_darkens() -> None:
    image = _photo()
    for key in range(5):
        assert (Glare()(image, rng_for(0, "t", key)) >= image).all()
        assert (ShadowBand()(image, rng_for(0, "t", key)) <= image).all()


def test_erasing_covers_about_the_area_asked_for() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    covered = (Erase((0.1, 0.1), fill=(0, 0, 0))(image, rng_for(0, "t")) == 0).all(axis=2)
    assert covered.mean() == pytest.approx(0.1, rel=0.1)


def test_one_of_chooses_by_weight() -> None:
    either = OneOf([Brightness((-1, -1)), Flip()], weights=[1, 3])
    image = np.full((2, 2, 3), 9, np.uint8)
    dark = sum(int(not either(image, rng_for(0, "t", key)).any()) for key in range(400))
    assert 70 < dark < 130


def test_maybe_happens_as_often_as_asked() -> None:
    image = _photo(2, 3)
    often = Maybe(Flip(), p=0.25)
    flipped = sum(int((often(image, rng_for(0, "t", key)) != image).any()) for key in range(400))
    assert 70 < flipped < 130


def _halved(image: Image, rng: np.random.Generator) -> Image:
    return image[::2]


def test_anybody_s_function_can_be_composed() -> None:
    image = _photo()
    mixed = Compose([Flip(), invert, Maybe(invert, p=1)])
    assert_array_equal(mixed(image, rng_for(0, "t")), image[:, ::-1])
    assert pickle.loads(pickle.dumps(mixed)) == mixed


def test_a_broken_function_in_a_composition_is_named() -> None:
    with refuses(AugmenterError, "contract") as caught:
        Compose([Flip(), _halved])(_photo(), rng_for(0, "t"))
    assert "_halved" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "code", "parameter"),
    [
        (lambda: Rotate(200), "not-in-range", "degrees"),
        (lambda: Rotate((5, -5)), "not-a-pair", "degrees"),
        (lambda: Rotate((5, 200)), "not-in-range", "degrees"),
        (lambda: Rotate((1, 2, 3)), "not-a-pair", "degrees"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: Rotate("15"), "not-in-range", "degrees"),  # type: ignore[arg-type]  # the same
        (lambda: Shift(fill=(1, 2, 300)), "not-an-option", "fill"),
        (lambda: Shift(fill="black"), "not-an-option", "fill"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: Flip("sideways"), "not-an-option", "direction"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: Brightness(float("nan")), "not-in-range", "change"),
        (lambda: JpegArtifacts((80, 20)), "not-a-pair", "quality"),
        (lambda: JpegArtifacts((0, 20)), "not-in-range", "quality"),
        (lambda: Compose([]), "empty", "augmenters"),
        (lambda: Compose(Flip()), "wrong-type", "augmenters"),  # type: ignore[arg-type]  # the same
        (lambda: Compose([Flip]), "is-a-class", "augmenters"),  # type: ignore[list-item]  # so
        (lambda: Compose([3]), "wrong-type", "augmenters"),  # type: ignore[list-item]  # wrong on purpose
        (lambda: OneOf([Flip()], weights=[0]), "wrong-length", "weights"),
        (lambda: OneOf([Flip()], weights=[-1]), "not-in-range", "weights"),
        (lambda: OneOf([Flip()], weights=[1, 2]), "wrong-length", "weights"),
        (lambda: Maybe(Flip(), p=2), "not-in-range", "p"),
        (lambda: Maybe(3), "wrong-type", "augmenter"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: AlwaysChange(Flip(), attempts=0), "not-in-range", "attempts"),
    ],
)
def test_settings_that_make_no_sense_are_named(make: object, code: str, parameter: str) -> None:
    assert callable(make)
    with refuses(InvalidParameterError, code, parameter):
        make()
