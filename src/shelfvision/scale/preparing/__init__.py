"""Prepare photos at scale: measures, duplicates and groups, in batches that any engine can run."""

from shelfvision.scale.preparing._auditing import audit_features
from shelfvision.scale.preparing._grouping import near_groups
from shelfvision.scale.preparing._near import NearBuckets, NearPairs
from shelfvision.scale.preparing._photo_features import PhotoFeatures

__all__ = ["NearBuckets", "NearPairs", "PhotoFeatures", "audit_features", "near_groups"]
