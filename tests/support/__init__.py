"""What tests of several rooms share."""

from support.refusals import gives_warning, refuses

__all__ = ["gives_warning", "refuses"]
