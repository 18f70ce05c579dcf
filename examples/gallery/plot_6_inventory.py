"""
Count products with confidence intervals
========================================

Counts of predicted labels are biased by confusions. An inventory corrects
the counts for the confusions of the validation photos, and has a
confidence interval for each count.
"""

import keras
import matplotlib.pyplot as plt

import shelfvision as shv

# %%
# Train a small network on thumbnails for a few seconds, so that it makes
# many mistakes. The classifier keeps the scores of the validation photos.


def small_network() -> keras.Model:
    """Return three convolutions and a softmax over three classes."""
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
        image, keras.layers.Dense(3, activation="softmax")(x)
    )


counts = {"Bottle": 300, "Can": 300, "Pouch": 300}
known = shv.samples.render_products(counts, image_size=(32, 32), seed=3)
splits = shv.SeededSplitter(
    train=0.5, validation=0.5, test=0, seed=42
).split(known.cached())
trainer = shv.Trainer(epochs=10, learning_rate=0.002, seed=42)
classifier = trainer.fit(
    small_network(), splits.train, splits.validation
).classifier
print(classifier.validation_scores)

# %%
# Count the products on photos with other class proportions than in
# training.

truth = {"Bottle": 160, "Can": 60, "Pouch": 20}
shelf = shv.samples.render_products(truth, image_size=(32, 32), seed=9)
inventory = shv.take_inventory(classifier, shelf)
print(inventory)

# %%
# The chart shows the true counts, the counts of predicted labels, and the
# adjusted counts with 90 % confidence intervals.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for place, (name, count) in enumerate(truth.items()):
    low, high = inventory.intervals[name]
    ax.plot(
        [low, high], [place, place], color="#4878a8", linewidth=7, alpha=0.5
    )
    ax.plot(
        inventory.counts[name],
        place,
        "o",
        color="#4878a8",
        label="adjusted count",
    )
    ax.plot(
        inventory.naive[name],
        place,
        "x",
        color="#b03030",
        label="predicted labels",
    )
    ax.plot(
        count,
        place,
        "|",
        color="black",
        markersize=22,
        label="true count",
    )
ax.set_yticks(range(len(truth)), list(truth))
ax.set(xlabel="photos", xlim=(0, None))
ax.legend(
    *(some[:3] for some in ax.get_legend_handles_labels()), frameon=False
)
ax.spines[["top", "right"]].set_visible(False)

# %%
# Compare the inventory with a stock list:

for check in inventory.against({"Bottle": 160, "Can": 120, "Pouch": 20}):
    print(check)
