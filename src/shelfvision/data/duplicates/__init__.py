"""Find near-duplicates and bursts, and join them into groups."""
