"""Results as files, in the format of the suffix, and as aligned text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from shelfvision._storage import as_location, suffix_of_location, write_atomically
from shelfvision._text import shortened
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Location

_WIDTH = 40


def save_by_suffix(path: Location, writers: Mapping[str, Callable[[], str]]) -> None:
    """Write the text that the writer of the suffix returns; ``.htm`` is ``.html``."""
    target = as_location(path, writes=True)
    suffix = suffix_of_location(target)
    writer = writers.get(".html" if suffix == ".htm" else suffix)
    if writer is None:
        raise InvalidParameterError(
            f"path must have the suffix {', '.join(writers)}, got {str(target)!r}; rename the file",
            code="not-an-option",
            parameter="path",
        )
    write_atomically(target, writer().encode("utf-8", "backslashreplace"))


def table_lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[str]
) -> list[str]:
    """Return the lines of a table; the columns with these titles are aligned to the left."""
    cut = [[shortened(cell, _WIDTH) for cell in row] for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if title in left else cell.rjust(width)
            for title, cell, width in zip(titles, row, widths, strict=True)
        ).rstrip()
        for row in cut
    ]
