"""Check the arguments with paths before a command runs: each takes a URL or refuses it."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.places import PathArgument
from shelfvision._storage import as_location
from shelfvision._storage.writing import require_writable
from shelfvision._urls import COPY_LATER, LOCAL_COPY, is_url, refuse_url
from shelfvision.errors import InvalidParameterError

_REMEDIES = {
    "local": LOCAL_COPY,
    "folder": COPY_LATER,
}
_STREAM = "-"


def require_places(chosen: argparse.Namespace) -> None:
    """Refuse URLs in arguments that take local paths only, and URLs that cannot be opened."""
    places: dict[str, PathArgument] = getattr(chosen, "places", {})
    for name, place in places.items():
        given = getattr(chosen, name)
        for path in given if isinstance(given, list) else [given]:
            if path is not None and path != _STREAM and is_url(path):
                _require_supported(path, place)


def _require_supported(url: str, place: PathArgument) -> None:
    if place.kind in _REMEDIES:
        refuse_url(url, place.shown, _REMEDIES[place.kind])
    writes = place.kind == "written"
    try:
        file = as_location(url, place.shown, writes=writes)
    except InvalidParameterError as error:
        if error.code != "not-enabled":
            raise
        # The command line has no options for a server, so it cannot allow one.
        refuse_url(url, place.shown)
    if writes:
        require_writable(file)
