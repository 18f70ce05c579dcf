"""The class names and the sets of a YOLO dataset, from its configuration file.

- Ultralytics, Roboflow and CVAT write ``data.yaml``: class names in ``names``, a list or a mapping,
  and the sets ``train``, ``val`` and ``test``.
- CVAT (YOLO 1.1) and darknet write ``obj.data``, with a class name on each line of ``obj.names``,
  and the sets ``train`` and ``valid``.
- Label Studio and labelImg write ``classes.txt``, a class name on each line, and no sets.

A set is a folder of photos, a text file that lists photos, or a list of both. Roboflow writes
``../train/images`` for a folder beside the file, and CVAT ``data/images/train/x.jpg`` without a
folder ``data``, so paths are tried without their first folder, too.

YAML is read without types: every scalar stays text. With types, the products ``No``, ``007`` and
``1.10`` would be False, 7 and 1.1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from shelfvision._class_names import as_class_names
from shelfvision._photos.formats import suffix_of
from shelfvision._validation import import_package, received
from shelfvision.boxes.files._text_files import read_text, refuse_file
from shelfvision.errors import InvalidParameterError

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
CONFIG_NAMES = frozenset({"data.yaml", "data.yml", "dataset.yaml", "obj.data"})
_NAME_FILES = ("classes.txt", "obj.names")
_SETS = ("train", "val", "valid", "test")
_KIND = "YOLO configuration"
_MOST = 1024 * 1024
_MOST_LISTED = 64 * 1024 * 1024
_LONGEST_PATH = 4096
_MOST_FOLDERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """The configuration of a dataset."""

    folder: str
    """The absolute path of its folder."""
    names: tuple[str, ...] | None = None
    """The class of each number; None without names."""
    keypoints: int = 0
    """The number of values of keypoints behind each box (``kpt_shape``)."""
    folders: tuple[str, ...] = ()
    """The absolute paths of the folders of photos."""
    photos: frozenset[str] = frozenset()
    """The absolute paths of the photos in lists, without suffix."""


def is_label_file(path: str) -> bool:
    """Return whether a relative path is that of a YOLO label file, by the names of its folders."""
    folders = path.casefold().split("/")[:-1]
    return suffix_of(path) == ".txt" and any(
        folder == "labels" or (folder.startswith("obj_") and folder.endswith("_data"))
        for folder in folders
    )


def config_of(path: str) -> YoloConfig:
    """Return the configuration of a configuration file, or of the one in or above a folder."""
    if not os.path.isdir(path):
        return _read(path)
    for folder in (path, os.path.dirname(os.path.abspath(path))):
        found = _config_in(folder)
        if found is not None:
            own = _read(found) if os.path.basename(found) not in _NAME_FILES else _of_names(found)
            # A folder of one set has the names of the dataset, but not its other sets.
            return own if folder == path else YoloConfig(folder=_absolute(path), names=own.names)
    return YoloConfig(folder=_absolute(path))


def _config_in(folder: str) -> str | None:
    for name in (*sorted(CONFIG_NAMES), *_NAME_FILES):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    # Ultralytics accepts any name, such as ``coco8.yaml``; one such file is not ambiguous.
    others = [one for one in os.listdir(folder) if suffix_of(one) in YAML_SUFFIXES]
    return os.path.join(folder, others[0]) if len(others) == 1 else None


def _read(path: str) -> YoloConfig:
    return _of_darknet(path) if suffix_of(path) == ".data" else _of_yaml(path)


def _of_names(path: str) -> YoloConfig:
    lines = read_text(path, kind=_KIND, most=_MOST).splitlines()
    names = [line.strip() for line in lines if line.strip()]
    return YoloConfig(folder=_absolute(os.path.dirname(path)), names=_checked(names, path))


def _of_darknet(path: str) -> YoloConfig:
    """Read ``obj.data``: lines ``key = value``."""
    folder = _absolute(os.path.dirname(path))
    lines = read_text(path, kind=_KIND, most=_MOST).splitlines()
    values = {key.strip(): value.strip() for key, _, value in (one.partition("=") for one in lines)}
    names = next(_existing(values.get("names", "obj.names"), folder), None)
    folders, photos = _sets([values.get(key, "") for key in _SETS], folder)
    return YoloConfig(
        folder=folder,
        names=None if names is None else _of_names(names).names,
        folders=folders,
        photos=photos,
    )


def _of_yaml(path: str) -> YoloConfig:
    content = _parsed(path)
    base = _absolute(os.path.dirname(path))
    root = content.get("path")
    if isinstance(root, str) and os.path.isdir(os.path.join(base, root)):
        base = os.path.normpath(os.path.join(base, root))
    folders, photos = _sets([content.get(key) for key in _SETS], base)
    return YoloConfig(
        folder=base,
        names=_yaml_names(content.get("names"), path),
        keypoints=_keypoints(content.get("kpt_shape")),
        folders=folders,
        photos=photos,
    )


def _parsed(path: str) -> Mapping[str, object]:
    yaml = import_package("yaml", purpose="reading data.yaml", pip="pyyaml")
    text = read_text(path, kind=_KIND, most=_MOST)
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        # The base loader makes text, lists and mappings only, and never calls code.
        content = yaml.load(text, Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        _refuse(path, f"it is not valid YAML ({reason})", "damaged")
    if _is_expanding(content):
        _refuse(path, "its aliases repeat too much text", "too-large")
    if not isinstance(content, dict):
        _refuse(path, f"it must be a mapping with 'names', got {received(content)}", "wrong-type")
    return content


def _is_expanding(content: object) -> bool:
    """Return whether the content is much longer than its text, because aliases repeat its parts.

    An alias costs no memory until the content is walked through or shown: 12 lines that each list
    the line before 9 times have 9**12 parts.
    """
    waiting, length = [content], 0
    while waiting and length <= 4 * _MOST:
        part = waiting.pop()
        length += len(part) + 1 if isinstance(part, str) else 1
        if isinstance(part, dict):
            waiting += [*part, *part.values()]
        elif isinstance(part, list):
            waiting += part
    return bool(waiting)


def _yaml_names(names: object, path: str) -> tuple[str, ...] | None:
    if not names:
        return None
    if isinstance(names, dict):
        pairs = [(_whole_number(key), name) for key, name in names.items()]
        numbered = {number: name for number, name in pairs if number is not None}
        if any(number is None for number, _ in pairs):
            _refuse(path, f"names must have numbers as keys, got {received(names)}", "wrong-type")
        if len(numbered) < len(names):
            _refuse(path, f"names must have each number once, got {received(names)}", "duplicate")
        return _checked(numbered, path)
    if not isinstance(names, list):
        _refuse(path, f"names must be a list or a mapping, got {received(names)}", "wrong-type")
    return _checked(names, path)


def _checked(names: Sequence[str] | Mapping[int, str], path: str) -> tuple[str, ...]:
    try:
        return as_class_names(names)
    except InvalidParameterError as error:
        _refuse(path, str(error).partition(";")[0], error.code)


def _keypoints(shape: object) -> int:
    """Return how many values ``kpt_shape: [17, 3]`` puts behind each box."""
    if not isinstance(shape, list) or len(shape) != 2:
        return 0
    count, values = (_whole_number(one) or 0 for one in shape)
    return count * values


def _whole_number(text: object) -> int | None:
    """Return the number; None for other text and for numbers of ten digits or more."""
    digits = text.strip() if isinstance(text, str) else ""
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _sets(entries: Sequence[object], base: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the folders of photos and the listed photos of all sets that exist."""
    folders: list[str] = []
    photos: list[str] = []
    flat = [one for entry in entries for one in (entry if isinstance(entry, list) else [entry])]
    for entry in flat:
        place = next(_existing(entry, base), None) if isinstance(entry, str) and entry else None
        if place is None:
            continue
        if os.path.isdir(place):
            folders.append(place)
        elif suffix_of(place) == ".txt":
            photos += _listed_in(place, base)
    return tuple(dict.fromkeys(folders)), frozenset(os.path.splitext(one)[0] for one in photos)


def _listed_in(path: str, base: str) -> list[str]:
    lines = read_text(path, kind="YOLO list", most=_MOST_LISTED).splitlines()
    found = (next(_existing(line.strip(), base), None) for line in lines if line.strip())
    return [place for place in found if place is not None]


def _existing(entry: str, base: str) -> Iterator[str]:
    """Yield the existing paths that an entry may mean, the literal one first."""
    plain = entry.replace("\\", "/")
    shorter = plain
    # No operating system opens longer paths, and each folder costs a look at the disk.
    for _ in range(_MOST_FOLDERS if len(plain) <= _LONGEST_PATH else 0):
        place = os.path.normpath(os.path.join(base, shorter))
        if "\0" not in place and os.path.exists(place):
            yield place
        first, slash, rest = shorter.partition("/")
        if not slash or first not in ("..", ".", "data", ""):
            return
        shorter = rest


def _absolute(folder: str) -> str:
    return os.path.abspath(folder or ".")


def _refuse(path: str, fault: str, code: str) -> NoReturn:
    refuse_file(repr(path), _KIND, fault, code=code, parameter="source")
