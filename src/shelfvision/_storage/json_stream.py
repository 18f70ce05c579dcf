"""Read large JSON files of other tools entry by entry, in a few megabytes of memory.

A parsed document takes up to 28 times the size of its text. `json_entries` keeps only one entry of
one list in memory: it decodes the file in chunks and parses each complete entry with the C code of
the standard library.

Examples
--------
>>> import io
>>> file = io.BytesIO(b'{"info": {}, "images": [{"id": 1}, {"id": 2}]}')
>>> list(json_entries(file, ("images",), "'coco.json'"))
[('images', LISTED), ('images', {'id': 1}), ('images', {'id': 2})]
"""

from __future__ import annotations

import codecs
import enum
import json
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final, NoReturn

from shelfvision._storage.json_values import Fail, JSONFaultError, fail_in, foreign_decoder

MAX_ENTRY = 4 << 20
"""The largest number of characters of one list entry, or of one value outside of lists."""

_CHUNK = 64 << 10
_SPACE = re.compile(r"[ \t\r\n]*")
# The length of the longest token that looks like an error if the end of a chunk cuts it: an escape,
# a literal or the exponent of a number.
_CUT = 64


class Listed(enum.Enum):
    """The type of `LISTED`."""

    LISTED = "listed"

    def __repr__(self) -> str:
        """Return the name."""
        return self.name


LISTED: Final = Listed.LISTED
"""Precedes the entries of a list, so that an empty list differs from a missing one."""

Event = tuple[str, object]
"""The key of a list with one of its entries, or with `LISTED`; the key of a root list is empty."""


def json_entries(
    file: BinaryIO,
    wanted: Collection[str],
    where: str,
    *,
    limit: int | None = None,
    fail: Fail | None = None,
) -> Iterator[Event]:
    """Yield the entries of the wanted lists of a JSON object, or those of a JSON list.

    Parameters
    ----------
    file : binary file
        The document: UTF-8, UTF-16 or UTF-32, with or without a byte order mark.
    wanted : collection of str
        The keys whose lists are yielded. Values of other keys are checked and dropped.
    where : str
        The name of the file in errors, such as its quoted path.
    limit : int, optional
        The maximum number of bytes. At most one more byte is read, even if the file grows.
    fail : callable, optional
        Called with a code and a fault; raises the caller's own error. By default a `DataError`.

    Yields
    ------
    tuple of str and object
        ``(key, LISTED)`` at the start of a list, then ``(key, entry)`` for each entry. The key of a
        list that is the whole document is ``""``.

    Raises
    ------
    DataError
        With the codes of `parse_json`, unless `fail` raises another error: ``"not-json"``,
        ``"too-deep"``, ``"too-large"``, ``"wrong-type"`` if the value of a wanted key is not a
        list, ``"duplicate"`` if a wanted key occurs twice.
    """
    refuse = fail if fail is not None else fail_in(where)
    try:
        yield from _document(_Text(file, limit), frozenset(wanted))
    except JSONFaultError as error:
        refuse(error.code, str(error))
    except RecursionError:
        refuse("too-deep", "it is nested too deep")


def _document(text: _Text, wanted: Collection[str]) -> Iterator[Event]:
    opening = text.sign()
    if opening == "[":
        yield "", LISTED
        for entry in _list(text):
            yield "", entry
    elif opening == "{":
        yield from _object(text, wanted)
    elif not opening:
        raise JSONFaultError("empty", "it is empty")
    else:
        raise JSONFaultError("wrong-type", "it is neither a JSON object nor a JSON list")
    if text.sign():
        text.refuse("Extra data")


def _object(text: _Text, wanted: Collection[str]) -> Iterator[Event]:
    seen: set[str] = set()
    for key in _keys(text):
        if key in wanted:
            if key in seen:
                raise JSONFaultError("duplicate", f"the name {key!r} occurs twice in one object")
            if text.sign() != "[":
                raise JSONFaultError("wrong-type", f"its {key!r} is not a list")
            seen.add(key)
            yield key, LISTED
        if text.sign() != "[":
            text.value()
            continue
        for entry in _list(text):
            if key in wanted:
                yield key, entry


