"""Handle Ctrl-C between two training steps instead of immediately."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Interrupt:
    """A pending Ctrl-C."""

    asked: bool = False
    """Whether Ctrl-C was pressed."""

    def grant(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Store the first Ctrl-C instead of raising an exception; a second one raises it.

    The signal handler is installed only in the main thread, and only if Python's default handler
    is active. It is removed at the end. A program with its own handler keeps it.
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
