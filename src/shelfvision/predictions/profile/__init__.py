"""The profile of a classifier: how its validation photos look, as a few numbers."""

from shelfvision.predictions.profile._distribution import Distribution, rounded
from shelfvision.predictions.profile._profile import (
    Profile,
    profile_of,
    quality_distributions,
)

__all__ = [
    "Distribution",
    "Profile",
    "profile_of",
    "quality_distributions",
    "rounded",
]
