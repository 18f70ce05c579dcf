"""Products that a classifier was never trained on, told by photos that are like theirs."""

from shelfvision.gallery._gallery import Gallery

__all__ = ["Gallery"]
