"""Read text files of other programs: encodings, line ends, and files that are not text.

A byte order mark determines the encoding. Without one, it is the encoding that the caller passes,
or UTF-8. Files that are not text (spreadsheets, archives, UTF-16 without a mark) raise an error
with a remedy. `shelfvision._csv` reads tables, and `read_lines` lists with one entry per line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shelfvision._storage import RemoteFile, as_location, read_bounded
from shelfvision.errors import DataError, InvalidParameterError, SplitError
from shelfvision.protocols import Location

MAX_BYTES = 256 * 2**20
"""The maximum size of a text file; enough for a table of 2 million rows of 100 characters."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The mark of UTF-32 starts with that of UTF-16, so it comes first.
_FORMATS = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or ZIP file", "save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)", "save the sheet as CSV UTF-8"),
    (b"PAR1", "a Parquet file", "read it into a frame"),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"%PDF", "a PDF file", "save the table as CSV UTF-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """The settings for reading a text file, and for its errors."""

    path: str | RemoteFile
    """The path or the URL that the caller passed."""
    what: str
    """What the file is, with an article: ``"the manifest"``."""
    encoding: str | None
    """The encoding that the caller passed; None detects it."""
    error: type[DataError | SplitError]
    """The type of errors about the content."""
    has_encoding: bool
    """Whether the public function has a parameter `encoding`, which remedies can mention."""
    keep_bytes: bool
    """Whether invalid UTF-8 bytes are kept as surrogates, as in file names."""
    parameter: str
    """The public argument with the path."""
    limit: int
    """The maximum number of bytes."""

    @property
    def name(self) -> str:
        """The path, or the URL without credentials, in quotes."""
        return repr(str(self.path))

    def refused(self, message: str, code: str, parameter: str | None = None) -> Exception:
        """Return the error for a fault of the content."""
        return self.error(message, code=code, parameter=parameter or self.parameter)


def read_lines(
    path: Location | RemoteFile,
    *,
    what: str = "the list",
    encoding: str | None = None,
    error: type[DataError | SplitError] = DataError,
    has_encoding: bool = True,
    keep_bytes: bool = False,
    parameter: str = "path",
) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not empty, with their numbers.

    It reads files as `shelfvision._csv.read_table` does, but splits them at line ends only.
    """
    file = TextFile(
        path=as_location(path, parameter),
        what=what,
        encoding=encoding,
        error=error,
        has_encoding=has_encoding,
        keep_bytes=keep_bytes,
        parameter=parameter,
        limit=MAX_BYTES,
    )
    # Not str.splitlines, which would also cut names at characters such as U+2028.
    lines = enumerate(lines_of(file_text(file)), start=1)
    return [(number, line.rstrip("\r\n")) for number, line in lines if line.strip()]


def file_text(file: TextFile) -> str:
    """Return the text of a file, without its byte order mark."""
    data = read_bounded(
        file.path, file.limit, what=file.what, error=file.error, parameter=file.parameter
    )
    for start, kind, remedy in _FORMATS:
        if data.startswith(start):
            raise file.refused(
                f"{file.what} {file.name} must be a CSV file, got {kind}; {remedy}", "not-csv"
            )
    encoding = marked_encoding(data) or _known(file.encoding) or "utf-8"
    errors = "surrogateescape" if file.keep_bytes and encoding == "utf-8" else "strict"
    try:
        # Old DOS programs end a text with Ctrl-Z.
        text = data.decode(encoding, errors).removeprefix("\ufeff").rstrip("\x1a")
    except UnicodeError as error:
        raise _wrong_encoding(file, data, encoding, error) from error
    if "\0" in text:
        raise _with_nul(file, data, text)
    return text


def marked_encoding(data: bytes) -> str | None:
    """Return the encoding of the byte order mark, or None without one."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines with their line endings (CR, LF or CRLF only)."""
    return (found.group() for found in _LINE.finditer(text))


def _known(encoding: object) -> str | None:
    """Return the encoding; refuse a name that Python does not know."""
    if encoding is None:
        return None
    try:
        # Encode a text to refuse codecs that are not text encodings, such as base64.
        "a".encode(encoding)  # type: ignore[arg-type]  # refused below
        return str(encoding)
    except (LookupError, TypeError, ValueError):
        raise InvalidParameterError(
            "encoding must be the name of a text encoding that Python has, such as 'cp1252' or "
            f"'utf-16', got {encoding!r}; correct it",
            code="not-an-option",
            parameter="encoding",
        ) from None


def _wrong_encoding(file: TextFile, data: bytes, encoding: str, fault: UnicodeError) -> Exception:
    at = getattr(fault, "start", len(data))
    line = data.count(b"\n", 0, at) + 1
    got = f"byte 0x{data[at]:02x} in line {line}" if at < len(data) else "a cut character"
    example = _utf_16(data) or ("utf-8" if file.encoding else "cp1252")
    return file.refused(
        f"{file.what} {file.name} must be {encoding.upper()} text, got {got}; "
        + (
            f"pass the encoding that it was saved in, such as encoding={example!r}"
            if file.has_encoding
            else "save it as CSV UTF-8"
        ),
        "wrong-encoding",
        "encoding" if file.has_encoding else None,
    )


def _with_nul(file: TextFile, data: bytes, text: str) -> Exception:
    """Return the error for text with NUL: UTF-16 without a mark, or not text."""
    guess = _utf_16(data)
    if guess and file.has_encoding and file.encoding is None:
        return file.refused(
            f"{file.what} {file.name} must be UTF-8 text, got UTF-16 without a byte order mark; "
            f"pass encoding={guess!r}",
            "wrong-encoding",
            "encoding",
        )
    line = text.count("\n", 0, text.index("\0")) + 1
    return file.refused(
        f"line {line} of {file.name} must be text, got a NUL character; save it as CSV UTF-8",
        "not-csv",
    )


def _utf_16(data: bytes) -> str | None:
    """Return the probable byte order of UTF-16: every other byte of Latin letters is 0."""
    pairs = min(len(data), 2000) // 2
    odd, even = (data[start : 2 * pairs : 2].count(0) for start in (1, 0))
    return "utf-16-le" if 3 * odd > pairs else "utf-16-be" if 3 * even > pairs else None
