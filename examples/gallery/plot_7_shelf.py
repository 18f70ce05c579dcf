"""
Classify the products in a shelf photo
======================================

Train a classifier on crops of shelf photos, and classify the boxes of
another shelf. The shelves are rendered, so the boxes and true labels are
known. With real photos, use the boxes of a detector.
"""

from collections import Counter

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import shelfvision as shv

names = ("Bottle", "Can", "Carton", "Pouch")

# %%
# Make a training set of crops
# ----------------------------
# Training photos should look like the crops that are classified. Crop the
# products of twenty shelves. Each shelf is a group, so that its crops stay
# in one set.

images, labels, groups = [], [], []
for seed in range(20):
    shelf = shv.samples.render_shelf(3, 10, class_names=names, seed=seed)
    whole = Image.fromarray(shelf.photo)
    for box, label in zip(shelf.boxes, shelf.labels, strict=True):
        images.append(np.asarray(whole.crop(tuple(box)).resize((32, 32))))
        labels.append(names.index(label))
        groups.append(f"shelf-{seed}")
crops = shv.Dataset.from_arrays(
    np.stack(images), np.array(labels), class_names=names, groups=groups
)
splitter = shv.SeededSplitter(train=0.7, validation=0.3, test=0, seed=42)
splits = splitter.split(crops)
print(splits.describe())


# %%
# Train a small network
# ---------------------


def small_network() -> keras.Model:
    """Return three convolutions and a softmax over four classes."""
    image = keras.Input((32, 32, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    for filters in (16, 32, 64):
        x = keras.layers.Conv2D(
            filters, 3, strides=2, padding="same", use_bias=False
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.Activation("relu")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(
        image, keras.layers.Dense(4, activation="softmax")(x)
    )


trainer = shv.Trainer(epochs=12, learning_rate=0.002, seed=42)
result = trainer.fit(small_network(), splits.train, splits.validation)
classifier = result.classifier.with_calibration()
assert splits.validation is not None
print(shv.evaluate(classifier, splits.validation).accuracy)

# %%
# Classify the boxes of a new shelf
# ---------------------------------

shelf = shv.samples.render_shelf(3, 10, class_names=names, seed=99)
regions = classifier.predict_regions(shelf.photo, shelf.boxes)

figure, ax = plt.subplots(figsize=(9, 7), layout="constrained")
ax.imshow(regions.draw())
ax.set_axis_off()

# %%
# Compare the counts with the true labels. For counts with confidence
# intervals, use ``shv.take_inventory`` with validation photos of many
# shelves. Products next to each other are similar, so pass each block of
# equal products as a group.

truth = Counter(shelf.labels)
for name in names:
    print(f"{name:7} {regions.counts[name]:2} of {truth[name]:2}")
print(f"accuracy: {np.mean(regions.labels == np.array(shelf.labels)):.2f}")
