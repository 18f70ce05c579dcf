"""Photos and their labels: reading, describing and dividing them."""

from shelfvision.data._dataset import Dataset

__all__ = ["Dataset"]
