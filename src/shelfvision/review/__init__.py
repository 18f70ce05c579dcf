"""Correct predictions by hand, and use the corrections as labels.

`Predictions.save_review` writes a page on which people choose the right class of each photo. The
page returns a file of corrections, which `Corrections` reads and `Dataset.with_labels` uses.

This package takes plain values (ids, class names, probabilities, pixels), so that `Dataset` and
`Predictions` can both use it.
"""

from shelfvision.review.corrections import Correction, Corrections, Status

__all__ = ["Correction", "Corrections", "Status"]
