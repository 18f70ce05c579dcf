"""The networks: one module each, or one for a family."""
