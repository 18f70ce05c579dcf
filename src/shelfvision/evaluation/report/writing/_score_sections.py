"""The sections of a report about its scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shelfvision._validation import counted
from shelfvision.evaluation.report._dictionary import top_k
from shelfvision.evaluation.report._summary import between, class_cells, short_name
from shelfvision.evaluation.report.writing._section import Section, SectionTable
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._metrics import ClassScores

if TYPE_CHECKING:
    from shelfvision.evaluation.report._report import EvaluationReport
    from shelfvision.evaluation.scores._mistakes import Mistake

# Values of one column that are told; of more, the worst.
_MOST_SLICES = 30
_PAIRS = 15


def report_heading(report: EvaluationReport, title: str) -> str:
    """Return the title, or one made of the classes."""
    return title or f"How well are {counted(len(report.class_names), 'class')} told apart?"


def summary_section(report: EvaluationReport) -> Section:
    """Tell the scores with their intervals, and what to compare them with."""
    sure, nearest = report.intervals, report.nearest_baseline
    rows = [
        ("accuracy", f"{report.accuracy:.3f}", between(sure.accuracy)),
        ("macro F1", f"{report.macro_f1:.3f}", between(sure.macro_f1)),
    ]
    tops = [(k, share) for k, share in top_k(report).items() if k != "1"]
    rows += [(f"true class among the first {k}", f"{share:.3f}", "") for k, share in tops]
    rows.append(
        (f"baseline: always {short_name(report.majority_class)!r}", f"{report.baseline:.3f}", "")
    )
    if nearest is not None:
        rows.append(("baseline: the training photo most alike", f"{nearest:.3f}", ""))
    rows.append(("expected calibration error", f"{report.calibration_error:.3f}", ""))
    level = f"{100 * sure.confidence_level:g} %"
    words = (
        f"Judged on {counted(report.n, 'photo')}{_grouped(report)}. Intervals hold the true score "
        f"{level} of the time if other photos come from the same places; they are made by drawing "
        f"the groups of photos anew, whole, {sure.resamples:,} times."
    )
    table = SectionTable(
        caption="Scores", head=("score", "value", f"{level} interval"), rows=tuple(rows)
    )
    return Section(code="scores", title="How good is it?", paragraphs=(words,), tables=(table,))


def _grouped(report: EvaluationReport) -> str:
    return "" if report.n_groups == report.n else f" in {counted(report.n_groups, 'group')}"


def worst_first(report: EvaluationReport) -> list[tuple[str, ClassScores]]:
    """Return the classes by F1, those without photos at the end."""
    return sorted(report.per_class.items(), key=lambda pair: (not pair[1].support, pair[1].f1))


def classes_section(report: EvaluationReport) -> Section:
    """Tell the scores of every class."""
    rows = []
    for name, scores in worst_first(report):
        sure = report.intervals.per_class[name]
        precision, recall, f1, support = class_cells(scores)
        rows.append(
            (name, support, precision, _or_dash(sure.precision, shown=scores.predicted > 0),
             recall, _or_dash(sure.recall, shown=scores.support > 0),
             f1, _or_dash(sure.f1, shown=scores.support > 0))
        )  # fmt: skip
    head = ("class", "photos", "precision", "interval", "recall", "interval", "F1", "interval")
    words = (
        "The worst first. Precision: of the photos taken for the class, the share that shows it. "
        "Recall: of the photos that show it, the share that was found. F1 is their harmonic mean. "
        "A dash: no photo was taken for the class, or none shows it."
    )
    return Section(
        code="classes",
        title="Which classes are told apart?",
        paragraphs=(words,),
        tables=(SectionTable(caption="Scores of every class", head=head, rows=tuple(rows)),),
    )


def _or_dash(interval: Interval, *, shown: bool) -> str:
    return between(interval) if shown else "-"


def calibration_section(report: EvaluationReport) -> Section:
    """Tell whether confidences can be believed."""
    rows = tuple(
        (f"{part.low:.2f} to {part.high:.2f}", f"{part.n:,}", f"{part.confidence:.3f}",
         f"{part.accuracy:.3f}")
        for part in report.reliability
    )  # fmt: skip
    mean = sum(part.n * (part.confidence - part.accuracy) for part in report.reliability) / report.n
    side = "too high" if mean > 0 else "too low"
    words = (
        f"On average, confidence and the share of right answers are {report.calibration_error:.3f} "
        f"apart (expected calibration error, {len(rows)} ranges with photos); over all photos, "
        f"confidence is {abs(mean):.3f} {side}. A few hundred photos give some hundredths by "
        "chance."
    )
    head = ("confidence", "photos", "mean confidence", "share right")
    table = SectionTable(caption="Confidence and truth", head=head, rows=rows)
    return Section(
        code="calibration", title="Can its confidence be believed?", paragraphs=(words,),
        tables=(table,),
    )  # fmt: skip


def confusion_section(report: EvaluationReport) -> Section:
    """Tell which classes were taken for which."""
    pairs = report.most_confused(_PAIRS)
    if not pairs:
        return Section(
            code="confusion", title="What is taken for what?", paragraphs=("No photo was wrong.",)
        )
    rows = tuple(
        (pair.true, pair.predicted, f"{pair.count:,}", f"{100 * pair.share:.0f} %")
        for pair in pairs
    )
    head = ("shows", "taken for", "photos", "share")
    table = SectionTable(caption="The most confused pairs", head=head, rows=rows, n_text=2)
    return Section(code="confusion", title="What is taken for what?", tables=(table,))


def review_section(report: EvaluationReport) -> Section | None:
    """Tell what accepting and reviewing comes to."""
    found = report.review
    if found is None:
        return None
    good = "-" if found.accuracy is None else f"{found.accuracy:.3f}"
    sure = "" if found.accuracy_interval is None else between(found.accuracy_interval)
    rows = (
        ("accepted", f"{found.n_accepted:,}", f"{100 * found.coverage:.1f} %", good, sure),
        ("to review", f"{found.n_review:,}", f"{100 * (1 - found.coverage):.1f} %",
         f"{found.review_accuracy:.3f}", ""),
    )  # fmt: skip
    head = ("decision", "photos", "share", "accuracy", "interval")
    return Section(
        code="review",
        title="What may be used unseen?",
        tables=(SectionTable(caption="Accepted and reviewed", head=head, rows=rows),),
    )


def slices_section(report: EvaluationReport) -> Section | None:
    """Tell the scores of every part that was asked for."""
    tables = []
    for name, parts in report.slices.items():
        ordered = sorted(parts.items(), key=lambda pair: pair[1].accuracy)
        rows = tuple(
            (value, f"{one.accuracy:.3f}", between(one.accuracy_interval), f"{one.n:,}",
             f"{one.n_groups:,}", f"{one.macro_f1:.3f}")
            for value, one in ordered[:_MOST_SLICES]
        )  # fmt: skip
        head = (name, "accuracy", "interval", "photos", "groups", "macro F1")
        more = len(ordered) - len(rows)
        caption = f"By {name}" + (f", {more:,} better ones left out" if more else "")
        tables.append(SectionTable(caption=caption, head=head, rows=rows))
    if not tables:
        return None
    words = "The worst first; a part with few photos or groups may stand there by chance."
    return Section(
        code="slices", title="Where is it worse?", paragraphs=(words,), tables=tuple(tables)
    )


def mistakes_section(found: Sequence[Mistake], total: int) -> Section:
    """Tell the most confident mistakes."""
    if not found:
        return Section(code="mistakes", title="Its mistakes", paragraphs=("There are none.",))
    words = (
        f"The {len(found)} most confident of {counted(total, 'mistake')}. Where labels are wrong, "
        "their photos are mostly among these."
    )
    rows = tuple(
        (one.id, one.true, one.predicted, f"{100 * one.confidence:.0f} %") for one in found
    )
    head = ("photo", "labelled", "predicted", "confidence")
    table = SectionTable(caption="The most confident mistakes", head=head, rows=rows, n_text=3)
    return Section(code="mistakes", title="Its mistakes", paragraphs=(words,), tables=(table,))


def limits_section(report: EvaluationReport) -> Section:
    """Tell what these numbers cannot say."""
    always = (
        "The scores hold for photos like these: other stores, cameras, seasons and products that "
        "are in none of the classes are not covered."
    )
    found = (*_thin(report), *_doubtful(report), always)
    return Section(code="limits", title="What these numbers cannot say", paragraphs=found)


def _thin(report: EvaluationReport) -> list[str]:
    lines = []
    none = [name for name, scores in report.per_class.items() if not scores.support]
    few = [name for name, scores in report.per_class.items() if 0 < scores.support < 20]
    if none:
        lines.append(f"Not judged, for want of photos: {_named(none)}.")
    if few:
        lines.append(f"Judged on fewer than 20 photos: {_named(few)}.")
    low, high = report.intervals.accuracy
    if high - low > 0.1:
        lines.append(
            f"The accuracy is known no better than {low:.2f} to {high:.2f}; more photos, from more "
            "places, would narrow it."
        )
    return lines


def _doubtful(report: EvaluationReport) -> list[str]:
    lines = []
    if report.leakage is None:
        lines.append("Whether these photos were trained on is not known.")
    elif not report.leakage.ok:
        lines.append("Some of these photos were trained on, so the scores are too good.")
    if report.failed:
        lines.append(f"{counted(len(report.failed), 'photo')} could not be read and not be judged.")
    if report.n_groups == report.n:
        lines.append(
            "Every photo counts as taken on its own; if they come in bursts, the intervals are too "
            "narrow."
        )
    return lines


def _named(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
