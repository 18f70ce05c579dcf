"""Keep an inventory of the photos that arrive in a folder, in an SQLite database.

``python watch.py incoming groceries.shelf stock.sqlite [--page stock.html] [--once]``

The program can be stopped at any time, by a signal, a crash or a power failure, and started again.
No photo is counted twice, and none is lost.

- Photos are identified by their content (a digest), so a copy under another name counts once.
- The prediction for a photo and the record of its file are written in one transaction.
- A file is read when it has not changed for some seconds (``--settle``). If it changes later, the
  prediction for the new content replaces the old one, so give each photo a unique name.
- A photo that cannot be read is a row with its error.
- A photo remains counted when its file is moved away.

Each subfolder, such as a store, a shelf or a day, gets a separate inventory.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

import shelfvision as shv

ENDINGS = (b".jpg", b".jpeg", b".jpe", b".jfif", b".jfi", b".png", b".webp")
MAX_BYTES = shv.DecodeLimits().max_bytes
TABLES = """
CREATE TABLE IF NOT EXISTS about (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS photos (
    digest TEXT PRIMARY KEY,
    counted_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    label TEXT,
    confidence REAL,
    decision TEXT,               -- NULL if the classifier has no thresholds
    probabilities BLOB,          -- float32, in the order of the classes
    error TEXT,
    CHECK ((error IS NULL) = (label IS NOT NULL))
) STRICT;
CREATE TABLE IF NOT EXISTS files (
    name BLOB PRIMARY KEY,       -- bytes, because not every name is text
    size INTEGER NOT NULL,
    changed INTEGER NOT NULL,    -- in nanoseconds
    digest TEXT NOT NULL REFERENCES photos
) STRICT;
CREATE INDEX IF NOT EXISTS files_of_a_photo ON files (digest)
"""

DESCRIPTION = "Keep an inventory of the photos that arrive in a folder, in an SQLite database."

log = logging.getLogger("watch")


class Predicts(Protocol):
    """The interface of a classifier that this program needs."""

    def predict(self, photos: bytes, /, *, on_error: shv.protocols.OnError) -> shv.Predictions:
        """Return the prediction for a photo; an unreadable photo is a row with its error."""


@dataclass(frozen=True)
class Look:
    """Size and modification time of a file."""

    size: int
    changed: int


class Stock:
    """The photos and their predictions, in a database that survives a crash of the program."""

    def __init__(self, path: str | os.PathLike[str], classifier_sha256: str) -> None:
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        # In WAL mode, the default may lose the last transactions in a power failure.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            for statement in TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(
                "INSERT OR IGNORE INTO about VALUES ('classifier', ?)", [classifier_sha256]
            )
        (found,) = self._db.execute("SELECT value FROM about WHERE name = 'classifier'").fetchone()
        if found != classifier_sha256:
            self.close()
            raise SystemExit(
                f"{os.fspath(path)} has predictions of the classifier {found[:12]}, not of "
                f"{classifier_sha256[:12]}, and counts are corrected for the confusions of one "
                "classifier only; pass another database"
            )

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def knows(self, name: bytes, look: Look) -> bool:
        """Return whether a file was recorded with this size and modification time."""
        row = self._db.execute("SELECT size, changed FROM files WHERE name = ?", [name]).fetchone()
        return row is not None and Look(*row) == look

    def has(self, digest: str) -> bool:
        """Return whether a photo is counted already."""
        row = self._db.execute("SELECT 1 FROM photos WHERE digest = ?", [digest]).fetchone()
        return row is not None

    def record(self, name: bytes, look: Look, digest: str, said: shv.Prediction | None) -> bool:
        """Record a file and the prediction for its photo in one transaction.

        Returns False, and records nothing, if the photo is unknown and there is no prediction.
        """
        with self._transaction():
            if said is not None:
                self._db.execute(
                    "INSERT OR IGNORE INTO photos (digest, label, confidence, decision, "
                    "probabilities, error) VALUES (?, ?, ?, ?, ?, ?)",
                    [digest, *_columns(said)],
                )
            elif not self.has(digest):
                return False
            old = self._db.execute("SELECT digest FROM files WHERE name = ?", [name]).fetchone()
            self._db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                [name, look.size, look.changed, digest],
            )
            if old is not None:
                # The file has other content now. Remove the old photo unless another file has it.
                self._db.execute(
                    "DELETE FROM photos WHERE digest = ? AND NOT EXISTS "
                    "(SELECT 1 FROM files WHERE files.digest = photos.digest)",
                    old,
                )
        return True

    def predictions(self, class_names: tuple[str, ...]) -> shv.Predictions:
        """Return the predictions for all photos, each with the first of its names as id."""
        rows = self._db.execute(
            "SELECT min(name), decision, probabilities, error FROM photos JOIN files "
            "USING (digest) GROUP BY digest ORDER BY min(name)"
        ).fetchall()
        scores = np.full((len(rows), len(class_names)), np.nan, np.float32)
        for place, (_, _, blob, error) in enumerate(rows):
            if error is None:
                scores[place] = np.frombuffer(blob, np.float32)
        return shv.Predictions(
            scores,
            class_names,
            [shown(row[0]) for row in rows],
            [row[3] for row in rows],
            decisions=[row[1] for row in rows],
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _columns(said: shv.Prediction) -> tuple[str | float | bytes | None, ...]:
    if said.error is not None:
        return None, None, said.decision, None, said.error
    scores = np.ascontiguousarray(said.probabilities, np.float32).tobytes()
    return said.label, said.confidence, said.decision, scores, None


@dataclass
class Watch:
    """Scan a folder repeatedly, and count new photos."""

    folder: Path
    classifier: Predicts
    stock: Stock
    settle: float = 2.0
    """Seconds without a change before a file is read."""
    _since: dict[bytes, tuple[Look, float]] = field(default_factory=dict)

    def look(self) -> tuple[int, int]:
        """Count new, complete photos; return how many were counted and how many must wait."""
        now = time.monotonic()
        new = {name: look for name, look in looks(self.folder) if not self.stock.knows(name, look)}
        before = self._since
        self._since = {
            name: before[name] if name in before and before[name][0] == look else (look, now)
            for name, look in new.items()
        }
        ready = [name for name, (_, since) in self._since.items() if now - since >= self.settle]
        done = [self._count(name, new[name]) for name in ready]
        return done.count("counted"), len(new) - len(done) + done.count("changing")

    def _count(self, name: bytes, look: Look) -> Literal["counted", "changing", "unreadable"]:
        try:
            with open(os.path.join(os.fsencode(self.folder), name), "rb") as file:
                data = file.read(MAX_BYTES + 1)
                changing = look_of(os.fstat(file.fileno())) != look
        except OSError as error:
            log.warning("%s cannot be read now: %s", shown(name), error.strerror)
            return "unreadable"
        if changing:
            return "changing"
        digest = hashlib.sha256(data).hexdigest()
        said = None if self.stock.has(digest) else self._said(data)
        told = "counted before" if said is None else told_of(said)
        log.info("%s: %s", shown(name), told)
        return "counted" if self.stock.record(name, look, digest, said) else "changing"

    def _said(self, data: bytes) -> shv.Prediction:
        return self.classifier.predict(data, on_error="skip")[0]


def looks(folder: Path) -> Iterator[tuple[bytes, Look]]:
    """Yield the name and the state of every photo in a folder and its subfolders, sorted.

    Hidden files and files without the suffix of a photo are ignored. An upload can therefore write
    ``shelf.jpg.part`` and rename the file when it is complete.
    """
    top = os.fsencode(folder)
    for place, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith(b"."))
        for name in sorted(names):
            if name.startswith(b".") or not name.lower().endswith(ENDINGS):
                continue
            path = os.path.join(place, name)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue  # moved away between the two calls
            if stat.S_ISREG(found.st_mode):
                yield os.path.relpath(path, top).replace(os.sep.encode(), b"/"), look_of(found)


def shown(name: bytes) -> str:
    """Return the name of a file as text."""
    return os.fsdecode(name).encode("utf-8", "backslashreplace").decode("utf-8")


def look_of(found: os.stat_result) -> Look:
    """Return size and modification time from the status of a file."""
    return Look(size=found.st_size, changed=found.st_mtime_ns)


def told_of(said: shv.Prediction) -> str:
    """Return the prediction for a photo as one line of text."""
    return said.error or ", ".join(filter(None, (said.label, said.decision)))


def part_of(name: str) -> str:
    """Return the subfolder of a photo."""
    return name.rpartition("/")[0] or "."


def report(classifier: shv.Classifier, stock: Stock, page: Path | None) -> None:
    """Print the inventory, and save it as a page."""
    found = stock.predictions(classifier.class_names)
    if all(error is not None for error in found.errors):
        print("There are no photos to count yet.")
        return
    inventory = shv.take_inventory(classifier, found, by=part_of)
    print(inventory)
    if page is not None:
        inventory.save(page)


def main(arguments: list[str] | None = None) -> None:
    """Watch a folder until the program is stopped, or count once."""
    # Not the docstring of the module, which python -OO removes.
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("folder", type=Path, help="the folder with the photos")
    parser.add_argument("classifier", type=Path, help="the file that Classifier.save wrote")
    parser.add_argument("database", type=Path, help="the SQLite database of the inventory")
    parser.add_argument("--page", type=Path, help="also write the inventory as an HTML page")
    parser.add_argument(
        "--settle", type=float, default=2.0, help="seconds without a change before a file is read"
    )
    parser.add_argument("--once", action="store_true", help="count the photos once, then exit")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not options.folder.is_dir():
        sys.exit(f"the folder {options.folder} does not exist; create it, or pass another")
    info = shv.inspect(options.classifier)
    classifier = shv.Classifier.load(options.classifier, expected_sha256=info.sha256)
    with closing(Stock(options.database, info.sha256)) as stock:
        watch = Watch(options.folder, classifier, stock, options.settle)
        report(classifier, stock, options.page)
        while True:
            counted, waiting = watch.look()
            if counted:
                report(classifier, stock, options.page)
            if options.once and not waiting:
                return
            time.sleep(max(options.settle / 2, 0.05))


if __name__ == "__main__":
    main()
