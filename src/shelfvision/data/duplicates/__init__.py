"""Photos that show the same picture, found and joined into groups."""
