"""Corrections of counts for confusions between classes."""
