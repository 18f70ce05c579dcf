"""Charts of training, evaluation, class balance, augmentation and shelves, with matplotlib.

Every function returns its axes and never calls ``show()``. Without `ax` it makes a new figure with
`matplotlib.pyplot`, which appears in a notebook and with ``plt.show()``. Without a display, pyplot
draws in memory; close the figure with ``plt.close``. With `ax` the function draws on these axes
and does not use pyplot. Settings in ``rcParams`` apply and are never changed.
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
