"""
Data augmentation operations
============================

Draw augmented copies of a photo for ten operations, and combine
operations to an augmenter. Operations are deterministic: the same photo
and seed give the same copy.
"""

import matplotlib.pyplot as plt

import shelfvision as shv
from shelfvision.augment import (
    Brightness,
    Compose,
    Glare,
    Maybe,
    MotionBlur,
    Noise,
    Perspective,
    PriceTag,
    Rotate,
    ShadowBand,
    Zoom,
)

photos = shv.samples.render_products(
    {"Can": 1, "Carton": 1, "Jar": 1}, seed=4
)
images, _ = photos.to_arrays()

# %%
# The figure shows five copies for each of ten operations. The settings
# are stronger than the defaults, so that the effects are visible.

operations = {
    "Rotate": Rotate(25),
    "Zoom": Zoom(0.3),
    "Perspective": Perspective(0.3),
    "Brightness": Brightness(0.4),
    "ShadowBand": ShadowBand(),
    "Glare": Glare(),
    "Noise": Noise(30),
    "MotionBlur": MotionBlur(9),
    "PriceTag": PriceTag(),
    "default_augmenter()": shv.augment.default_augmenter(),
}
copies = {
    name: shv.augment.preview_array(operation, images[1], n=5, seed=7)[0]
    for name, operation in operations.items()
}
figure, axes = plt.subplots(
    len(copies), 5, figsize=(6.5, 13), layout="constrained"
)
for row, (name, some) in zip(axes, copies.items(), strict=True):
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax, copy in zip(row, some, strict=True):
        ax.imshow(copy)
        ax.set(xticks=[], yticks=[])

# %%
# ``Compose``, ``OneOf`` and ``Maybe`` combine operations, including your
# own functions ``(image, rng) -> image``. ``preview(stages=True)`` draws
# the image after each operation.


def greyer(image, rng):  # type: ignore[no-untyped-def]
    """Reduce the saturation by a random amount."""
    grey = image.mean(axis=2, keepdims=True)
    share = rng.uniform(0.3, 0.8)
    return (share * grey + (1 - share) * image).astype("uint8")


# sphinx_gallery_thumbnail_number = 2
steps = Compose([Rotate(8), greyer, Maybe(Glare(), p=1.0), PriceTag()])
shv.augment.preview(steps, images, stages=True)
