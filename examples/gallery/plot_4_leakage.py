"""
Data leakage in a random split
==============================

Show that a random split of bursts gives a score that is too high. Each
product is photographed six times in a row. A nearest neighbour on tiny
thumbnails measures how much of a score is memorization.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import shelfvision as shv
from shelfvision.augment import Brightness, Compose, Noise, Rotate, Shift

# %%
# Bursts
# ------
# There are twenty products of each class and six photos of each product,
# with small changes of angle, position and light. Photos of one product
# have names that differ only in the last number.


def bursts(seed: int) -> shv.Dataset:
    """Return six photos of each of the products."""
    products = shv.samples.render_products(
        20, image_size=(64, 64), seed=seed
    )
    images, labels = products.to_arrays()
    hand = Compose([Rotate(4), Shift(0.04), Brightness(0.06), Noise(4)])
    taken = shv.augment.preview_array(hand, images, n=6, seed=seed)
    names = [name.replace("/", "/product-") for name in products.ids]
    return shv.Dataset.from_arrays(
        taken.reshape(-1, 64, 64, 3),
        np.repeat(labels, 6),
        class_names=products.class_names,
        ids=[
            f"{name}_{number}.jpg" for name in names for number in range(6)
        ],
    )


photos = bursts(seed=1)
figure, axes = plt.subplots(1, 6, figsize=(8, 1.5), layout="constrained")
for ax, image in zip(axes, photos.read_batch(slice(0, 6)), strict=True):
    ax.imshow(image)
    ax.set_axis_off()

# %%
# Nearest neighbour baseline
# --------------------------
# The baseline predicts the label of the most similar training photo, at
# 13 x 13 pixels. ``shv.evaluate`` accepts any object that has
# ``class_names`` and ``predict``.


class Nearest:
    """Predict the label of the most similar training photo."""

    def __init__(self, training: shv.Dataset) -> None:
        """Store the training photos."""
        self.class_names = training.class_names
        self._neighbours = KNeighborsClassifier(n_neighbors=1)
        self._neighbours.fit(self._small(training), training.labels)

    def predict(self, photos: shv.Dataset) -> shv.Predictions:
        """Return the class of the nearest photo, with confidence 1."""
        found = self._neighbours.predict(self._small(photos))
        return shv.Predictions(
            np.eye(len(self.class_names))[found],
            self.class_names,
            photos.ids,
        )

    @staticmethod
    def _small(photos: shv.Dataset) -> np.ndarray:
        images, _ = photos.to_arrays()
        small = images[:, ::5, ::5].astype(np.float32)
        return small.reshape(len(small), -1)


# %%
# Compare three test sets
# -----------------------
# A random split puts photos of one burst into both sets. If bursts are
# grouped, the training set has only photos of other products. Photos of
# new products show the accuracy that a store would see.

splitter = shv.SeededSplitter(train=0.7, validation=0, test=0.3, seed=42)
grouped = photos.group_near_duplicates().group_bursts()
print(len(photos), "photos,", len(set(grouped.groups)), "groups found")

reports = {}
for title, some in {
    "random split": photos,
    "bursts grouped": grouped,
}.items():
    splits = splitter.split(some)
    assert splits.test is not None
    reports[title] = shv.evaluate(Nearest(splits.train), splits.test)
reports["new products"] = shv.evaluate(Nearest(photos), bursts(seed=2))

# sphinx_gallery_thumbnail_number = 2
figure, ax = plt.subplots(figsize=(5.5, 3), layout="constrained")
for place, (title, report) in enumerate(reports.items()):
    low, high = report.intervals.accuracy
    ax.barh(place, report.accuracy, color="#4878a8")
    ax.plot([low, high], [place, place], color="black", linewidth=1.5)
    print(f"{title:18} {report.accuracy:.2f} ({low:.2f} to {high:.2f})")
ax.axvline(1 / 5, color="grey", linestyle="--")
ax.set_yticks(range(3), list(reports))
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel="accuracy (dashed: random guess)")
ax.spines[["top", "right"]].set_visible(False)
