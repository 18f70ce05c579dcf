"""The sections of a report about scores."""

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

# The maximum number of values of a column; the worst are shown.
_MOST_SLICES = 30
_PAIRS = 15


def report_heading(report: EvaluationReport, title: str) -> str:
    """Return the title, or a default with the number of classes."""
    return title or f"Evaluation of a classifier of {counted(len(report.class_names), 'class')}"


def summary_section(report: EvaluationReport) -> Section:
    """Return the scores with their confidence intervals, and the baselines."""
    sure, nearest = report.intervals, report.nearest_baseline
    rows = [
        ("accuracy", f"{report.accuracy:.3f}", between(sure.accuracy)),
        ("macro F1", f"{report.macro_f1:.3f}", between(sure.macro_f1)),
    ]
    tops = [(k, share) for k, share in top_k(report).items() if k != "1"]
    rows += [(f"top-{k} accuracy", f"{share:.3f}", "") for k, share in tops]
    rows.append(
        (f"baseline: always {short_name(report.majority_class)!r}", f"{report.baseline:.3f}", "")
    )
    if nearest is not None:
        rows.append(("baseline: nearest training photo", f"{nearest:.3f}", ""))
    rows.append(("expected calibration error", f"{report.calibration_error:.3f}", ""))
    level = f"{100 * sure.confidence_level:g} %"
    words = (
        f"Evaluated on {counted(report.n, 'photo')}{_grouped(report)}. {level} confidence "
        f"intervals come from a cluster bootstrap: whole groups of photos are resampled "
        f"{sure.resamples:,} times."
    )
    table = SectionTable(
        caption="Scores", head=("score", "value", f"{level} interval"), rows=tuple(rows)
    )
    return Section(code="scores", title="Scores", paragraphs=(words,), tables=(table,))


def _grouped(report: EvaluationReport) -> str:
    return "" if report.n_groups == report.n else f" in {counted(report.n_groups, 'group')}"


def worst_first(report: EvaluationReport) -> list[tuple[str, ClassScores]]:
    """Return the classes, the lowest F1 first, those without photos last."""
    return sorted(report.per_class.items(), key=lambda pair: (not pair[1].support, pair[1].f1))


def classes_section(report: EvaluationReport) -> Section:
    """Return the scores of every class."""
    rows = []
    for name, scores in worst_first(report):
        sure = report.intervals.per_class[name]
        precision, recall, f1, support = class_cells(scores)
        rows.append(
            (
                name,
                support,
                precision,
                _or_dash(sure.precision, shown=scores.predicted > 0),
                recall,
                _or_dash(sure.recall, shown=scores.support > 0),
                f1,
                _or_dash(sure.f1, shown=scores.support > 0),
            )
        )
    head = ("class", "photos", "precision", "interval", "recall", "interval", "F1", "interval")
    words = (
        "The worst first. Precision: the share of correct predictions among photos predicted as "
        "the class. Recall: the share of correct predictions among photos of the class. F1 is "
        "their harmonic mean. A dash: no photo was predicted as the class, or none is of it."
    )
    return Section(
        code="classes",
        title="Scores of each class",
        paragraphs=(words,),
        tables=(SectionTable(caption="Scores of every class", head=head, rows=tuple(rows)),),
    )


def _or_dash(interval: Interval, *, shown: bool) -> str:
    return between(interval) if shown else "-"


def calibration_section(report: EvaluationReport) -> Section:
    """Return the expected calibration error and the bins of the reliability diagram."""
    rows = tuple(
        (
            f"{part.low:.2f} to {part.high:.2f}",
            f"{part.n:,}",
            f"{part.confidence:.3f}",
            f"{part.accuracy:.3f}",
        )
        for part in report.reliability
    )
    mean = sum(part.n * (part.confidence - part.accuracy) for part in report.reliability) / report.n
    side = "too high" if mean > 0 else "too low"
    words = (
        f"The expected calibration error (ECE) is {report.calibration_error:.3f}: the mean gap "
        f"between confidence and accuracy over {counted(len(rows), 'range')} of confidence. Over "
        f"all photos, confidence is {abs(mean):.3f} {side}. With a few hundred photos, an ECE of "
        "some hundredths may be chance."
    )
    head = ("confidence", "photos", "mean confidence", "accuracy")
    table = SectionTable(caption="Confidence and accuracy", head=head, rows=rows)
    return Section(
        code="calibration",
        title="Calibration",
        paragraphs=(words,),
        tables=(table,),
    )


def confusion_section(report: EvaluationReport) -> Section:
    """Return the pairs of classes that were confused most often."""
    pairs = report.most_confused(_PAIRS)
    if not pairs:
        return Section(
            code="confusion", title="Confusion", paragraphs=("Every prediction is correct.",)
        )
    rows = tuple(
        (pair.true, pair.predicted, f"{pair.count:,}", f"{100 * pair.share:.0f} %")
        for pair in pairs
    )
    head = ("true class", "predicted as", "photos", "share")
    table = SectionTable(caption="The most confused pairs", head=head, rows=rows, n_text=2)
    return Section(code="confusion", title="Confusion", tables=(table,))


