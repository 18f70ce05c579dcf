"""Boxes and tiles of a shelf photo, and what a classifier says about them."""

from shelfvision.regions._boxes import Boxes
from shelfvision.regions._regions import Region, Regions
from shelfvision.regions._shelf_map import ShelfMap

__all__ = ["Boxes", "Region", "Regions", "ShelfMap"]
