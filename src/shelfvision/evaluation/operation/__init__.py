"""A classifier in operation: drift of the photos that come in."""
