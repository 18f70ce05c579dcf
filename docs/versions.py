"""Add a built site to the site of all versions; ``python docs/versions.py BUILT SITE``.

A release has a folder such as ``0.1/``, and the development version has ``dev/``. The program
replaces the folder of the version that BUILT documents, and writes ``switcher.json``, which the
version switcher of every page reads, and ``index.html``, which leads to the latest release.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path

RELEASE = re.compile(r"\d+\.\d+")
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={folder}/index.html">
<title>shelfvision</title>
</head>
<body><a href="{folder}/index.html">Documentation of shelfvision</a></body>
</html>
"""


def folder_of(built: Path) -> str:
    """Return the name of the version that the pages of a built site compare with the switcher."""
    page = (built / "index.html").read_text(encoding="utf-8")
    found = re.search(r"theme_switcher_version_match = '(dev|\d+\.\d+)';", page)
    if found is None:
        raise SystemExit(f"{built}/index.html has no version switcher")
    return found[1]


def folders_in(site: Path) -> list[str]:
    """Return the names of the versions of a site: releases, the newest first, and dev."""
    names = [path.name for path in site.iterdir() if (path / "index.html").is_file()]
    releases = sorted(filter(RELEASE.fullmatch, names), key=_numbers, reverse=True)
    return [*releases, *(name for name in names if name == "dev")]


def _numbers(folder: str) -> tuple[int, ...]:
    return tuple(map(int, folder.split(".")))


def entries_of(folders: list[str], base: str) -> list[dict[str, str | bool]]:
    """Return the entries of ``switcher.json``; pages of other versions link to the first."""
    entries: list[dict[str, str | bool]] = [
        {"name": name, "version": name, "url": f"{base}{name}/"} for name in folders
    ]
    if folders[0] != "dev":
        entries[0] |= {"name": f"{folders[0]} (stable)", "preferred": True}
    return entries


def add(built: Path, site: Path, base: str) -> str:
    """Put a built site into the folder of its version, and return the name of the folder."""
    folder = folder_of(built)
    site.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(site / folder, ignore_errors=True)
    shutil.copytree(built, site / folder, ignore=shutil.ignore_patterns(".doctrees", ".buildinfo"))
    folders = folders_in(site)
    entries = json.dumps(entries_of(folders, base), indent=2)
    (site / "switcher.json").write_text(entries + "\n", encoding="utf-8")
    (site / "index.html").write_text(REDIRECT.format(folder=folders[0]), encoding="utf-8")
    (site / ".nojekyll").touch()  # GitHub Pages leaves out folders such as _static otherwise
    return folder


def main() -> None:
    """Read the arguments, and print where the version stands."""
    parser = argparse.ArgumentParser(description="Add a built site to the site of all versions.")
    parser.add_argument("built", type=Path, metavar="BUILT")
    parser.add_argument("site", type=Path, metavar="SITE")
    parser.add_argument("--base", default="/", help="the path of the site on its server")
    arguments = parser.parse_args()
    folder = add(arguments.built, arguments.site, arguments.base)
    print(f"{arguments.site / folder}: {', '.join(folders_in(arguments.site))}")


if __name__ == "__main__":
    main()
