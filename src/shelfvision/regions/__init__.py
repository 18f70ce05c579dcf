"""Boxes and tiles of a shelf photo, and what a classifier says about them."""

from shelfvision.regions._boxes import Boxes
from shelfvision.regions._map import ShelfMap
from shelfvision.regions._regions import Region, Regions

__all__ = ["Boxes", "Region", "Regions", "ShelfMap"]
