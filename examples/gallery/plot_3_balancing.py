"""
Balance classes by oversampling
===============================

Compare strategies against class imbalance. A plan shows how many
augmented copies each class gets, before any copy is made.
"""

import matplotlib.pyplot as plt

import shelfvision as shv

photos = shv.samples.render_products(
    shv.samples.UNEVEN_COUNTS, image_size=(48, 48)
)
splits = shv.SeededSplitter(
    train=0.7, validation=0.2, test=0.1, seed=42
).split(photos)

# %%
# Balance the training set only. The strategies have the same names as in
# imbalanced-learn.

plans = {
    "not majority": shv.BalancingAugmenter(seed=42),
    "median": shv.BalancingAugmenter(sampling_strategy="median", seed=42),
    "minority": shv.BalancingAugmenter(
        sampling_strategy="minority", seed=42
    ),
}
figure, axes = plt.subplots(
    1, 3, figsize=(11, 3.2), layout="constrained", sharey=True
)
for ax, (strategy, balancing) in zip(axes, plans.items(), strict=True):
    plan = balancing.plan(splits.train.class_counts)
    plan.plot(ax=ax)
    ax.set_title(strategy)
    print(strategy, plan, "", sep="\n")

# %%
# ``balance`` returns a dataset with the copies, which are computed when
# they are read. Each copy keeps the group of its original, so it stays in
# the training set.

train = shv.BalancingAugmenter(seed=42).balance(splits.train)
print(train.class_counts)
print((train.copies > 0).sum(), "of", len(train), "rows are copies")
assert set(train.groups) == set(splits.train.groups)
