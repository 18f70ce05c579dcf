"""What the names of folders tell: folders of a system's own, parts of a split, wrappers.

Network drives, phones and notebooks leave folders of their own among those of classes, which hold
thumbnails or deleted files. Exports of other tools have folders of a split, or one folder more,
above the class folders; read as classes they would train a network to tell parts of a split apart.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

from shelfvision._identifiers import clean_name
from shelfvision._validation import listed
from shelfvision._warnings import warn_caller
from shelfvision.errors import DataError, ShelfVisionWarning

_SYSTEM = frozenset(
    (
        # Synology, QNAP and other network drives.
        *("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "@recently-snapshot", ".@__thumb"),
        # Windows.
        *("$recycle.bin", "recycler", "recycled", "system volume information"),
        # macOS.
        *("__macosx", ".appledouble", ".trashes", ".fseventsd", ".spotlight-v100"),
        *(".temporaryitems", ".documentrevisions-v100"),
        # Linux and Android.
        *("lost+found", ".trash", ".thumbnails", ".thumbcache"),
        # Programs.
        *(".ipynb_checkpoints", "__pycache__", ".dropbox.cache", ".picasaoriginals", ".stversions"),
        # Small copies of photos, which would count them twice.
        *("thumbnails", "thumbnail", "thumbs", "thumb", "_thumbs", "_thumbnails", "@thumb"),
    )
)
_SYSTEM_STARTS = (".trash-",)

_PARTS = {
    "train": "training",
    "training": "training",
    "trainset": "training",
    "trainingset": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validationset": "validation",
    "valset": "validation",
    "dev": "validation",
    "devset": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
}
"""Parts of a split by what their folders are called, without digits and signs."""

_WRAPPERS = frozenset(
    (
        *("photos", "photo", "images", "image", "imgs", "img", "pictures", "pics", "jpegimages"),
        *("data", "dataset", "classes", "products", *_PARTS),
    )
)
"""Names of folders that hold class folders rather than being one."""


def is_system_folder(name: str) -> bool:
    """Tell whether a folder is a system's or a program's own, in whatever case it is written."""
    plain = clean_name(name).casefold()
    return plain in _SYSTEM or plain.startswith(_SYSTEM_STARTS)


def part_of_split(name: str) -> str | None:
    """Return which set a folder's name stands for: ``"training"`` and the like, or None."""
    return _PARTS.get(_letters(name))


def refuse_parts(root: str, holders: Collection[str]) -> None:
    """Refuse a root whose folders are the parts of a split; photos lie in the folders `holders`."""
    folders = sorted({holder.partition("/")[0] for holder in holders})
    parts = [name for name in folders if part_of_split(name)]
    if len({part_of_split(name) for name in parts}) < 2:
        return
    first = _first_part(parts)
    deeper = any(holder.startswith(first + "/") for holder in holders)
    path = os.path.join(root, first)
    remedy = (
        f"open each by itself, as in Dataset.from_directory({path!r})"
        if deeper
        else "list photos and labels in a CSV file for Dataset.from_manifest, for these folders "
        "hold no class folders"
    )
    raise DataError(
        f"directory must have one folder per class, got {listed(parts)} in {root!r}, which are "
        f"parts of a split; {remedy}, or pass class_names={parts!r} if they are classes",
        code="split-folders",
        parameter="directory",
    )


def warn_of_wrapper(root: str, holders: Collection[str]) -> None:
    """Warn where all photos lie below a single folder that seems to hold the class folders."""
    outer = _wrapper(root, holders)
    if not outer:
        return
    inside = sorted({holder[len(outer) + 1 :].partition("/")[0] for holder in holders})
    path = os.path.join(root, *outer.split("/"))
    if len({part_of_split(name) for name in inside} - {None}) > 1:
        path = os.path.join(path, _first_part(inside))
    warn_caller(
        ShelfVisionWarning(
            f"all photos of {root!r} lie below the single folder {outer!r}, in {listed(inside)}, "
            f"and count as one class; if those are the classes, pass {path!r}",
            code="nested-folders",
            parameter="directory",
        )
    )


def _wrapper(root: str, holders: Collection[str]) -> str:
    """Return the folder that seems to hold the class folders, or nothing.

    It is the innermost of those around all photos that are called like such folders; or, whatever
    its name, the one in which folders branch, for a single class needs none.
    """
    common = _common(holders)
    named = list(takewhile(lambda place: _is_wrapper(common, place, root), range(len(common))))
    outer = common[: len(named)] or common
    if "/".join(outer) in holders:
        # The innermost holds photos itself, so it is a class at most.
        outer = outer[:-1] if named else []
    return "/".join(outer)


def _common(holders: Iterable[str]) -> list[str]:
    """Return the folders that all of these lie in or are, from the root on."""
    levels = zip(*(holder.split("/") for holder in holders), strict=False)
    return [names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels)]


def _is_wrapper(folders: Sequence[str], place: int, root: str) -> bool:
    """Tell whether a folder is named like one that holds classes, or like the one around it."""
    around = folders[place - 1] if place else os.path.basename(root)
    letters = _letters(folders[place])
    return letters in _WRAPPERS or (bool(letters) and letters == _letters(around))


def _first_part(names: Iterable[str]) -> str:
    """Return the folder of the training set, which one opens first, or else any part's."""
    parts = [name for name in names if part_of_split(name)]
    return min(parts, key=lambda name: (part_of_split(name) != "training", name))


def _letters(name: str) -> str:
    return "".join(letter for letter in clean_name(name).casefold() if letter.isalpha())
