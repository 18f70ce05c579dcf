"""
Load and audit a dataset
========================

Read a folder with one subfolder per class, and audit the photos before
training: wrong labels, duplicates, corrupted and blurred photos.
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
# A dataset is lazy: it reads pixels on access. The figure shows one photo
# of each class.

figure, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained")
for label, (ax, name) in enumerate(
    zip(axes, photos.class_names, strict=True)
):
    image, _ = photos[int(np.flatnonzero(photos.labels == label)[0])]
    ax.imshow(image)
    ax.set_title(name)
    ax.set_axis_off()

# %%
# Add four typical faults: a photo under two labels, a rotated copy, a
# blurred photo, and a truncated file. The audit finds all of them.

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
# Draw the near-duplicates side by side. ``report.save("audit.html")``
# writes a page with all findings.

report.plot_pairs("near-duplicate")
