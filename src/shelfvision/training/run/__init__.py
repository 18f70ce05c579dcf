"""One training run on disk: its state, its identity, and how it continues."""