def review_section(report: EvaluationReport) -> Section | None:
    """Return coverage and accuracy of accepted and of reviewed photos."""
    found = report.review
    if found is None:
        return None
    good = "-" if found.accuracy is None else f"{found.accuracy:.3f}"
    sure = "" if found.accuracy_interval is None else between(found.accuracy_interval)
    rows = (
        ("accepted", f"{found.n_accepted:,}", f"{100 * found.coverage:.1f} %", good, sure),
        (
            "to review",
            f"{found.n_review:,}",
            f"{100 * (1 - found.coverage):.1f} %",
            f"{found.review_accuracy:.3f}",
            "",
        ),
    )
    head = ("decision", "photos", "share", "accuracy", "interval")
    return Section(
        code="review",
        title="Accepted photos and review",
        tables=(SectionTable(caption="Accepted and reviewed", head=head, rows=rows),),
    )


def unknown_section(report: EvaluationReport) -> Section | None:
    """Return how often photos of each unknown class are sent to review."""
    found = report.unknown
    if found is None:
        return None
    words = (
        f"{counted(found.n, 'photo')} of classes that the classifier does not know: "
        f"{100 * found.rejected:.1f} % are sent to review ({between(found.rejected_interval)}), "
        f"and {100 * found.known_rejected:.1f} % of the photos of known classes. The area under "
        f"the ROC curve of the confidence is {found.auroc:.3f}."
    )
    rows = tuple(
        (name, f"{100 * share:.1f} %")
        for name, share in sorted(found.per_class.items(), key=lambda pair: pair[1])
    )
    table = SectionTable(
        caption="Photos of unknown classes sent to review", head=("class", "share"), rows=rows
    )
    return Section(
        code="unknown", title="Photos of unknown classes", paragraphs=(words,), tables=(table,)
    )


def slices_section(report: EvaluationReport) -> Section | None:
    """Return the scores of every slice."""
    tables = []
    for name, parts in report.slices.items():
        ordered = sorted(parts.items(), key=lambda pair: pair[1].accuracy)
        rows = tuple(
            (
                value,
                f"{one.accuracy:.3f}",
                between(one.accuracy_interval),
                f"{one.n:,}",
                f"{one.n_groups:,}",
                f"{one.macro_f1:.3f}",
            )
            for value, one in ordered[:_MOST_SLICES]
        )
        head = (name, "accuracy", "interval", "photos", "groups", "macro F1")
        more = len(ordered) - len(rows)
        caption = f"By {name}" + (f", {more:,} better ones left out" if more else "")
        tables.append(SectionTable(caption=caption, head=head, rows=rows))
    if not tables:
        return None
    words = "The worst first. With few photos or groups, a low score may be chance."
    return Section(
        code="slices", title="Scores of slices", paragraphs=(words,), tables=tuple(tables)
    )


def mistakes_section(found: Sequence[Mistake], total: int) -> Section:
    """Return the most confident mistakes."""
    if not found:
        return Section(
            code="mistakes", title="Mistakes", paragraphs=("Every prediction is correct.",)
        )
    words = (
        f"The {len(found)} most confident of {counted(total, 'mistake')}. Photos with wrong labels "
        "are mostly among these."
    )
    rows = tuple(
        (one.id, one.true, one.predicted, f"{100 * one.confidence:.0f} %") for one in found
    )
    head = ("photo", "labelled", "predicted", "confidence")
    table = SectionTable(caption="The most confident mistakes", head=head, rows=rows, n_text=3)
    return Section(code="mistakes", title="Mistakes", paragraphs=(words,), tables=(table,))


def limits_section(report: EvaluationReport) -> Section:
    """Return the limitations of the scores."""
    always = (
        "The scores apply to photos like these. They do not cover other stores, cameras and "
        "seasons, or products of unknown classes."
    )
    found = (*_thin(report), *_doubtful(report), always)
    return Section(code="limits", title="Limitations", paragraphs=found)


def _thin(report: EvaluationReport) -> list[str]:
    lines = []
    none = [name for name, scores in report.per_class.items() if not scores.support]
    few = [name for name, scores in report.per_class.items() if 0 < scores.support < 20]
    if none:
        lines.append(f"Not evaluated, because photos are missing: {_named(none)}.")
    if few:
        lines.append(f"Evaluated on fewer than 20 photos: {_named(few)}.")
    low, high = report.intervals.accuracy
    if high - low > 0.1:
        lines.append(
            f"The confidence interval of the accuracy is wide: {low:.2f} to {high:.2f}. More "
            "photos from more places make it narrower."
        )
    return lines


def _doubtful(report: EvaluationReport) -> list[str]:
    lines = []
    if report.leakage is None:
        lines.append("Data leakage was not checked: these photos may be in the training set.")
    elif not report.leakage.ok:
        lines.append("Some of these photos are in the training set, so the scores are too high.")
    if report.failed:
        lines.append(f"{counted(len(report.failed), 'photo')} could not be read.")
    if report.n_groups == report.n:
        lines.append(
            "Photos count as independent. If they come in bursts, the confidence intervals are too "
            "narrow."
        )
    return lines


def _named(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
