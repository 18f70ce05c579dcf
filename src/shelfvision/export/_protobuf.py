"""Looks through an ONNX file without running it: its metadata, and whether it stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from shelfvision.errors import BundleError

# Messages of onnx.proto by name: the fields that hold other messages.
_MESSAGES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 14: "entry", 20: "refused", 25: "refused"},
        "graph": {1: "node", 5: "tensor", 15: "sparse"},
        "node": {5: "attribute"},
        # Graphs inside a graph are loops and branches, which no picture's network needs.
        "attribute": {
            5: "tensor",
            6: "refused",
            10: "tensor",
            11: "refused",
            22: "sparse",
            23: "sparse",
        },
        "sparse": {1: "tensor", 2: "tensor"},
        "tensor": {13: "refused", 14: "location"},
    }
)


def onnx_metadata(data: bytes, where: str) -> dict[str, bytes]:
    """Return the metadata of an ONNX file that has all its weights inside, or refuse it."""
    entries: dict[str, bytes] = {}
    stack: list[tuple[str, memoryview]] = [("model", memoryview(data))]
    while stack:
        kind, message = stack.pop()
        for number, value in _fields(message, where):
            inner = _MESSAGES[kind].get(number)
            if inner is None:
                continue
            if inner == "location" and value == 0:
                continue
            if isinstance(value, int) or inner in ("refused", "location"):
                raise _refusal(
                    where,
                    "it has parts in other files, or loops, functions or training of its own",
                )
            if inner == "entry":
                _add(entries, value, where)
            else:
                stack.append((inner, value))
    return entries


def _add(entries: dict[str, bytes], message: memoryview, where: str) -> None:
    fields = dict(_fields(message, where))
    key, value = fields.get(1, b""), fields.get(2, b"")
    if isinstance(key, int) or isinstance(value, int):
        raise _refusal(where, "its metadata are damaged")
    name = bytes(key).decode("utf-8", "replace")
    if name in entries:
        raise _refusal(where, f"it has the entry {name[:50]!r} twice")
    entries[name] = bytes(value)


def _fields(message: memoryview, where: str) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of every field of a message."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at, where)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(message, at, where)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, at = _varint(message, at, where)
        else:
            size = {1: 8, 5: 4}.get(wire, end + 1)
        if size > end - at:
            raise _refusal(where, "it is damaged, or of another kind")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int, where: str) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise _refusal(where, "it is damaged, or of another kind")


def _refusal(where: str, fault: str, code: str = "damaged") -> BundleError:
    return BundleError(
        f"{where} is no ONNX file that can be used: {fault}; give a file that Classifier.export "
        "wrote",
        code=code,
    )
