"""JSON in files: written in one form only, read without believing what it says about itself."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import NoReturn

from shelfvision.errors import BundleError

MAX_DEPTH = 64
"""How deep lists and mappings may stand in each other in JSON that is read."""


def canonical_json(value: object) -> str:
    """Return the one form in which we write JSON: sorted, without spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parse_json(text: str | bytes, where: str) -> object:
    """Parse JSON; refuse names that stand twice, numbers without end, and what is nested deep."""

    def no_constant(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        found: object = json.loads(
            text, object_pairs_hook=_once, parse_constant=no_constant, parse_float=_finite
        )
        require_shallow(found)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{where} cannot be loaded: its header is not the JSON that it should be; check that "
            "it is the right file, and copy it again from where it came"
        ) from error
    return found


def require_shallow(value: object, limit: int = MAX_DEPTH) -> None:
    """Raise a `ValueError` where lists and mappings stand deeper in each other than `limit`."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"it is nested more than {limit} deep")


def versioned(
    text: str | bytes,
    where: str,
    *,
    kind: str,
    newest: int,
    refuse: Callable[[str, str], NoReturn],
) -> dict[str, object]:
    """Return the entries of a manifest whose format, from 1 to the newest, can be read."""
    fields = parse_json(text, where)
    if not isinstance(fields, dict) or type(fields.get("format")) is not int:
        refuse(where, "its manifest does not say which format it has")
    version = fields["format"]
    if version > newest:
        raise BundleError(
            f"{where} has the {kind} format {version}, but this shelfvision reads formats up to "
            f"{newest}; run: pip install --upgrade shelfvision"
        )
    if version < 1:
        refuse(where, f"there is no {kind} format {version}")
    return fields


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text[:40])
    return number


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields
