"""The folder of a job: names, reading and writing of its files, and foreign files.

Files of other programs in the folder are left alone. Links below the folder are never followed:
another user may have planted them.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, final

from shelfvision._storage import make_directory, open_own, storage_error
from shelfvision.errors import InvalidParameterError, StorageError

_STATE = "_shelfvision"
_PART = re.compile(r"part-([0-9]{6,})\.parquet")
_TEMPORARY = re.compile(
    r"\.(?:part-([0-9]{6,})\.(?:parquet|json)|plan\.json|photos\.arrow)\.[0-9a-f]{12}\.tmp"
)
_LOCK = re.compile(r"part-([0-9]{6,})\.lock")
_CHUNK = 1 << 20


@final
class JobFolder:
    """The paths of the files of a job.

    Parameters
    ----------
    path : path
        The folder with the results. It may be a link, because the user names it.
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def state(self) -> Path:
        """The folder with the state of the job."""
        return self.path / _STATE

    @property
    def plan(self) -> Path:
        """The file with the plan."""
        return self.state / "plan.json"

    @property
    def photos(self) -> Path:
        """The file with the list of photos."""
        return self.state / "photos.arrow"

    def part(self, shard: int) -> Path:
        """Return the Parquet file of a shard."""
        return self.path / f"part-{shard:06d}.parquet"

    def record(self, shard: int) -> Path:
        """Return the file with the digest of the Parquet file of a shard."""
        return self.state / "parts" / f"part-{shard:06d}.json"

    def claim(self, shard: int) -> Path:
        """Return the lock file of a shard."""
        return self.state / "claims" / f"part-{shard:06d}.lock"

    def create(self) -> None:
        """Create the folders that do not exist; refuse links and files in their place."""
        self.require_no_links()
        for folder in (self.path, *self._own()):
            try:
                make_directory(folder)
            except OSError as error:
                raise storage_error(folder, error) from error

    def require_no_links(self) -> None:
        """Refuse links in place of the folders of the job, for reading too."""
        for folder in self._own():
            _require_no_link(folder)

    def _own(self) -> tuple[Path, ...]:
        return self.state, self.state / "parts", self.state / "claims"

    def parquet_files(self) -> list[str]:
        """Return the names of all Parquet files in the folder, sorted."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted(name for name in os.listdir(self.path) if name.endswith(".parquet"))
        return []

    def foreign_files(self, n_shards: int) -> list[str]:
        """Return the names of other files that readers of data sets do not ignore, sorted."""
        names = [name for name in os.listdir(self.path) if name[0] not in "._"]
        return sorted(name for name in names if not _is_part(name, n_shards))


def _require_no_link(folder: Path) -> None:
    if folder.is_symlink():
        raise StorageError(
            f"{str(folder)!r} must be a folder, got a link, which another user may have planted; "
            "remove it",
            code="not-a-folder",
            parameter="out",
        )


def _is_part(name: str, n_shards: int) -> bool:
    found = _PART.fullmatch(name)
    if found is None:
        return False
    shard = int(found[1])
    return shard < n_shards and name == f"part-{shard:06d}.parquet"


def as_job_folder(out: str) -> JobFolder:
    """Return the folder of a local path; refuse a file in its place."""
    path = Path(os.path.abspath(out))
    if os.path.lexists(path) and not path.is_dir():
        raise InvalidParameterError(
            f"out must be a folder, got the file {out!r}; name a folder",
            code="not-a-folder",
            parameter="out",
        )
    return JobFolder(path)


@contextmanager
def opened_own(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the job for reading; links and special files raise an OSError."""
    with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
        yield file


def digest_of(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file of the job; OSError if it is not one."""
    digest = hashlib.sha256()
    with opened_own(path) as file:
        size = os.fstat(file.fileno()).st_size
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return size, digest.hexdigest()


def leftovers(folder: JobFolder) -> dict[Path, int | None]:
    """Return the temporary files of killed processes, with the shard that each belongs to.

    None stands for the plan and the list of photos.
    """
    found: dict[Path, int | None] = {}
    for place in (folder.path, folder.state, folder.state / "parts"):
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                name = _TEMPORARY.fullmatch(entry.name)
                if name and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                    found[Path(entry.path)] = None if name[1] is None else int(name[1])
    return found


def old_claims(folder: JobFolder) -> list[int]:
    """Return the shards that have a lock file, which a killed process may have left."""
    with suppress(OSError):
        found = map(_LOCK.fullmatch, os.listdir(folder.claim(0).parent))
        return sorted(int(name[1]) for name in found if name is not None)
    return []
