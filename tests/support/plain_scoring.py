"""A scoring function without a model, for tests of jobs: the content of a file is its label."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = pa.string()
FIELDS: Mapping[str, pa.DataType] = {
    "id": TEXT,
    "label": TEXT,
    "confidence": pa.float32(),
    "decision": TEXT,
    "error": TEXT,
    "error_code": TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainScoring:
    """Scores a batch of paths."""

    log: str | None = None
    """A file to which each scored id is appended as a line."""
    seconds: float = 0.0
    """How long one batch takes."""
    kills: str | None = None
    """The id of a photo at which the process kills itself."""
    once: str | None = None
    """A file that is created by the first such kill, and prevents the next ones."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result."""
        return pa.schema(list(FIELDS.items()))

    def __call__(self, batch: pa.Table, /) -> pa.Table:
        """Return the first line of each file as its label."""
        ids = batch["id"].to_pylist()
        time.sleep(self.seconds)
        self._die(ids)
        rows = [
            answer(name, path) for name, path in zip(ids, batch["path"].to_pylist(), strict=True)
        ]
        if self.log is not None:
            with Path(self.log).open("a", encoding="utf-8") as file:
                file.write("".join(f"{name}\n" for name in ids))
        return pa.Table.from_pylist(rows, schema=self.schema)

    def _die(self, ids: list[str]) -> None:
        if self.kills not in ids or (self.once is not None and Path(self.once).exists()):
            return
        if self.once is not None:
            Path(self.once).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def answer(name: str, path: str) -> dict[str, object]:
    """Return one row."""
    try:
        label = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        reason = f"{path!r}: {error.strerror}"
        return {"id": name, "decision": "review", "error": reason, "error_code": "not-found"}
    return {"id": name, "label": label, "confidence": 0.75, "decision": "accept"}
