"""Expect an error or a warning by its type, its code and the parameter at fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from shelfvision.errors import ShelfVisionError, ShelfVisionWarning

E = TypeVar("E", bound=ShelfVisionError)


@contextmanager
def refuses(
    error: type[E], code: str, parameter: str | None = None
) -> Iterator[pytest.ExceptionInfo[E]]:
    """Expect an error of this type with this code that names this parameter (None: none).

    Wording is left to the golden messages. What is yielded holds the error afterwards, for tests
    of what it carries besides: a path, names to choose from.

    Examples
    --------
    >>> with refuses(InvalidParameterError, "not-in-range", "seed"):
    ...     SeededSplitter(seed=-1)
    """
    with pytest.raises(error) as caught:
        yield caught
    found = caught.value
    assert (found.code, found.parameter) == (code, parameter), str(found)


@contextmanager
def gives_warning(
    warning: type[ShelfVisionWarning], code: str, parameter: str | None = None
) -> Iterator[list[ShelfVisionWarning]]:
    """Expect a warning of this type with this code; what is yielded lists all of that type."""
    found: list[ShelfVisionWarning] = []
    with pytest.warns(warning) as caught:
        yield found
    found += [one.message for one in caught if isinstance(one.message, warning)]
    said = [(one.code, one.parameter) for one in found]
    assert (code, parameter) in said, [str(one) for one in found]
