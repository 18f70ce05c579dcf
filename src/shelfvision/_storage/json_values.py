"""Write JSON in one canonical form, and read untrusted JSON.

`parse_json` and `json_object` are the only readers of JSON in shelfvision. They refuse, with an
error code, input that Python's `json` accepts or that makes it raise other exceptions: deep nesting
(``RecursionError``), integers of thousands of digits, NaN and infinity, lone surrogates, bytes that
are not text. Files of shelfvision are UTF-8 with unique names. Files of other tools
(``foreign=True``) may be UTF-16 or UTF-32, start with a byte order mark and repeat a name.

Examples
--------
>>> json_object(b'{"names": ["milk", "tea"]}', "'data.json'")
{'names': ['milk', 'tea']}
>>> parse_json('{"share": NaN}', "'data.json'")
Traceback (most recent call last):
    ...
shelfvision.errors.DataError: 'data.json' cannot be read as JSON: NaN is not a finite number; \
correct the file
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn, TypeAlias

from shelfvision.errors import BundleError, DataError

MAX_DEPTH = 64
"""The largest nesting depth of lists and objects."""
MAX_DIGITS = 308
"""The largest number of digits of an integer; larger integers do not fit into a float."""

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value as JSON has it."""
Fail: TypeAlias = Callable[[str, str], NoReturn]
"""Raises the caller's error for a code and a fault, a clause such as "it is empty"."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class JSONFaultError(ValueError):
    """A reason to refuse, with its code; `parse_json` turns it into the caller's error."""

    def __init__(self, code: str, fault: str) -> None:
        super().__init__(fault)
        self.code = code


def canonical_json(value: object) -> str:
    """Return canonical JSON: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parse_json(
    data: str | bytes,
    where: str,
    *,
    limit: int | None = None,
    foreign: bool = False,
    fail: Fail | None = None,
) -> object:
    """Parse a JSON text, or raise an error if it is invalid or unsafe.

    Parameters
    ----------
    data : str or bytes
        The whole text. Read it with `shelfvision._storage.read_bounded`, so that its size is
        limited before it is in memory.
    where : str
        The name of the text in errors, such as the quoted path of the file.
    limit : int, optional
        The largest length of `data`.
    foreign : bool, default=False
        Accept the JSON of other tools: UTF-16 and UTF-32, a byte order mark, and repeated names,
        of which the last one counts.
    fail : callable, optional
        Called with a code and a fault; raises the caller's own error. By default a `DataError`.

    Raises
    ------
    DataError
        With the code ``"too-large"``, ``"wrong-encoding"``, ``"empty"``, ``"not-json"``,
        ``"duplicate"``, ``"not-finite"`` or ``"too-deep"``, unless `fail` raises another error.
    """
    refuse = fail if fail is not None else fail_in(where)
    try:
        return _parsed(data, limit=limit, foreign=foreign)
    except JSONFaultError as error:
        refuse(error.code, str(error))
    except RecursionError:
        refuse("too-deep", f"it is nested more than {MAX_DEPTH} deep")


def json_object(
    data: str | bytes,
    where: str,
    *,
    limit: int | None = None,
    foreign: bool = False,
    fail: Fail | None = None,
) -> dict[str, object]:
    """Return the entries of a JSON object, as `parse_json`; another root is "wrong-type"."""
    found = parse_json(data, where, limit=limit, foreign=foreign, fail=fail)
    if not isinstance(found, dict):
        refuse = fail if fail is not None else fail_in(where)
        refuse("wrong-type", f"it is a JSON {_kind(found)}, not an object")
    return found


def versioned(
    data: str | bytes, where: str, *, kind: str, newest: int, fail: Fail
) -> dict[str, object]:
    """Return the entries of a manifest whose format, from 1 to the newest, can be read."""
    fields = json_object(data, where, fail=fail)
    version = fields.get("format")
    if type(version) is not int:
        fail("foreign-format", "its manifest does not say which format it has")
    if version > newest:
        raise BundleError(
            f"{where} has the {kind} format {version}, but this shelfvision reads formats up to "
            f"{newest}; run: pip install --upgrade shelfvision",
            code="newer-format",
        )
    if version < 1:
        fail("foreign-format", f"{kind} format {version} does not exist")
    return fields


def require_shallow(value: object, limit: int = MAX_DEPTH) -> None:
    """Raise a `ValueError` if lists and mappings are nested deeper than `limit`."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise JSONFaultError("too-deep", f"it is nested more than {limit} deep")


def _parsed(data: str | bytes, *, limit: int | None, foreign: bool) -> object:
    if limit is not None and len(data) > limit:
        unit = "bytes" if isinstance(data, bytes) else "characters"
        raise JSONFaultError("too-large", f"it has more than {limit:,} {unit}")
    text = _text(data, foreign=foreign)
    if not text.strip():
        raise JSONFaultError("empty", "it is empty")
    try:
        found: object = _decoder(None if foreign else _unique).decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise JSONFaultError("not-json", f"{place}: {error.msg}") from error
    require_shallow(found)
    # A pair of escapes is valid and a half is not, so the parsed text is checked, not the escapes.
    if _SURROGATE.search(text):
        _require_unicode(found)
    return found


def foreign_decoder() -> json.JSONDecoder:
    """Return the decoder for JSON of other tools, for `shelfvision._storage.json_stream`."""
    return _decoder(None)


def _decoder(pairs: Callable[[list[tuple[str, object]]], object] | None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=pairs,
        parse_constant=_no_constant,
        parse_float=_finite,
        parse_int=_short,
    )


def _text(data: str | bytes, *, foreign: bool) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff") if foreign else data
    encoding = json.detect_encoding(data) if foreign else "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff" if foreign else "")
    except UnicodeDecodeError as error:
        raise JSONFaultError("wrong-encoding", f"it is not text in {encoding.upper()}") from error


def _require_unicode(value: object) -> None:
    todo = [value]
    while todo:
        inner = todo.pop()
        texts = inner.keys() if isinstance(inner, dict) else (inner,)
        for text in texts:
            if isinstance(text, str) and any("\ud800" <= c <= "\udfff" for c in text):
                raise JSONFaultError(
                    "wrong-encoding", f"{text[:40]!a} contains half of a surrogate pair"
                )
        todo.extend(_inside(inner))


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise JSONFaultError("duplicate", f"the name {twice[:40]!a} occurs twice in one object")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise JSONFaultError("not-finite", f"{name} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JSONFaultError("not-finite", f"the number {text[:40]} is too large")
    return number


def _short(text: str) -> int:
    # The limit of Python can be disabled, and longer numbers take quadratic time.
    if len(text) > MAX_DIGITS:
        raise JSONFaultError("too-large", f"a number has {len(text):,} digits")
    return int(text)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {list: "list", str: "text", bool: "truth value"}
    return kinds.get(type(value), "number")


def fail_in(where: str) -> Fail:
    """Return a function that raises a `DataError` for the document `where`."""

    def fail(code: str, fault: str) -> NoReturn:
        raise DataError(f"{where} cannot be read as JSON: {fault}; correct the file", code=code)

    return fail
