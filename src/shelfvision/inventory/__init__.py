"""From predictions to stock: how many of which product, and how sure that is."""

from shelfvision.inventory._expected import StockCheck, StockStatus
from shelfvision.inventory._inventory import Inventory
from shelfvision.inventory._take import PartColumn, take_inventory
from shelfvision.inventory._writing import Row

__all__ = ["Inventory", "PartColumn", "Row", "StockCheck", "StockStatus", "take_inventory"]
