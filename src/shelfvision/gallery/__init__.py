"""Few-shot recognition: predict products that a classifier was not trained on.

`Gallery` enrolls a few photos of each product and compares embeddings. New products need no
training.
"""

from shelfvision.gallery._gallery import Gallery

__all__ = ["Gallery"]
