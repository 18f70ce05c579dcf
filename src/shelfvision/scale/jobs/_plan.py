"""`JobPlan`: what a job scores, with digests that notice every change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NoReturn, TypeAlias, cast, final

from shelfvision._storage.json_values import canonical_json, json_object
from shelfvision._validation import received
from shelfvision.errors import DataError, InvalidParameterError

FORMAT = 1
"""The version of the files of a job."""
MOST_PHOTOS = 1_000_000
"""The largest number of photos per file, which is written and compared in memory."""
MOST_SHARDS = 1_000_000
"""The largest number of files of a job."""

Settings: TypeAlias = Mapping[str, object]
"""Settings by the name of their public parameter, as JSON values."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What a job scores and how; its digest identifies the job."""

    source: str
    """The path of the manifest or folder, for messages."""
    n_photos: int
    """The number of photos."""
    photos_sha256: str
    """The SHA-256 of the list of photos and of the kept columns."""
    listing_sha256: str
    """The SHA-256 of the file that contains this list."""
    shard_size: int
    """The number of photos per shard."""
    model: str
    """The path of the classifier, for messages."""
    model_sha256: str
    """The SHA-256 of the classifier."""
    class_names: tuple[str, ...]
    """The class names of the classifier."""
    settings: Settings
    """The settings that the output depends on."""
    schema: str
    """The columns of the output with their types, one per line."""

    @property
    def n_shards(self) -> int:
        """The number of shards."""
        return -(-self.n_photos // self.shard_size)

    def photos_of(self, shard: int) -> int:
        """Return the number of photos of a shard; only the last may be smaller."""
        return min(self.shard_size, self.n_photos - shard * self.shard_size)

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that the output depends on."""
        fields = asdict(self)
        # The same job may be started with other paths, from another folder.
        for name in ("source", "model"):
            del fields[name]
        return hashlib.sha256(canonical_json(fields).encode()).hexdigest()

    def encode(self) -> bytes:
        """Return the plan as JSON."""
        return f"{canonical_json({'format': FORMAT, **asdict(self)})}\n".encode()


def decoded_plan(data: bytes, where: str) -> JobPlan:
    """Return the plan of a JSON file; a `DataError` refuses everything else."""

    def fail(code: str, fault: str) -> NoReturn:
        raise DataError(
            f"{where} cannot be read as the plan of a scoring job: {fault}; score into another "
            "folder, or remove this one",
            code=code,
            parameter="out",
        )

    fields = json_object(data, where, fail=fail)
    version = fields.pop("format", None)
    if type(version) is int and version > FORMAT:
        fail("newer-format", f"it has the format {version}, and this version reads {FORMAT}")
    kinds = {
        "source": str,
        "n_photos": int,
        "photos_sha256": str,
        "listing_sha256": str,
        "shard_size": int,
        "model": str,
        "model_sha256": str,
        "class_names": list,
        "settings": dict,
        "schema": str,
    }
    if version != FORMAT or set(fields) != set(kinds):
        fail("foreign-format", "it does not have the fields of a plan")
    for name, kind in kinds.items():
        if type(fields[name]) is not kind:
            fail("wrong-type", f"its field {name!r} is {received(fields[name])}")
    names = cast("list[object]", fields["class_names"])
    if not all(isinstance(name, str) for name in names):
        fail("wrong-type", "its field 'class_names' has a name that is not text")
    plan = JobPlan(**{**fields, "class_names": tuple(names)})  # type: ignore[arg-type]  # checked
    if plan.n_photos < 1 or not 1 <= plan.shard_size <= MOST_PHOTOS or plan.n_shards > MOST_SHARDS:
        fail("not-in-range", "its numbers of photos and of photos per file are impossible")
    return plan


def require_same_job(old: JobPlan, new: JobPlan, where: str, changed_photos: str) -> None:
    """Raise an error that names the first difference between the plan of a folder and a new one.

    Parameters
    ----------
    old, new : JobPlan
        The plan of the folder, and that of the call.
    where : str
        The folder, in quotes.
    changed_photos : str
        A clause that describes how the lists of photos differ.
    """
    if old.digest == new.digest:
        return
    if old.model_sha256 != new.model_sha256:
        found = f"{new.model!r} with the SHA-256 {new.model_sha256}"
        _refuse(where, "bundle", f"{old.model!r} with the SHA-256 {old.model_sha256}", found)
    # Names that only the folder has are another format; a message would show them unchecked.
    for name in sorted(new.settings):
        one, other = old.settings.get(name), new.settings[name]
        if one != other:
            _refuse(where, name, f"{name}={received(one)}", received(other))
    if old.photos_sha256 != new.photos_sha256:
        _refuse(where, "source", f"the photos of {old.source!r}", changed_photos)
    if old.shard_size != new.shard_size:
        _refuse(where, "shard_size", f"shard_size={old.shard_size}", str(new.shard_size))
    raise InvalidParameterError(
        f"out must be a folder of this version of shelfvision, got {where}, whose files have other "
        "columns; score into another folder",
        code="foreign-format",
        parameter="out",
    )


def _refuse(where: str, parameter: str, has: str, got: str) -> NoReturn:
    raise InvalidParameterError(
        f"{parameter} must be that of the job in {where}, {has}, got {got}; score into another "
        "folder, or restore it",
        code="run-changed",
        parameter=parameter,
    )
