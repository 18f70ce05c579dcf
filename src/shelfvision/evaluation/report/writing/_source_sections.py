"""The sections of a report about its model, photos, leakage, audit and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from shelfvision._validation import counted
from shelfvision.auditing import AuditReport
from shelfvision.evaluation.report._context import EvaluationContext, size_text
from shelfvision.evaluation.report.writing._section import Section, SectionTable

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport

_LONGEST = 300


def subject_section(report: EvaluationReport, intended_use: str) -> Section:
    """Return which model was evaluated on which photos."""
    rows = [*_model(report.context), *_data(report)]
    words = (f"Intended use: {intended_use}",) if intended_use else ()
    return Section(
        code="subject",
        title="Model and photos",
        paragraphs=words,
        tables=(
            SectionTable(
                caption="Model and photos", head=("property", "value"), rows=tuple(rows), n_text=2
            ),
        ),
    )


def _model(context: EvaluationContext) -> Iterator[tuple[str, str]]:
    if context.model is None:
        return
    yield "model", context.model.kind
    if context.model.parameters is not None:
        yield "parameters", f"{context.model.parameters:,}"
    if context.model.calibration is not None:
        yield "calibration", context.model.calibration
    trained = context.model.provenance.get("training_photos")
    if isinstance(trained, Mapping) and "photos" in trained:
        yield "trained on", f"{trained['photos']:,} photos"


def _data(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    groups = "" if report.n_groups == report.n else f" in {counted(report.n_groups, 'group')}"
    yield "evaluated on", f"{counted(report.n, 'photo')}{groups}"
    present = sum(scores.support > 0 for scores in report.per_class.values())
    yield "classes", f"{len(report.class_names)}, {present} of them with photos"
    if report.failed:
        yield "could not be read", counted(len(report.failed), "photo")
    if report.context.data is not None:
        yield "image size", size_text(report.context.data)
        yield "fingerprint of the photos", report.context.data.fingerprint


def leakage_section(report: EvaluationReport) -> Section:
    """Return the check for data leakage."""
    found = report.leakage
    if found is None:
        words = (
            "Not checked, because the training set was not passed. "
            "evaluate(classifier, photos, training=...) compares the two sets."
        )
    elif found.ok:
        words = (
            f"No photo is in both sets: no group of these photos is among the groups of the "
            f"{counted(found.n_training, 'training photo')}."
        )
    else:
        words = (
            f"The training set has the groups of {counted(found.photos, 'photo')} "
            f"({counted(found.groups, 'group')}), so the scores are too high: "
            f"{', '.join(found.examples)}, …"
        )
    return Section(code="leakage", title="Data leakage", paragraphs=(words,))


def audited_section(audit: AuditReport | None) -> Section | None:
    """Return the findings of an audit."""
    if audit is None:
        return None
    rows = tuple(
        (found.severity, found.code, f"{found.count:,}" if found.count else "", f"{found.message}.")
        for found in audit
    )
    n_photos = (
        counted(audit.n, "photo")
        if not audit.parts
        else ", ".join(f"{name} {n:,}" for name, n in audit.parts.items())
    )
    words = f"Audited: {n_photos}. " + ("" if rows else "Nothing was found.")
    head = ("severity", "finding", "count", "what to do")
    tables = (
        (SectionTable(caption="Findings of the audit", head=head, rows=rows, n_text=2),)
        if rows
        else ()
    )
    return Section(code="audit", title="Audit of the photos", paragraphs=(words,), tables=tables)


def provenance_section(report: EvaluationReport) -> Section | None:
    """Return the classifier's provenance."""
    model = report.context.model
    if model is None or not model.provenance:
        return None
    rows = tuple(_flat(model.provenance))
    table = SectionTable(caption="Provenance", head=("property", "value"), rows=rows, n_text=2)
    return Section(code="provenance", title="Provenance", tables=(table,))


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}: ")
        else:
            text = _value_text(value)
            yield name, text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _value_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None or value == {} else str(value)
