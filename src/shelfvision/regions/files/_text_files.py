"""Reads text files of boxes, which come from anywhere: never waiting, never more than a limit."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from shelfvision._storage import read_bounded
from shelfvision._storage.text_files import marked_encoding
from shelfvision.errors import DataError

# The first character of a file without a mark tells how many bytes one has.
_STARTS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"))
_DECLARED = re.compile(rb"<\?xml[^>]{0,80}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
# Codecs of plain text; others of Python's unpack archives or take quadratic time.
_TEXT_CODECS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|cp437|cp850|cp866|"
    r"gbk|gb2312|gb18030|big5|shift[_-]jis|cp932|euc-jp|euc-kr|cp949|koi8-[ru]|macintosh",
    re.IGNORECASE,
)


def read_text(path: str | os.PathLike[str], *, kind: str, most: int) -> str:
    """Return the text of a regular file of at most `most` bytes.

    UTF-8, or what a byte order mark or an XML declaration says.
    """
    data = read_bounded(path, most, what=f"the {kind} file", parameter="path")
    where = repr(os.fspath(path))
    encoding = _encoding(data)
    if encoding is None:
        refuse_file(
            where, kind, "its encoding is not known", code="wrong-encoding", parameter="path"
        )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        fault = f"it is not text in {encoding.upper()}"
        refuse_file(where, kind, fault, code="wrong-encoding", parameter="path")


def _encoding(data: bytes) -> str | None:
    marked = marked_encoding(data)
    if marked is not None:
        return marked
    for start, encoding in (*_STARTS, (b"\0<", "utf-16-be")):
        if data.startswith(start):
            return encoding
    declared = _DECLARED.match(data)
    if declared is None:
        return "utf-8"
    name = declared[1].decode("ascii")
    # Declared as two bytes a character, but read as one: the declaration is wrong.
    return name if _TEXT_CODECS.fullmatch(name) else None


def refuse_file(
    where: str,
    kind: str,
    fault: str,
    *,
    code: str,
    parameter: str,
    remedy: str = "correct it",
) -> NoReturn:
    """Refuse a file in one sentence."""
    raise DataError(
        f"{where} is no {kind} file of boxes that can be used: {fault}; {remedy}",
        code=code,
        parameter=parameter,
    )
