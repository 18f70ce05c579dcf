"""Rewrite messages for the command line: replace Python parameters by options.

Only the remedy changes, which follows the last semicolon, and a parameter at the start of the
message. Parameters for which the command has no option stay unchanged.

>>> from shelfvision.errors import DataError
>>> error = DataError("'a.csv' must have the column 'path'; pass path_column='file'")
>>> for_shell(error, {"--path-column"})
"'a.csv' must have the column 'path'; pass --path-column file"
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from typing import Final

from shelfvision.errors import PhotoError, ShelfVisionError, ShelfVisionWarning

OPTIONS: Final = {
    "architecture": "--architecture",
    "batch_size": "--batch-size",
    "checkpoint_dir": "--run",
    "count_column": "--count-column",
    "embed": "--embed",
    "encoding": "--encoding",
    "epochs": "--epochs",
    "expected_sha256": "--sha256",
    "format": "--format",
    "group_column": "--group-column",
    "image_size": "--image-size",
    "keep": "--keep",
    "key_column": "--key-column",
    "label_column": "--label-column",
    "on_error": "--on-error",
    "on_leak": "--on-leak",
    "path_column": "--path-column",
    "photos": "--photos",
    "probabilities": "--probabilities",
    "processes": "--processes",
    "product_column": "--product-column",
    "quantize": "--quantize",
    "resize": "--resize",
    "root": "--root",
    "seed": "--seed",
    "sha256": "--sha256",
    "shard_size": "--shard-size",
    "store": "--store",
    "store_column": "--store-column",
    "threads": "--threads",
    "tolerance": "--tolerance",
    "top": "--top",
    "unknown": "--unknown",
    "weights": "--weights",
    "where": "--where",
}
"""The option for each Python parameter."""

_REMEDIES: Final = {
    ("leakage", None): "give photos of one group the same set in the column of --split-column",
    ("leakage", "training"): "evaluate on photos that --test or --split-column kept apart",
    ("missing-class", None): "add photos of it, or leave the class out",
    ("missing-class", "train"): "add photos of it, or leave the class out",
    ("no-classes", "directory"): "make a folder for each class, or pass a CSV manifest",
    ("too-few-groups", None): "add photos, join the class with another one, or leave it out",
}
"""Remedies that replace those of all errors and warnings with this code and parameter.

A command that lacks an option of the remedy keeps the original.
"""

_PHRASES: Final = (
    (re.compile(r'resume="never"'), "--fresh"),
    (re.compile(r"as in Dataset\.from_directory\((.*?)\)"), r"as in \1"),
    (re.compile(r", or pass class_names=\[.*?\] if they are classes"), ""),
    (
        re.compile(r"open them with Dataset\.from_boxes\(.*?\)"),
        "pass the folder of photos, and the annotations as --boxes if the command has that option",
    ),
    (re.compile(r"for Dataset\.from_manifest"), "and pass that"),
    (re.compile(r", or pass DecodeLimits with a higher \w+"), ""),
    (re.compile(r", or by= to take_inventory"), ""),
    (
        re.compile(r"pass storage_options=\{\} .* universal_pathlib"),
        "download the photos, and pass the paths of the copies",
    ),
    (re.compile(r"pass root='[^']*' and storage_options=\{\} to read .*, or (?=download)"), ""),
    (re.compile(r"pass credentials in storage_options, or set them"), "set credentials"),
    (re.compile(r"storage_options"), "the credentials in the environment"),
    (
        re.compile(r"pass codes=\{.*?\}, or use a classifier with_product_codes"),
        "pass --codes, or use a bundle with product codes",
    ),
    (re.compile(r"with \w+\.select\(.*?\)+"), "of the folder or the manifest"),
    (
        re.compile(r"rename with \w+\.relabel\(\{(.*?)\}\)( first)?"),
        r"rename folders or labels, \1",
    ),
)
"""Replacements for Python calls in remedies."""

_ROOT: Final = re.compile(r"pass root='[^']*' to read .*, or (?=download)")
"""The remedy for URLs in a list, for commands with the option ``--root`` only."""

_WRONG_PATHS: Final = frozenset({"not-found", "not-enabled"})
"""Codes of photos whose path is wrong: these should be corrected, not left out."""

_APART: Final = re.compile(r", or score them apart with shelfvision\.evaluate\(.*?\)")
"""The remedy for photos of unknown classes, for commands with the option ``--unknown`` only."""

_NAMED_OPTION: Final = re.compile(r"--[a-z-]+")
_ASSIGNED: Final = re.compile(r"\b([a-z][a-z0-9_]*)=('[^']*'|\"[^\"]*\"|[\w.]+)?")


def for_shell(message: ShelfVisionError | ShelfVisionWarning, available: Collection[str]) -> str:
    """Return the message of an error or a warning with options instead of parameters.

    Parameters
    ----------
    message : ShelfVisionError or ShelfVisionWarning
        The error or warning of the library.
    available : collection of str
        The options of the command, such as ``"--path-column"``.
    """
    options = {name: option for name, option in OPTIONS.items() if option in available}
    sentence, parameter = str(message), message.parameter
    if parameter in options and sentence.startswith(f"{parameter} "):
        sentence = options[parameter] + sentence.removeprefix(parameter)
    fault, semicolon, remedy = sentence.rpartition("; ")
    if not semicolon:
        return sentence
    other = _REMEDIES.get((message.code, parameter), "")
    if not set(_NAMED_OPTION.findall(other)) <= set(available):
        other = ""
    remedy = other or _with_options(remedy, options)
    is_damaged = isinstance(message, PhotoError) and message.code not in _WRONG_PATHS
    if is_damaged and "on_error" in options:
        remedy += f", or pass {options['on_error']} skip"
    return f"{fault}; {remedy}"


def _with_options(remedy: str, options: dict[str, str]) -> str:
    for pattern, phrase in _PHRASES:
        remedy = pattern.sub(phrase, remedy)
    if "root" not in options:
        remedy = _ROOT.sub("", remedy)
    apart = ", or pass unknown='reject' to score them apart" if "unknown" in options else ""
    remedy = _APART.sub(apart, remedy)

    def option(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        if name not in options:
            return found[0]
        return options[name] if value is None else f"{options[name]} {_shell_word(value)}"

    remedy = _ASSIGNED.sub(option, remedy)
    # Names without an underscore are also English words, so they are not replaced.
    named = [name for name in options if "_" in name]
    return (
        re.sub(rf"\b({'|'.join(named)})\b", lambda one: options[one[1]], remedy)
        if named
        else remedy
    )


def _shell_word(value: str) -> str:
    return shlex.quote(value[1:-1]) if value[0] in "'\"" else value
