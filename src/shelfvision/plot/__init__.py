"""Pictures of training, judging, class balance, augmentation and shelves, drawn with matplotlib.

Every function returns the axes it drew on and never calls ``show()``. Without `ax` a new figure
is made through `matplotlib.pyplot`, so it appears in a notebook and under ``plt.show()``, and
without a display pyplot draws into memory by itself; close such a figure with ``plt.close`` when
done. With `ax` everything is drawn there and pyplot stays out of it. Settings in ``rcParams`` are
respected and never changed.
"""

from shelfvision.plot._confusion import confusion_matrix
from shelfvision.plot._curves import class_balance, history
from shelfvision.plot._heat import heat_maps, heat_overlay
from shelfvision.plot._photos import augmentations, mistakes, predictions
from shelfvision.plot._reliability import reliability
from shelfvision.plot._sheets import contact_sheet
from shelfvision.plot._shelves import regions
from shelfvision.plot._svg import as_svg

__all__ = [
    "as_svg",
    "augmentations",
    "class_balance",
    "confusion_matrix",
    "contact_sheet",
    "heat_maps",
    "heat_overlay",
    "history",
    "mistakes",
    "predictions",
    "regions",
    "reliability",
]
