"""A promotion gate: whether a new classifier replaces the old one."""
