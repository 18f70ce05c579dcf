"""Pretrained weights from packages, read without running code of the packages."""
