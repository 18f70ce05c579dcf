"""Contract checks for extensions, to be called from their test suites."""

from shelfvision.testing._architecture import check_architecture
from shelfvision.testing._augmenter import check_augmenter
from shelfvision.testing._pixel_source import check_pixel_source

__all__ = ["check_architecture", "check_augmenter", "check_pixel_source"]
