"""Read photos: formats, limits, decoding, resizing."""
