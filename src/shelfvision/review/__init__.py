"""Correct predictions by hand, and use the corrections as labels.

`Predictions.save_review` writes a page on which people choose the right class of each photo. The
page returns a file of corrections.

This package takes plain values (ids, class names, probabilities, pixels), so that `Dataset` and
`Predictions` can both use it.
"""

__all__: list[str] = []
