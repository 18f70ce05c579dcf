"""
A data set, and what is wrong with it
=====================================

A folder with one subfolder per class becomes a dataset. Before anything
is trained on it, an audit looks at every photo once.
"""

import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageFilter

import shelfvision as shv

folder = Path(tempfile.mkdtemp()) / "photos"
shv.samples.write_products(
    folder, {"Bottle": 24, "Can": 36, "Carton": 30, "Jar": 9}
)
photos = shv.Dataset.from_directory(folder)
print(photos.class_counts)

# %%
# A dataset reads pixels when it is asked for them. Here is a photo of
# each class:

figure, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained")
for label, (ax, name) in enumerate(
    zip(axes, photos.class_names, strict=True)
):
    image, _ = photos[int(np.flatnonzero(photos.labels == label)[0])]
    ax.imshow(image)
    ax.set_title(name)
    ax.set_axis_off()

# %%
# Now a few of the things that happen to a folder: a photo under two
# labels, a photo turned and saved again, one out of focus, one cut off
# while it was copied.

shutil.copy(folder / "Can" / "0003.jpg", folder / "Jar" / "mislabelled.jpg")
Image.open(folder / "Can" / "0007.jpg").rotate(90).save(
    folder / "Can" / "again.jpg", quality=70
)
blurred = Image.open(folder / "Carton" / "0002.jpg").filter(
    ImageFilter.GaussianBlur(5)
)
blurred.save(folder / "Carton" / "shaky.jpg")
whole = (folder / "Bottle" / "0001.jpg").read_bytes()
(folder / "Bottle" / "half.jpg").write_bytes(whole[:900])

report = shv.audit(shv.Dataset.from_directory(folder))
print(report)

# %%
# What looks the same can be looked at side by side.
# ``report.save("audit.html")`` makes a page of everything.

report.plot_pairs("near-duplicate")
