"""Read protobuf messages field by field, without a schema and in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

Refuse: TypeAlias = Callable[[str, str], NoReturn]
"""Raises the caller's error for a code and a fault, a clause such as "it is corrupted"."""

MAX_FIELDS = 2_000_000
"""The largest number of fields in one file; a network of a thousand layers has about 50,000."""


@dataclass(slots=True)
class ProtobufReader:
    """Reader of the fields of messages, which counts them over the whole file."""

    refuse: Refuse
    """Called for corrupted messages."""
    n_fields: int = 0
    """The number of fields read so far."""

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Yield the number and the value of each field of a message.

        Varints are yielded as int, fixed-width and length-delimited values as bytes.
        """
        at, end = 0, len(message)
        while at < end:
            self.n_fields += 1
            if self.n_fields > MAX_FIELDS:
                self.refuse("too-large", f"it has more than {MAX_FIELDS:,} entries")
            tag, at = self.varint(message, at)
            wire = tag & 7
            if wire == 0:
                value, at = self.varint(message, at)
                yield tag >> 3, value
                continue
            if wire == 2:
                size, at = self.varint(message, at)
            else:
                size = {1: 8, 5: 4}.get(wire, end + 1)
            if size > end - at:
                self._damaged()
            yield tag >> 3, message[at : at + size]
            at += size

    def varint(self, message: memoryview, at: int) -> tuple[int, int]:
        """Return the varint at a position, and the position after it."""
        value = 0
        for shift, byte in enumerate(message[at : at + 10]):
            value |= (byte & 0x7F) << (7 * shift)
            if byte < 0x80:
                return value, at + shift + 1
        return self._damaged()

    def varints(self, value: int | memoryview) -> list[int]:
        """Return the integers of a repeated field, packed or not."""
        if isinstance(value, int):
            return [value]
        found, at = [], 0
        while at < len(value):
            number, at = self.varint(value, at)
            found.append(number)
        return found

    def _damaged(self) -> NoReturn:
        self.refuse("damaged", "it is corrupted, or of another format")
