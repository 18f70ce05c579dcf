"""Reading photos: formats, limits, decoding, resizing."""
