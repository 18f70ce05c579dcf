"""`AuditReport`: the findings of an audit, as an object, table and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypedDict, final

import numpy as np
import numpy.typing as npt

from shelfvision._storage import write_atomically
from shelfvision._validation import as_integer, import_package, listed
from shelfvision.auditing._contact import draw_sets
from shelfvision.auditing._finding import SEVERITIES, Finding
from shelfvision.auditing._page import audit_page, audit_table
from shelfvision.auditing._text import audit_heading, audit_text
from shelfvision.auditing.looks import AuditedPhotos
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Location

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PAIRS = ("leak", "duplicate-across-labels", "near-duplicate-across-labels", "near-duplicate")
"""The codes of findings about pairs of photos, the worst first."""


class FindingDict(TypedDict):
    """A finding in plain types that JSON supports."""

    code: str
    severity: str
    message: str
    count: int
    sets: list[list[str]]
    values: list[float]
    details: list[str]


class AuditDict(TypedDict):
    """A report in plain types that JSON supports."""

    n: int
    class_counts: dict[str, int]
    parts: dict[str, int]
    findings: list[FindingDict]


@final
class AuditReport:
    """The findings of `audit` about a set of photos; immutable.

    A report prints as a table. Iterating yields every `Finding`, errors first;
    ``report["blurred"]`` returns the finding with that code. A report keeps no pixels: `save` and
    the plots read the photos that they show again.
    """

    __slots__ = ("_findings", "_photos")

    _findings: tuple[Finding, ...]
    _photos: AuditedPhotos

    def __init__(self, photos: AuditedPhotos, findings: Sequence[Finding]) -> None:
        if not isinstance(photos, AuditedPhotos):
            raise TypeError(
                "an AuditReport is made by shelfvision.audit, not by calling AuditReport()"
            )
        self._photos = photos
        ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
        self._findings = tuple(sorted(findings, key=lambda found: ranks[found.severity]))

    @property
    def n(self) -> int:
        """The number of audited photos, without augmented copies."""
        return len(self._photos)

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of photos of each class."""
        return self._photos.counts()

    @property
    def parts(self) -> dict[str, int]:
        """The number of photos of each set of a split; empty if no split was audited."""
        names = self._photos.part_names
        counts = np.bincount(self._photos.parts, minlength=len(names)).tolist()
        return {} if names == ("",) else dict(zip(names, counts, strict=True))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, errors first."""
        return self._findings

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that invalidate training or scores."""
        return tuple(found for found in self._findings if found.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether the report has neither errors nor warnings."""
        return all(found.severity == "note" for found in self._findings)

    def __iter__(self) -> Iterator[Finding]:
        """Yield every finding, errors first."""
        return iter(self._findings)

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self._findings)

    def __contains__(self, code: object) -> bool:
        """Return whether there is a finding with this code."""
        return any(found.code == code for found in self._findings)

    def __getitem__(self, code: str) -> Finding:
        """Return the finding with this code; raise `KeyError` if there is none."""
        for found in self._findings:
            if found.code == code:
                return found
        raise KeyError(code)

    def to_dict(self) -> AuditDict:
        """Return the report in plain types for ``json.dumps``.

        Returns
        -------
        dict
            ``n``, ``class_counts``, ``parts`` and ``findings``, a list with ``code``,
            ``severity``, ``message``, ``count``, ``sets``, ``values`` and ``details``.
        """
        return {
            "n": self.n,
            "class_counts": self.class_counts,
            "parts": self.parts,
            "findings": [_plain(found) for found in self._findings],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table with one row for every photo of every finding.

        Returns
        -------
        pandas.DataFrame
            Columns ``code``, ``severity``, ``set`` (the number of the set within its finding),
            ``id``, ``label``, ``part``, ``value`` and ``detail``. Findings about classes have no
            ``id``; unused files have no ``label``.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pd = import_package("pandas", purpose="to_frame", pip="pandas")
        columns = ["code", "severity", "set", "id", "label", "part", "value", "detail"]
        rows = [row for found in self._findings for row in self._frame_rows(found)]
        return pd.DataFrame(rows, columns=columns)

    def _frame_rows(self, found: Finding) -> Iterator[tuple[object, ...]]:
        for number in range(found.count):
            value = found.values[number] if found.values else float("nan")
            detail = found.details[number] if found.details else ""
            members = found.sets[number] if found.sets else ("",)
            rows = found.rows[number] if found.rows else (-1,) * len(members)
            for name, row in zip(members, rows, strict=True):
                label = self._photos.label(row) if row >= 0 else ""
                part = self._photos.part(row) if row >= 0 else ""
                yield found.code, found.severity, number, name, label, part, value, detail

    def save(self, path: Location, *, examples: SupportsIndex = 24) -> None:
        """Save the report as a self-contained HTML file with pictures of the worst photos.

        The file has no scripts and loads nothing from other files or servers. A photo that can no
        longer be read is listed without its picture.

        Parameters
        ----------
        path : path-like or URL
            The path of the file. A missing folder is created.
        examples : int, default=24
            The maximum number of photos or sets for each finding; a set shows at most 8 photos.

        Raises
        ------
        StorageError
            The file cannot be written; an existing file is unchanged.
        """
        most = as_integer("examples", examples, minimum=0)
        page = audit_page(self._photos, self._findings, examples=most)
        write_atomically(path, page.encode("utf-8", "backslashreplace"))

    def plot_pairs(
        self,
        code: str | None = None,
        *,
        n: SupportsIndex = 6,
        ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
    ) -> npt.NDArray[np.object_]:
        """Draw the most suspicious pairs of photos, side by side.

        Parameters
        ----------
        code : str, optional
            The code of the finding. By default the first one in the report of: leaks, duplicates
            across labels, near-duplicates across labels, near-duplicates.
        n : int, default=6
            The number of pairs, the most similar first.
        ax : Axes or sequence of Axes, optional
            One axes for every photo, or a single axes that the grid replaces. By default a new
            figure.

        Returns
        -------
        ndarray of Axes, shape (pairs, 2)
            The axes of the photos.

        Raises
        ------
        DataError
            There are no such pairs.
        InvalidParameterError
            The report has no finding with this code, or one about single photos.
        MissingDependencyError
            matplotlib is not installed.
        """
        most = as_integer("n", n, minimum=1)
        found = self._with_sets(code)
        pairs = [rows[:2] for rows in found.rows[:most]]
        return draw_sets(self._photos, pairs, found.details, ax)

    def plot_sheet(
        self,
        code: str,
        *,
        n: SupportsIndex = 24,
        n_columns: SupportsIndex = 6,
        ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None = None,
    ) -> npt.NDArray[np.object_]:
        """Draw a contact sheet of the photos of one finding, the worst first.

        Parameters
        ----------
        code : str
            The code of the finding.
        n : int, default=24
            The maximum number of photos.
        n_columns : int, default=6
            The number of columns.
        ax : Axes or sequence of Axes, optional
            One axes for every photo, or a single axes that the grid replaces. By default a new
            figure.

        Returns
        -------
        ndarray of Axes, shape (rows, columns)
            The axes; axes after the last photo are empty.

        Raises
        ------
        InvalidParameterError
            The report has no finding with this code, or one without photos.
        MissingDependencyError
            matplotlib is not installed.
        """
        found = self._named(code)
        photos = [row for rows in found.rows for row in rows][: as_integer("n", n, minimum=1)]
        if not photos:
            raise InvalidParameterError(
                f"the finding {code!r} has no photos to draw",
                code="no-photos",
                parameter="code",
            )
        across = min(as_integer("n_columns", n_columns, minimum=1), len(photos))
        sheet = [photos[first : first + across] for first in range(0, len(photos), across)]
        return draw_sets(self._photos, sheet, (), ax)

    def _named(self, code: str) -> Finding:
        if code not in self:
            codes = listed((found.code for found in self._findings), limit=20) or "nothing"
            raise InvalidParameterError(
                f"the audit found no {code!r}; it found {codes}",
                code="unknown-name",
                parameter="code",
            )
        return self[code]

    def _with_sets(self, code: str | None) -> Finding:
        if code is None:
            code = next((code for code in PAIRS if code in self), None)
        if code is None:
            raise DataError(
                "the report must have pairs of similar photos to draw, got none",
                code="no-pairs",
            )
        found = self._named(code)
        if not all(len(rows) > 1 for rows in found.rows) or not found.rows:
            raise InvalidParameterError(
                f"the finding {code!r} is not about pairs of photos; draw it with plot_sheet",
                code="no-pairs",
                parameter="code",
            )
        return found

    def __str__(self) -> str:
        """Return the report as a table with examples and a remedy for each finding."""
        return audit_text(self._photos, self._findings)

    def __repr__(self) -> str:
        """Return the report in one line."""
        return f"<AuditReport: {audit_heading(self._photos, self._findings)}>"

    def _repr_html_(self) -> str:
        return audit_table(self._photos, self._findings)


def _plain(found: Finding) -> FindingDict:
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "count": found.count,
        "sets": [list(members) for members in found.sets],
        "values": list(found.values),
        "details": list(found.details),
    }
