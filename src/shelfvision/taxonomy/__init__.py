"""Hierarchies of products, labels and departments: answers and counts on every level."""

from shelfvision.taxonomy._answers import Answer, Answers
from shelfvision.taxonomy._taxonomy import Taxonomy

__all__ = ["Answer", "Answers", "Taxonomy"]
