"""Draw boxes and cells on shelf photos."""
