"""Read and write corrections as CSV: the file that the review page downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shelfvision._csv import Table, csv_text, read_table
from shelfvision._identifiers import clean_name
from shelfvision._storage import RemoteFile
from shelfvision._text import from_csv_cell
from shelfvision.errors import DataError
from shelfvision.review._answers import RawAnswer

COLUMNS = ("id", "label", "status", "comment")
"""The columns of the file."""


def answers_of_csv(path: str | RemoteFile, encoding: str | None) -> Iterator[RawAnswer]:
    """Yield the answers of a file; rows without label and status are not reviewed yet."""
    table = read_table(
        path,
        {"id": None, "label": None},
        optional=("status", "comment"),
        what="the corrections",
        encoding=encoding,
    )
    _refuse_tasks(table)
    for line, cells in table.rows:
        where = f"line {line} of {table.name}"
        texts = {name: from_csv_cell(cell) for name, cell in cells.items()}
        label, status = clean_name(texts["label"]), clean_name(texts.get("status", ""))
        if not texts["id"].strip():
            raise DataError(
                f"{where} must have the id of a photo, got {texts['id']!r}; add it",
                code="empty",
                parameter="path",
            )
        if label or status:
            comment = texts.get("comment", "")
            yield RawAnswer(
                id=texts["id"], label=label, status=status, comment=comment, where=where
            )


def csv_of_answers(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """Return rows of id, label, status and comment as CSV without formulas."""
    return csv_text([COLUMNS, *rows])


def _refuse_tasks(table: Table) -> None:
    """Refuse the CSV export of Label Studio, whose ids are numbers of tasks, not of photos."""
    if {"annotation_id", "lead_time"} <= set(table.columns):
        raise DataError(
            f"the corrections {table.name} must have photo ids, got a CSV export of Label Studio, "
            "whose ids are numbers of its tasks; export the project as JSON",
            code="foreign-format",
            parameter="path",
        )
