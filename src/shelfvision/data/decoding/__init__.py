"""From the bytes of a photo to pixels, safely."""
