"""Pretrained weights from packages, read without running what they contain."""
