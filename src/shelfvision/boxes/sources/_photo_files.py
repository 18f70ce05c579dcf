r"""Find the photos that annotation tools name, below one folder.

Tools write the name of a photo differently than it is stored: CVAT writes ``shop_a/IMG_1.jpg`` for
``images/default/shop_a/IMG_1.jpg``, Label Studio ``/data/upload/1/3f2a9c1e-IMG_1.jpg`` for an
upload of ``IMG_1.jpg``. A photo fits a name if one of the two paths is the end of the other.
``shop_b/IMG_1.jpg`` never finds ``shop_a/IMG_1.jpg``. A name that fits several photos is ambiguous.

VOC and YOLO files have the name of their photo with another suffix, in a folder beside:
``labels/train/IMG_1.txt`` belongs to ``images/train/IMG_1.jpg``. `find_stem` compares such names
without their suffixes.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from shelfvision._photos.formats import READ_SUFFIXES, suffix_of
from shelfvision.boxes.files._photo_names import Parts, original_name, path_parts
from shelfvision.errors import DataError

_MAX_FILES = 1_000_000
_SYSTEM = frozenset({"__macosx", "@eadir"})

COUNTERPARTS: dict[str, tuple[str, ...]] = {
    "labels": ("images",),
    "annotations": ("JPEGImages", "images"),
}
"""The folders of photos beside each folder of annotations."""


class PhotoFiles:
    """The photos below a folder by their names; the folder is listed on first use.

    Parameters
    ----------
    root : str
        The absolute path of the folder.
    searched : bool, default=True
        Whether photos in sub-folders are found; otherwise only a path below the folder is.
    """

    def __init__(self, root: str, *, searched: bool = True) -> None:
        self.root = root
        self._searched = searched
        self._names: dict[str, list[Parts]] | None = None
        self._stems: dict[str, list[Parts]] = {}

    def find(self, name: str, *, near: str = "") -> list[str]:
        """Return the paths, relative to the root, of the photos that a name fits.

        Parameters
        ----------
        name : str
            The name of a photo in an annotation file.
        near : str, default=""
            The folder of the annotation file, relative to the root: its photos are tried first.
        """
        parts = path_parts(name)
        if not parts:
            return []
        for folder in dict.fromkeys((near, "")):
            path = "/".join((*filter(None, (folder,)), *parts))
            if os.path.isfile(os.path.join(self.root, path)):
                return [path]
        if not self._searched:
            return []
        names = self._listed()
        found = _fitting(parts, names.get(parts[-1], ()))
        if found:
            return _joined(found)
        plain = original_name(parts[-1])
        if plain != parts[-1]:
            # The prefix of an upload is random, so the folders do not matter.
            return _joined(names.get(parts[-1], []) or names.get(plain, []))
        uploads = (one for base in names if original_name(base) == plain for one in names[base])
        return _joined(uploads) if len(parts) == 1 else []

    def find_stem(self, parts: Parts) -> list[str]:
        """Return the paths of the photos for an annotation file without its suffix."""
        self._listed()
        for wanted in counterparts(parts):
            candidates = self._stems.get(wanted[-1], ())
            exact = [one for one in candidates if without_suffix(one) == wanted]
            found = exact or _fitting(wanted, candidates, key=without_suffix)
            if found:
                return _joined(found)
        return []

    def below(self, folder: str) -> list[str]:
        """Return the paths of all photos in a folder, relative to the root, sorted."""
        parts = tuple(filter(None, folder.split("/")))
        every = (one for same in self._listed().values() for one in same)
        return sorted("/".join(one) for one in every if one[: len(parts)] == parts)

    def _listed(self) -> dict[str, list[Parts]]:
        if self._names is None:
            names: dict[str, list[Parts]] = {}
            for path in sorted(files_below(self.root)):
                if suffix_of(path) in READ_SUFFIXES:
                    parts = tuple(path.split("/"))
                    names.setdefault(_composed(parts[-1]), []).append(parts)
                    self._stems.setdefault(without_suffix(parts)[-1], []).append(parts)
            self._names = names
        return self._names


def files_below(root: str) -> Iterator[str]:
    """Yield the paths of all files below a folder, relative to it, with forward slashes.

    Hidden and system folders are left out. A link to a folder is followed once.
    """
    seen: set[tuple[int, int]] = set()
    waiting, count = [""], 0
    while waiting:
        folder = waiting.pop()
        place = os.path.join(root, folder)
        try:
            status = os.stat(place)
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen and status.st_ino:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name.casefold() in _SYSTEM:
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                waiting.append(path)
                continue
            count += 1
            if count > _MAX_FILES:
                raise DataError(
                    f"{root!r} has more than {_MAX_FILES:,} files; pass a folder with fewer",
                    code="too-large",
                    parameter="source",
                )
            yield path


def without_suffix(parts: Parts) -> Parts:
    """Return a path in Unicode NFC without the suffix of its base name."""
    base = parts[-1]
    dot = base.rfind(".")
    return tuple(_composed(part) for part in (*parts[:-1], base[:dot] if dot > 0 else base))


def counterparts(parts: Parts) -> Iterator[Parts]:
    """Yield the paths where the photo of an annotation file may be, the most probable first."""
    folders = [place for place, part in enumerate(parts[:-1]) if part.casefold() in COUNTERPARTS]
    for place in reversed(folders):
        for other in COUNTERPARTS[parts[place].casefold()]:
            yield (*parts[:place], other, *parts[place + 1 :])
    yield parts
    for place in reversed(folders):
        yield (*parts[:place], *parts[place + 1 :])


def _fitting(
    wanted: Parts, candidates: Iterable[Parts], *, key: Callable[[Parts], Parts] | None = None
) -> list[Parts]:
    """Return the candidates that end with the wanted path, else the longest that are its end."""
    plain = {one: key(one) if key else tuple(map(_composed, one)) for one in candidates}
    longer = [one for one, path in plain.items() if path[-len(wanted) :] == wanted]
    if longer:
        return longer
    shorter = [one for one, path in plain.items() if wanted[-len(path) :] == path]
    most = max(map(len, shorter), default=0)
    return [one for one in shorter if len(one) == most]


def _joined(found: Iterable[Sequence[str]]) -> list[str]:
    return ["/".join(parts) for parts in found]


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)
