"""Dividing a dataset into parts that share nothing."""