def _keys(text: _Text) -> Iterator[str]:
    """Yield each key of an object; the caller reads its value."""
    text.take("{")
    if text.took("}"):
        return
    while True:
        if text.sign() != '"':
            text.refuse("Expecting property name enclosed in double quotes")
        key = str(text.value())
        text.take(":")
        yield key
        if not text.went_on("}"):
            return


def _list(text: _Text) -> Iterator[object]:
    text.take("[")
    if text.took("]"):
        return
    while True:
        yield text.value()
        if not text.went_on("]"):
            return


class _Text:
    """The unread text of a file; text that was read is discarded."""

    __slots__ = ("_at", "_decode", "_decoder", "_ended", "_file", "_left", "_lines", "_text")

    def __init__(self, file: BinaryIO, limit: int | None) -> None:
        self._file, self._left = file, limit
        self._decode = foreign_decoder().raw_decode
        self._text, self._at, self._lines, self._ended = "", 0, 0, False
        start = self._bytes(_CHUNK)
        self._decoder = codecs.getincrementaldecoder(json.detect_encoding(start))()
        self._append(start)
        self._text = self._text.removeprefix("\ufeff")

    def sign(self) -> str:
        """Return the next character after white space; an empty string at the end."""
        if self._at < len(self._text) and self._text[self._at] > " ":
            return self._text[self._at]
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space is not None else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_CHUNK):
                return ""

    def took(self, sign: str) -> bool:
        """Return whether this character is next, and skip it if so."""
        if self.sign() != sign:
            return False
        self._at += 1
        return True

    def take(self, sign: str) -> None:
        """Skip a character that must be next."""
        if not self.took(sign):
            self.refuse(f"Expecting {sign!r}")

    def went_on(self, end: str) -> bool:
        """Skip a comma or the end of a list or object; return whether another entry follows."""
        sign = self.sign()
        if sign not in (",", end):
            self.refuse(f"Expecting ',' or {end!r}")
        self._at += 1
        return sign == ","

    def value(self) -> object:
        """Return the next value, and skip it."""
        self.sign()
        size = _CHUNK
        while True:
            found = self._tried()
            # A value at the end of the text may be incomplete: 1 may be the start of 1.5e-7.
            if found is not None and (found[1] + _CUT <= len(self._text) or self._ended):
                self._at = found[1]
                return found[0]
            if len(self._text) - self._at > MAX_ENTRY:
                raise JSONFaultError(
                    "too-large",
                    f"line {self._line()} starts a value of more than {MAX_ENTRY:,} characters",
                )
            self._more(size)
            size = min(4 * size, MAX_ENTRY)

    def refuse(self, fault: str) -> NoReturn:
        """Raise the error for invalid JSON."""
        raise JSONFaultError("not-json", f"line {self._line()}: {fault}")

    def _tried(self) -> tuple[object, int] | None:
        """Return the value and its end; None if more text may complete it."""
        try:
            return self._decode(self._text, self._at)
        except json.JSONDecodeError as error:
            cut = error.pos + _CUT > len(self._text) or error.msg.startswith("Unterminated")
            if cut and not self._ended:
                return None
            line = self._line(error.pos)
            raise JSONFaultError("not-json", f"line {line}: {error.msg}") from error

    def _line(self, at: int | None = None) -> int:
        return 1 + self._lines + self._text.count("\n", 0, self._at if at is None else at)

    def _more(self, size: int) -> bool:
        """Read the next chunk and discard the used text; return whether there was a chunk."""
        if self._ended:
            return False
        self._lines += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :], 0
        self._append(self._bytes(size))
        return True

    def _append(self, data: bytes) -> None:
        self._ended = not data
        try:
            self._text += self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise JSONFaultError(
                "wrong-encoding", f"it is not text in {error.encoding.upper()}"
            ) from error

    def _bytes(self, size: int) -> bytes:
        if self._left is None:
            return self._file.read(size)
        data = self._file.read(min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise JSONFaultError("too-large", "it has more bytes than are allowed")
        return data
