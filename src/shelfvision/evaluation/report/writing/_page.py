"""A report as a self-contained HTML page without scripts.

This module collects the values of the template ``evaluation.html``: the sections of the model card,
charts of `shelfvision.plot`, and the photos of the most confident mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from shelfvision import plot
from shelfvision._pages.html import photo_uri, render_template, svg_uri
from shelfvision._photos.decode import resize_image
from shelfvision.auditing import AuditReport
from shelfvision.errors import DataError, MissingDependencyError, ModelError
from shelfvision.evaluation.report._context import EvaluationContext
from shelfvision.evaluation.report._mistake_photos import explained, photos_or_none
from shelfvision.evaluation.report._summary import between
from shelfvision.evaluation.report.writing._contents import sections
from shelfvision.evaluation.report.writing._score_sections import report_heading, worst_first
from shelfvision.evaluation.scores._mistakes import Mistake
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport

# The longer side of a photo on the page, in pixels.
_SIDE = 160

_BESIDE = (
    "Beside each photo: a Grad-CAM heat map. Light regions raise the score of the predicted class, "
    "dark regions do not."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """A chart of a section."""

    uri: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownMistake:
    """A mistake with its heat map and its photo, which is None if it cannot be read."""

    id: str
    true: str
    predicted: str
    confidence: str
    uri: str | None
    alt: str
    heat_uri: str | None
    heat_alt: str


def report_page(
    report: EvaluationReport,
    *,
    title: str,
    intended_use: str,
    audit: AuditReport | None,
    examples: int,
    heat_maps: bool,
) -> str:
    """Return the page."""
    charts, charts_note = _charts(report)
    mistakes, mistakes_note = _mistakes(report, examples, heat_maps=heat_maps)
    intervals = report.intervals.per_class
    return render_template(
        "evaluation.html",
        title=report_heading(report, title),
        tiles=_tiles(report),
        sections=sections(report, intended_use, audit, mistakes=examples),
        classes=[(name, scores, intervals[name]) for name, scores in worst_first(report)],
        charts=charts,
        charts_note=charts_note,
        mistakes=mistakes,
        mistakes_note=mistakes_note,
    )


def _tiles(report: EvaluationReport) -> list[tuple[str, str]]:
    intervals = report.intervals
    level = f"{100 * intervals.confidence_level:g} %"
    baselines = f"always {report.majority_class!r}: {report.baseline:.3f}"
    if report.nearest_baseline is not None:
        baselines += f"; nearest neighbour: {report.nearest_baseline:.3f}"
    tiles = [
        (f"{report.accuracy:.3f}", f"accuracy ({level}: {between(intervals.accuracy)})"),
        (f"{report.macro_f1:.3f}", f"macro F1 ({level}: {between(intervals.macro_f1)})"),
        (f"{report.baseline:.3f}", f"baseline ({baselines})"),
        (f"{report.calibration_error:.3f}", "expected calibration error (ECE)"),
    ]
    if report.review is not None:
        share = f"{100 * report.review.coverage:.0f} %"
        tiles.append((share, "coverage: accepted without review"))
    return tiles


def _charts(report: EvaluationReport) -> tuple[dict[str, _Chart], str]:
    """Return charts by the code of their section, or the reason why they are missing."""
    try:
        matrix = plot.as_svg(partial(plot.confusion_matrix, report))
        diagram = plot.as_svg(partial(plot.reliability, report))
    except MissingDependencyError as error:
        return {}, f"The charts are missing: {error}"
    return {
        "confusion": _Chart(
            uri=svg_uri(matrix),
            alt=f"Confusion matrix of {len(report.class_names)} classes; the table below lists "
            "the most confused pairs.",
            caption="Rows: true classes. Columns: predicted classes. Colour: the share of the row.",
        ),
        "calibration": _Chart(
            uri=svg_uri(diagram),
            alt="Reliability diagram: accuracy for each range of confidence, with the diagonal of "
            f"perfect calibration. The expected calibration error is "
            f"{report.calibration_error:.3f}.",
            caption="Bars: accuracy for each range of confidence, with the number of photos below. "
            "Dots: mean confidence. Below the dashed line, confidence is too high.",
        ),
    }, ""


def _mistakes(
    report: EvaluationReport, examples: int, *, heat_maps: bool
) -> tuple[list[_ShownMistake], str]:
    """Return the most confident mistakes with their photos, and a note about the heat maps."""
    context = report.context
    if not examples or context.photos is None or not len(report.mistakes()):
        return [], ""
    mistakes = report.top_mistakes(examples)
    photos = photos_or_none(mistakes, context)
    overlays, why_none = _overlays(mistakes, photos, context) if heat_maps else ({}, "")
    shown = [
        _shown(mistake, photo, overlays.get(mistake.row))
        for mistake, photo in zip(mistakes, photos, strict=True)
    ]
    return shown, _BESIDE if overlays else why_none


def _overlays(
    mistakes: Sequence[Mistake], photos: Sequence[Image | None], context: EvaluationContext
) -> tuple[dict[int, Image], str]:
    """Return photos with heat maps by row, or the reason why heat maps are missing."""
    readable = [
        (one, photo) for one, photo in zip(mistakes, photos, strict=True) if photo is not None
    ]
    if context.classifier is None or not readable:
        return {}, ""
    try:
        found = explained([one for one, _ in readable], np.stack([p for _, p in readable]), context)
    except (DataError, ModelError) as error:
        return {}, f"The heat maps are missing: {error}."
    pairs = zip(readable, found.images, found.heat_maps, strict=True)
    return {one.row: plot.heat_overlay(seen, heat) for (one, _), seen, heat in pairs}, ""


def _shown(mistake: Mistake, photo: Image | None, overlay: Image | None) -> _ShownMistake:
    return _ShownMistake(
        id=mistake.id,
        true=mistake.true,
        predicted=mistake.predicted,
        confidence=f"{100 * mistake.confidence:.0f} %",
        uri=None if photo is None else photo_uri(_small(photo)),
        alt=f"{mistake.id}, labelled {mistake.true}, predicted as {mistake.predicted}",
        heat_uri=None if overlay is None else photo_uri(_small(overlay)),
        heat_alt=f"heat map of {mistake.predicted} in {mistake.id}",
    )


def _small(pixels: Image) -> Image:
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return pixels if scale == 1 else resize_image(pixels, image_size=size)
