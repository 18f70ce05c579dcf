"""Inventories from predictions: adjusted counts of products with confidence intervals."""

from shelfvision.inventory._double_counts import DoubleCount, DoubleCountKind
from shelfvision.inventory._inventory import Inventory
from shelfvision.inventory._rejection import UnknownCount
from shelfvision.inventory._rows import CountedUnit, Row
from shelfvision.inventory._stock_check import StockCheck, StockStatus
from shelfvision.inventory._take import PartColumn, take_inventory
from shelfvision.inventory.correcting._correction import (
    CorrectionMethod,
    CorrectionRule,
    CountCorrection,
)
from shelfvision.inventory.correcting._sources import ConfusionSource

__all__ = [
    "ConfusionSource",
    "CorrectionMethod",
    "CorrectionRule",
    "CountCorrection",
    "CountedUnit",
    "DoubleCount",
    "DoubleCountKind",
    "Inventory",
    "PartColumn",
    "Row",
    "StockCheck",
    "StockStatus",
    "UnknownCount",
    "take_inventory",
]
