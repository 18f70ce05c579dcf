"""Products, their labels and departments: answers and counts at the level that is sure enough."""

from shelfvision.taxonomy._answers import Answer, Answers
from shelfvision.taxonomy._taxonomy import Taxonomy

__all__ = ["Answer", "Answers", "Taxonomy"]
