"""Reads files of boxes, which come from anywhere: never waiting, never more than a limit."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterable
from typing import NoReturn

from shelfvision.errors import DataError, DatasetNotFoundError
from shelfvision.regions._checking import written

MAX_DEPTH = 64
"""No format of boxes nests deeper; Python's own limit depends on where it is called."""


def read_text(path: str | os.PathLike[str], *, kind: str, most: int) -> str:
    """Return the text of a regular file of at most `most` bytes in UTF-8."""
    where = repr(os.fspath(path))
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                refuse(where, kind, "it is no regular file")
            data = b"" if status.st_size > most else file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetNotFoundError(f"there is no {kind} file {where}; check the path") from error
    except DataError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the {kind} file {where} cannot be read: {reason}; check it") from error
    if max(len(data), status.st_size) > most:
        refuse(where, kind, f"it has more than {most:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse(where, kind, "it is not text in UTF-8")


def _open_without_waiting(path: str, flags: int) -> int:
    # Opening a FIFO that nobody writes to would wait for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parse_json(text: str, *, kind: str, where: str) -> object:
    """Parse JSON, refusing NaN, numbers without end and what is nested deep."""
    try:
        found: object = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        _require_shallow(found)
    except RecursionError:
        refuse(where, kind, f"it is nested more than {MAX_DEPTH} deep")
    except ValueError as error:
        refuse(where, kind, f"it is not such JSON ({_brief(error)})")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{written(text)} is too large")
    return number


def _require_shallow(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _brief(error: ValueError) -> str:
    text = str(error).partition("\n")[0]
    return text if len(text) <= 120 else f"{text[:117]}..."


def refuse(where: str, kind: str, fault: str) -> NoReturn:
    """Refuse a file in one sentence."""
    raise DataError(f"{where} is no {kind} file of boxes that can be used: {fault}; correct it")
