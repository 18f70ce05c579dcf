r"""Match the name of a photo with the names that annotation tools write.

Tools write folders, separators and URLs differently: ``shop_a\IMG_1.jpg``, ``./shop_a/IMG_1.jpg``,
``/data/upload/1/3f2a9c1e-IMG_1.jpg``, ``https://cdn.example/shop_a/IMG_1.jpg?size=2``. Two names
match if they are equal, or if the shorter one equals the last folders and the base name of the
longer one. ``IMG_1.jpg`` and ``/home/me/shop_a/IMG_1.jpg`` match ``shop_a/IMG_1.jpg``, but
``shop_b/IMG_1.jpg`` does not. A name that matches several photos is ambiguous.

Examples
--------
>>> listed = [("1", "shop_a/IMG_1.jpg"), ("2", "shop_b/IMG_1.jpg")]
>>> matching_photos("C:\\photos\\shop_b\\IMG_1.jpg", listed)
['2']
>>> matching_photos("shop_c/IMG_1.jpg", listed), matching_photos("IMG_1.jpg", listed)
([], ['1', '2'])
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import unquote

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_LOCAL_FILES = re.compile(r"/local-files/?\?(?:.*&)?d=([^&#]*)")
# Label Studio adds eight random hexadecimal digits before the name of an uploaded file.
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")

Parts = tuple[str, ...]
"""Folders and base name."""


def matching_photos(wanted: str, listed: Iterable[tuple[str, str]]) -> list[str]:
    """Return the ids of the photos that a name matches: none, one, or several if ambiguous.

    Parameters
    ----------
    wanted : str
        The name to search for.
    listed : iterable of tuple of str
        Id and name of each photo.
    """
    named = list(listed)
    parts = path_parts(wanted)
    split = [(number, name, path_parts(name)) for number, name in named]
    if not parts:
        return []
    ways: tuple[Callable[[str, Parts], bool], ...] = (
        lambda name, _: name == wanted,
        lambda _, found: found == parts,
        lambda _, found: bool(found) and _ends(found, parts),
        lambda _, found: (
            len(parts) == 1 and found[-1:] != () and original_name(found[-1]) == parts[0]
        ),
    )
    for fits in ways:
        found = [(number, of) for number, name, of in split if fits(name, of)]
        if len(found) == 1 and len(found[0][1]) == 1 < len(parts):
            # The listed name has no folders, so other photos with this base name match equally.
            found = [(number, of) for number, _, of in split if of[-1:] == parts[-1:]]
        if found:
            return [number for number, _ in found]
    return []


def path_parts(name: str) -> Parts:
    """Return folders and base name of a path or a URL; empty without a base name."""
    text, local, address = name, _LOCAL_FILES.search(name), _ADDRESS.match(name)
    if local is not None:
        text = unquote(local[1])
    elif address is not None:
        text = unquote(re.split(r"[?#]", text[address.end() :])[0])
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", text).replace("\\", "/").split("/"):
        if part == "..":
            # The folders above the start of the path are unknown.
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _ends(one: Parts, other: Parts) -> bool:
    """Return whether the shorter path equals the end of the longer one."""
    n = min(len(one), len(other))
    return one[-n:] == other[-n:]


def original_name(base: str) -> str:
    """Return the base name of an uploaded file without the prefix of Label Studio."""
    return _UPLOADED.sub("", base, count=1) if _UPLOADED.match(base) else base
