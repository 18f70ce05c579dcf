"""Ctrl-C as a wish that the training loop grants between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Interrupt:
    """Whether somebody has pressed Ctrl-C."""

    asked: bool = False
    """True once asked."""

    def grant(self) -> None:
        """Raise KeyboardInterrupt if it has been asked for."""
        if self.asked:
            raise KeyboardInterrupt


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C instead of raising at once; a second one raises.

    The handler is set only in the main thread and only over Python's own, and put back at the
    end, so a program that handles signals itself keeps its way.
    """
    interrupt = Interrupt()
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupt.grant()
        interrupt.asked = True

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
