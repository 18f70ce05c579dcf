"""Recognize folders that are not classes by their names: system folders, split sets, wrappers.

Network drives, phones and notebooks create folders with thumbnails or deleted files next to the
class folders. Exports of other tools have folders for the sets of a split, or one more folder,
above the class folders. If they were read as classes, a network would learn to predict the set of
a split. Datasets of boxes and of segmentation have folders of photos, annotations and masks.
"""

from __future__ import annotations

import os
import re
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
# Windows saves what it repairs as FOUND.000, FOUND.001, ...
_REPAIRED = re.compile(r"found\.\d{3}")

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
"""The set of a split by the name of its folder, letters only."""
_FOLDS = frozenset(("fold", "folds", "kfold", "cvfold", "split"))
"""The names of folders of a cross-validation, without their number."""

_PHOTOS_OF_BOXES = frozenset(("images", "image", "imgs", "img", "jpegimages"))
_ANNOTATIONS = frozenset(("labels", "label", "annotations", "annotation"))
"""The folders of a dataset of annotated boxes, letters only."""
_MASKS = frozenset(
    (
        *("masks", "mask", "segmentation", "segmentations", "segmentationmasks"),
        *("segmentationclass", "segmentationobject"),
    )
)
"""The folders with a picture of the segmentation of each photo, letters only."""
_LISTS_OF_PHOTOS = frozenset(("imagesets",))
"""Folders of PASCAL VOC with the names of photos."""

_WRAPPERS = frozenset(
    (
        *("photos", "photo", "images", "image", "imgs", "img", "pictures", "pics", "jpegimages"),
        *("data", "dataset", "classes", "products", *_PARTS),
    )
)
"""Names of folders that contain class folders and are not classes."""


def is_system_folder(name: str) -> bool:
    """Return whether a system or a program created a folder, by its name in any case."""
    plain = clean_name(name).casefold()
    known = plain in _SYSTEM or plain.startswith(_SYSTEM_STARTS)
    return known or _REPAIRED.fullmatch(plain) is not None


def part_of_split(name: str) -> str | None:
    """Return the set that a folder name means, such as ``"training"``, or None."""
    letters = _letters(name)
    if letters in _FOLDS:
        number = "".join(filter(str.isdigit, name))
        return f"fold {number}" if number else None
    return _PARTS.get(letters)


def refuse_parts(root: str, holders: Collection[str]) -> None:
    """Refuse a root whose folders are the sets of a split; `holders` are the folders of photos."""
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
        else "list photos and labels in a CSV file for Dataset.from_manifest, because these "
        "folders have no class folders"
    )
    raise DataError(
        f"directory must have one folder per class, got {listed(parts)} in {root!r}, which are "
        f"the sets of a split; {remedy}, or pass class_names={parts!r} if they are classes",
        code="split-folders",
        parameter="directory",
    )


def refuse_annotations(root: str, folders: Collection[str], skipped: Iterable[str]) -> None:
    """Refuse a root with photos and their annotations or masks; `skipped` are other files."""
    named = {_letters(name): name for name in folders}
    photos, notes, masks = (
        next((named[name] for name in sorted(kind & named.keys())), None)
        for kind in (_PHOTOS_OF_BOXES, _ANNOTATIONS, _MASKS)
    )
    known = _PHOTOS_OF_BOXES | _ANNOTATIONS | _MASKS | _LISTS_OF_PHOTOS
    if photos is None or not named.keys() <= known:
        return
    source = None
    if notes is not None:
        files = [path for path in skipped if path.startswith(f"{notes}/")]
        source = _source_of_boxes(root, notes, photos, files)
    if source is not None:
        other, kind = notes, "annotations of boxes"
        remedy = f"open them with Dataset.from_boxes({source})"
    elif masks is not None:
        other, kind = masks, "masks of segmentation"
        remedy = "list photos and labels in a CSV file for Dataset.from_manifest"
    else:
        return
    raise DataError(
        f"directory must have one folder per class, got {photos!r} and {other!r} in {root!r}, "
        f"which are photos and {kind}; {remedy}, or pass class_names={sorted(folders)!r} if they "
        "are classes",
        code="annotation-folders",
        parameter="directory",
    )


def _source_of_boxes(root: str, notes: str, photos: str, files: Sequence[str]) -> str | None:
    """Return the arguments with which `Dataset.from_boxes` reads these annotations."""
    images = f"images={os.path.join(root, photos)!r}"
    for path in files:
        if path.endswith(".json"):
            return f"{os.path.join(root, *path.split('/'))!r}, {images}"
        if path.endswith(".xml"):
            return f"{os.path.join(root, notes)!r}, {images}"
        if path.endswith(".txt"):
            return repr(root)
    return None


def warn_of_wrapper(root: str, holders: Collection[str]) -> None:
    """Warn if all photos are below one folder that seems to contain the class folders."""
    outer = _wrapper(root, holders)
    if not outer:
        return
    inside = sorted({holder[len(outer) + 1 :].partition("/")[0] for holder in holders})
    path = os.path.join(root, *outer.split("/"))
    if len({part_of_split(name) for name in inside} - {None}) > 1:
        path = os.path.join(path, _first_part(inside))
    warn_caller(
        ShelfVisionWarning(
            f"all photos of {root!r} are in one class, because they are below the folder "
            f"{outer!r}, in {listed(inside)}; if those are the classes, pass {path!r}",
            code="nested-folders",
            parameter="directory",
        )
    )


def _wrapper(root: str, holders: Collection[str]) -> str:
    """Return the folder that seems to contain the class folders, or an empty string.

    It is the innermost common folder with a typical name (`_WRAPPERS`). Without such a name, it is
    the folder in which the folders branch, because one class needs no branches.
    """
    common = _common(holders)
    named = list(takewhile(lambda place: _is_wrapper(common, place, root), range(len(common))))
    outer = common[: len(named)] or common
    if "/".join(outer) in holders:
        # The innermost folder contains photos itself, so it can only be a class.
        outer = outer[:-1] if named else []
    return "/".join(outer)


def _common(holders: Iterable[str]) -> list[str]:
    """Return the common leading folders of all paths."""
    levels = zip(*(holder.split("/") for holder in holders), strict=False)
    return [names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels)]


def _is_wrapper(folders: Sequence[str], place: int, root: str) -> bool:
    """Return whether a folder has a typical wrapper name, or the name of its parent folder."""
    around = folders[place - 1] if place else os.path.basename(root)
    letters = _letters(folders[place])
    return letters in _WRAPPERS or (bool(letters) and letters == _letters(around))


def _first_part(names: Iterable[str]) -> str:
    """Return the folder of the training set, or of another set if there is none."""
    parts = [name for name in names if part_of_split(name)]
    return min(parts, key=lambda name: (part_of_split(name) != "training", name))


def _letters(name: str) -> str:
    return "".join(letter for letter in clean_name(name).casefold() if letter.isalpha())
