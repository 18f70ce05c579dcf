"""Read text files of boxes from untrusted sources: only regular files, with a size limit."""

from __future__ import annotations

import math
import os
import re
from typing import NoReturn

from shelfvision._storage import read_bounded
from shelfvision._storage.text_files import marked_encoding
from shelfvision.errors import DataError

# XML files start with "<", so their first bytes show the width of a character.
_STARTS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"))
_DECLARED = re.compile(rb"<\?xml[^>]{0,80}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
# Text codecs only; some other codecs of Python decompress data or take quadratic time.
_TEXT_CODECS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|cp437|cp850|cp866|"
    r"gbk|gb2312|gb18030|big5|shift[_-]jis|cp932|euc-jp|euc-kr|cp949|koi8-[ru]|macintosh",
    re.IGNORECASE,
)


def read_text(path: str | os.PathLike[str], *, kind: str, most: int) -> str:
    """Return the text of a regular file of at most `most` bytes.

    The encoding is that of the byte order mark or the XML declaration, else UTF-8.
    """
    data = read_bounded(path, most, what=f"the {kind} file", parameter="path")
    where = repr(os.fspath(path))
    encoding = _encoding(data)
    if encoding is None:
        refuse_file(where, kind, "its encoding is unknown", code="wrong-encoding", parameter="path")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        fault = f"it is not valid {encoding.upper()} text"
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
    # The declaration was readable as ASCII, so encodings such as UTF-16 are wrong here.
    return name if _TEXT_CODECS.fullmatch(name) else None


def number_in(text: str, *, most: float) -> float:
    """Return the number that a text is; NaN for other text and beyond `most` or its negative."""
    # Python accepts underscores and the digits of other scripts; other tools do not.
    if len(text) > 40 or not text.isascii() or "_" in text:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if abs(number) <= most else math.nan


def refuse_file(
    where: str,
    kind: str,
    fault: str,
    *,
    code: str,
    parameter: str,
    remedy: str = "correct it",
) -> NoReturn:
    """Raise DataError for a file, with one sentence."""
    raise DataError(
        f"{where} cannot be read as a {kind} file: {fault}; {remedy}",
        code=code,
        parameter=parameter,
    )
