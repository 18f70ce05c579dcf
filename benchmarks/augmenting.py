"""Augmenting 100 x 100 images on one thread: ours beside other libraries, the same operations.

Run ``python benchmarks/augmenting.py [rounds]``. Packages that are not installed are left out;
albumentations is called as its version 2.0.8 takes it. Times are of this process's CPU, medians
of rounds in which all take turns.
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import numpy as np
from PIL import Image as Pictures
from PIL import ImageEnhance

from shelfvision import augment
from shelfvision._random import rng_for
from shelfvision.protocols import Image

SIZE = 100
PER_ROUND = 200
DEGREES, SHEAR, SHIFT, TILT = 8, 4, 0.06, 0.12
SCALE = (0.9, 1.15)
BRIGHTNESS, CONTRAST, SATURATION, WARMTH = 0.2, 0.2, 0.25, 0.08

Step = Callable[[Image, int], object]


def ours() -> Step:
    """Return the default augmenter, with the making of its keyed generator."""
    augmenter = augment.default_augmenter()
    return lambda image, i: augmenter(image, rng_for(42, "augment", "photo", i))


def ours_held_to_the_contract() -> Step:
    """Return the same as datasets call it, with every check of the answer."""
    augmenter = augment.default_augmenter()
    return lambda image, i: augment.apply_augmenter(
        augmenter, image, rng_for(42, "augment", "photo", i)
    )


def ours_without_tilt() -> Step:
    """Return one affine warp and colour, without the perspective."""
    inner = augment.default_augmenter().augmenter  # type: ignore[attr-defined]  # AlwaysChange
    steps = [step for step in inner.augmenters if not isinstance(step, augment.Perspective)]
    augmenter = augment.AlwaysChange(augment.Compose(steps))
    return lambda image, i: augmenter(image, rng_for(42, "augment", "photo", i))


def albumentations(*, tilt: bool = True) -> Step:
    """Return albumentations on opencv: one affine, one perspective, colour, temperature."""
    import albumentations as alb
    import cv2

    cv2.setNumThreads(0)
    border = {"border_mode": cv2.BORDER_REFLECT}
    perspective = [alb.Perspective(scale=(0, TILT / 4), keep_size=True, p=1, **border)]
    pipeline = alb.Compose(
        [
            alb.Affine(
                rotate=(-DEGREES, DEGREES),
                scale=SCALE,
                translate_percent=(-SHIFT, SHIFT),
                shear={"x": (-SHEAR, SHEAR), "y": (0, 0)},
                p=1,
                **border,
            ),
            *(perspective if tilt else []),
            alb.ColorJitter(
                brightness=(1 - BRIGHTNESS, 1 + BRIGHTNESS),
                contrast=(1 - CONTRAST, 1 + CONTRAST),
                saturation=(1 - SATURATION, 1 + SATURATION),
                hue=(0, 0),
                p=1,
            ),
            alb.RGBShift(r_shift_limit=10, g_shift_limit=0, b_shift_limit=10, p=1),
        ],
        seed=42,
    )
    return lambda image, _: pipeline(image=image)["image"]


def skimage_warp() -> Step:
    """Return one projective warp by scikit-image and colour by NumPy."""
    from skimage.transform import ProjectiveTransform, warp

    rng = np.random.default_rng(0)

    def step(image: Image, _: int) -> object:
        angle, scale = np.radians(rng.uniform(-DEGREES, DEGREES)), rng.uniform(*SCALE)
        cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
        shift, tilt = rng.uniform(-SHIFT, SHIFT, 2) * SIZE, rng.uniform(-TILT, TILT, 2) / SIZE
        matrix = [[cosine, -sine, shift[0]], [sine, cosine, shift[1]], [*tilt, 1]]
        moved = warp(image, ProjectiveTransform(np.array(matrix)), mode="symmetric", order=1)
        return (np.clip(moved * _gains(rng), 0, 1) * 255).astype(np.uint8)

    return step


def pillow_torchvision_style() -> Step:
    """Return Pillow called step by step, as torchvision's transforms do on Pillow images."""
    rng = np.random.default_rng(0)
    bilinear = Pictures.Resampling.BILINEAR

    def step(image: Image, _: int) -> object:
        picture = Pictures.fromarray(image)
        angle, scale = np.radians(rng.uniform(-DEGREES, DEGREES)), rng.uniform(*SCALE)
        a, b = np.cos(angle) / scale, np.sin(angle) / scale
        c, d = rng.uniform(-SHIFT, SHIFT, 2) * SIZE
        affine = (a, b, c + SIZE / 2 * (1 - a - b), -b, a, d + SIZE / 2 * (1 + b - a))
        picture = picture.transform((SIZE, SIZE), Pictures.Transform.AFFINE, affine, bilinear)
        tilt = rng.uniform(-TILT, TILT, 2) / SIZE
        perspective = (1, 0, 0, 0, 1, 0, *tilt)
        picture = picture.transform(
            (SIZE, SIZE), Pictures.Transform.PERSPECTIVE, perspective, bilinear
        )
        for enhancer, change in (
            (ImageEnhance.Brightness, BRIGHTNESS),
            (ImageEnhance.Contrast, CONTRAST),
            (ImageEnhance.Color, SATURATION),
        ):
            picture = enhancer(picture).enhance(rng.uniform(1 - change, 1 + change))
        return np.asarray(picture)

    return step


def keras_layers() -> Step:
    """Return Keras's random layers in one compiled function, one image at a time."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    layers = [
        keras.layers.RandomRotation(DEGREES / 360, fill_mode="reflect"),
        keras.layers.RandomZoom((-0.1, 0.15), fill_mode="reflect"),
        keras.layers.RandomTranslation(SHIFT, SHIFT, fill_mode="reflect"),
        keras.layers.RandomBrightness(BRIGHTNESS),
        keras.layers.RandomContrast(CONTRAST),
    ]

    @tf.function
    def augmented(batch: object) -> object:
        for layer in layers:
            batch = layer(batch, training=True)
        return tf.cast(batch, tf.uint8)

    return lambda image, _: augmented(image[None]).numpy()


def _gains(rng: np.random.Generator) -> object:
    gains = np.full(3, rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS))
    return gains * (1 + np.array([1, 0, -1]) * rng.uniform(-WARMTH, WARMTH))


def _candidates() -> dict[str, Step]:
    makers: dict[str, Callable[[], Step]] = {
        "shelfvision": ours,
        "shelfvision, answer checked": ours_held_to_the_contract,
        "shelfvision, no tilt": ours_without_tilt,
        "torchvision-style Pillow": pillow_torchvision_style,
        "albumentations (opencv)": albumentations,
        "albumentations, no tilt": functools.partial(albumentations, tilt=False),
        "skimage warp": skimage_warp,
        "keras layers, tf.function": keras_layers,
    }
    made = {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except ImportError as error:
            print(f"left out: {name}: {str(error).splitlines()[0]}")
    return made


def main(rounds: int) -> None:
    """Time all candidates in turns and print medians and ratios to albumentations or ours."""
    image = np.asarray(
        Pictures.effect_mandelbrot((SIZE, SIZE), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    )
    steps = _candidates()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            start = time.process_time()
            for i in range(PER_ROUND):
                step(image, i)
            if number:  # the first round warms up
                times[name].append((time.process_time() - start) / PER_ROUND)
    medians = {name: statistics.median(values) for name, values in times.items()}
    mine = medians["shelfvision"]
    for name, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
        rate, ratio = 1 / seconds, seconds / mine
        print(f"{name:30s} {seconds * 1e6:8.0f} us  {rate:7.0f} images/s  ours is {ratio:5.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
