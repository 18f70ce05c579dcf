"""Pictures: what they show, where they are drawn, and what they leave alone."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import shelfvision as shv
from shelfvision import plot
from shelfvision._text import printable
from shelfvision.errors import InvalidParameterError
from support import refuses

CURVES: Mapping[str, Sequence[float]] = {
    "loss": [0.6, 0.4, 0.3],
    "val_loss": [0.7, 0.5, 0.55],
    "accuracy": [0.3, 0.6, 0.8],
    "val_accuracy": [0.2, 0.5, 0.4],
}
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8)


def titles(axes: npt.NDArray[np.object_]) -> list[str]:
    return [panel.get_title() for panel in axes.ravel()]


def drawn(figure: object) -> None:
    """Draw a figure for real, which finds what only drawing would."""
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO())


def test_history_draws_both_curves_of_loss_and_accuracy_from_epoch_1() -> None:
    panels = plot.history(CURVES)

    assert [panel.get_ylabel() for panel in panels] == ["loss", "accuracy"]
    for panel, metric in zip(panels, ("loss", "accuracy"), strict=True):
        lines = {line.get_label(): line for line in panel.get_lines()}
        assert list(lines) == ["training", "validation"]
        assert list(lines["training"].get_xdata()) == [1, 2, 3]
        assert list(lines["training"].get_ydata()) == CURVES[metric]
        assert list(lines["validation"].get_ydata()) == CURVES[f"val_{metric}"]
        assert lines["training"].get_linestyle() != lines["validation"].get_linestyle()


def test_history_marks_the_best_epoch() -> None:
    for panel in plot.history(CURVES, best_epoch=2):
        (mark,) = [line for line in panel.get_lines() if line.get_label() == "best epoch: 2"]
        assert set(mark.get_xdata()) == {2}


def test_history_takes_a_training_result_with_its_own_best_epoch() -> None:
    panels = plot.history(SimpleNamespace(history=CURVES, best_epoch=3))

    assert "best epoch: 3" in [line.get_label() for line in panels[0].get_lines()]


def test_history_without_validation_or_accuracy_draws_what_is_there() -> None:
    panels = plot.history({"loss": [0.5], "lr": [0.1]})

    assert len(panels) == 1
    assert [line.get_label() for line in panels[0].get_lines()] == ["training"]
    drawn(panels[0].figure)


def test_history_refuses_what_has_no_epochs_and_epochs_that_were_not() -> None:
    with refuses(InvalidParameterError, "empty", "history"):
        plot.history({"loss": []})
    for best in (0, 4):
        with refuses(InvalidParameterError, "not-in-range", "best_epoch"):
            plot.history(CURVES, best_epoch=best)


def test_confusion_matrix_writes_every_count_in_its_cell() -> None:
    axes = plot.confusion_matrix([[8, 2], [1, 9]], ["juice", "milk"])
    cells = {text.get_position(): text.get_text() for text in axes.texts}

    assert cells == {(0, 0): "8", (1, 0): "2", (0, 1): "1", (1, 1): "9"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["juice", "milk"]


@pytest.mark.parametrize(
    ("normalize", "first_row"),
    [("true", ["0.80", "0.20"]), ("pred", ["0.89", "0.18"]), ("all", ["0.40", "0.10"])],
)
def test_confusion_matrix_writes_shares_of_what_is_asked(
    normalize: str, first_row: list[str]
) -> None:
    axes = plot.confusion_matrix([[8, 2], [1, 9]], normalize=normalize)

    assert [text.get_text() for text in axes.texts][:2] == first_row


def test_confusion_matrix_of_very_many_classes_stays_a_small_picture() -> None:
    axes = plot.confusion_matrix(np.eye(500, dtype=int), [f"product {row}" for row in range(500)])
    figure = axes.get_figure(root=True)
    assert figure is not None
    assert max(figure.get_size_inches()) <= 9
    assert not axes.texts
    assert "product" not in "".join(label.get_text() for label in axes.get_xticklabels())


def test_confusion_matrix_takes_a_report_and_a_class_without_photos() -> None:
    report = SimpleNamespace(confusion=np.array([[3, 1], [0, 0]]), class_names=("a", "b"))
    axes = plot.confusion_matrix(report, normalize="true")

    assert [text.get_text() for text in axes.texts] == ["0.75", "0.25", "0.00", "0.00"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


def test_names_are_shown_as_they_are_even_with_signs_of_mathematics() -> None:
    axes = plot.confusion_matrix([[1, 0], [0, 1]], ["$5_off$", r"\frac{"])

    drawn(axes.figure)
    assert axes.get_yticklabels()[0].get_text() == "$5_off$"
    assert not axes.get_yticklabels()[0].get_parse_math()


def test_thirty_long_names_stand_apart_from_each_other() -> None:
    names = [f"Product {number:02d} of some brand" for number in range(30)]
    axes = plot.confusion_matrix(np.eye(30, dtype=int) * 40, names)
    drawn(axes.figure)

    for labels, along in ((axes.get_yticklabels(), "y"), (axes.get_xticklabels(), "x")):
        boxes = [label.get_window_extent() for label in labels]
        ends = sorted((getattr(box, f"{along}0"), getattr(box, f"{along}1")) for box in boxes)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ends))
        assert [label.get_text() for label in labels] == names


@pytest.mark.parametrize(
    ("matrix", "names", "code", "parameter"),
    [
        ([[1, 2]], None, "wrong-shape", "matrix_or_report"),
        ([1, 2], None, "wrong-shape", "matrix_or_report"),
        ([[0.5, 0.5], [0, 1]], None, "wrong-type", "matrix_or_report"),
        ([[1, -1], [0, 1]], None, "wrong-type", "matrix_or_report"),
        ([[1, 0], [0, 1]], ["a"], "wrong-length", "class_names"),
    ],
)
def test_confusion_matrix_refuses_what_is_not_one(
    matrix: list[list[float]], names: list[str] | None, code: str, parameter: str
) -> None:
    with refuses(InvalidParameterError, code, parameter):
        plot.confusion_matrix(matrix, names)
    assert plt.get_fignums() == []


def test_confusion_matrix_refuses_an_unknown_normalization() -> None:
    with refuses(InvalidParameterError, "not-an-option", "normalize"):
        plot.confusion_matrix([[1]], normalize="rows")


def test_predictions_name_the_truth_only_where_it_differs() -> None:
    axes = plot.predictions(PHOTOS[:2], ["Can", "Jar"], [0.914, 0.5], ["Can", "Can"])

    assert titles(axes) == ["Can 91 %\n", "Jar 50 %\ntrue: Can"]


def test_mistakes_differ_in_more_than_colour() -> None:
    right, wrong = plot.predictions(PHOTOS[:2], ["Can", "Jar"], [0.9, 0.5], ["Can", "Can"])

    assert [line.get_marker() for line in wrong.get_lines()] == ["X"]
    assert right.get_lines() == []
    assert wrong.spines["left"].get_linewidth() > right.spines["left"].get_linewidth()


def test_predictions_without_truth_mark_nothing() -> None:
    axes = plot.predictions(list(PHOTOS), ["Can"] * 5, [0.9] * 5, n_columns=3)

    assert axes.shape == (5,)
    assert titles(axes) == ["Can 90 %"] * 5
    assert len(axes[0].figure.axes) == 6  # two rows of three, the last one switched off
    assert not axes[0].figure.axes[5].axison


def test_a_photo_that_could_not_be_read_says_so() -> None:
    axes = plot.predictions(PHOTOS[:1], [None], [np.nan], ["Can"])

    assert titles(axes) == ["not readable\ntrue: Can"]
    drawn(axes[0].figure)


def test_predictions_refuse_columns_of_different_length() -> None:
    with refuses(InvalidParameterError, "wrong-length", "confidences"):
        plot.predictions(PHOTOS[:2], ["a", "b"], [0.1])
    with refuses(InvalidParameterError, "empty"):
        plot.predictions(PHOTOS[:0], [], [])


def test_augmentations_stand_in_a_row_beside_their_original() -> None:
    copies = np.stack([PHOTOS[:2, ::-1], 255 - PHOTOS[:2], PHOTOS[:2]], axis=1)
    axes = plot.augmentations(PHOTOS[:2], copies)

    assert axes.shape == (2, 4)
    assert titles(axes[0]) == ["original", "copy 1", "copy 2", "copy 3"]
    assert np.array_equal(axes[1, 0].images[0].get_array(), PHOTOS[1])
    assert np.array_equal(axes[1, 2].images[0].get_array(), copies[1, 1])


def test_augmentations_refuse_arrays_that_do_not_fit() -> None:
    with refuses(InvalidParameterError, "wrong-shape", "copies"):
        plot.augmentations(PHOTOS, PHOTOS)


def test_class_balance_draws_a_bar_for_every_class_before_and_after() -> None:
    axes = plot.class_balance({"juice": 30, "milk": 10}, {"juice": 30, "milk": 28})
    before, after = axes.containers

    assert [bar.get_width() for bar in before] == [30, 10]
    assert [bar.get_width() for bar in after] == [30, 28]
    assert [text.get_text() for text in axes.texts] == ["30", "10", "30", "28"]
    assert after[0].get_hatch() != before[0].get_hatch()


def test_class_balance_knows_classes_that_only_one_side_has() -> None:
    axes = plot.class_balance({"juice": 3}, {"milk": 2})

    assert [label.get_text() for label in axes.get_yticklabels()] == ["juice", "milk"]
    assert [bar.get_width() for bar in axes.containers[1]] == [0, 2]


def test_class_balance_refuses_nothing_at_all() -> None:
    with refuses(InvalidParameterError, "empty", "class_names"):
        plot.class_balance({})


def test_given_axes_are_drawn_on_and_no_figure_is_made() -> None:
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)

    assert plot.confusion_matrix([[1]], ax=left) is left
    assert plot.class_balance({"a": 1}, ax=right) is right
    assert plt.get_fignums() == []
    drawn(figure)


def test_several_panels_take_the_place_of_one_axes() -> None:
    figure = Figure(layout="constrained")
    place, other = figure.subplots(1, 2)
    panels = plot.history(CURVES, ax=place)
    drawn(figure)

    assert all(panel.figure is figure for panel in panels)
    assert not place.axison
    assert panels[-1].get_position().x1 < other.get_position().x0


def test_several_panels_take_as_many_given_axes() -> None:
    grid = Figure().subplots(2, 3)

    assert plot.history(CURVES, ax=list(grid[0, :2])).tolist() == grid[0, :2].tolist()
    assert plot.predictions(PHOTOS, ["a"] * 5, [1.0] * 5, ax=grid).shape == (5,)
    with refuses(InvalidParameterError, "wrong-length", "ax"):
        plot.history(CURVES, ax=[grid[0, 0]])


def test_an_axes_without_a_place_in_a_grid_cannot_hold_several_panels() -> None:
    loose = Figure().add_axes((0, 0, 1, 1))

    with refuses(InvalidParameterError, "no-place", "ax"):
        plot.history(CURVES, ax=loose)


def test_nothing_global_is_changed_but_pyplots_list_of_figures() -> None:
    settings = dict(mpl.rcParams)
    shown = plot.history(CURVES)[0]
    plot.confusion_matrix([[1]])

    assert dict(mpl.rcParams) == settings
    assert isinstance(shown, Axes)
    assert len(plt.get_fignums()) == 2


def test_pyplot_stays_out_of_it_when_axes_are_given() -> None:
    code = (
        "import sys\n"
        "from matplotlib.figure import Figure\n"
        "from shelfvision import plot\n"
        "plot.history({'loss': [1.0], 'accuracy': [0.5]}, ax=Figure().subplots(1, 2))\n"
        "plot.class_balance({'a': 1}, ax=Figure().subplots())\n"
        "plot.confusion_matrix([[1]], ax=Figure().subplots())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_plot_does_not_import_matplotlib() -> None:
    code = "import sys, shelfvision.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_loss_below_zero_is_shown_the_right_way_up() -> None:
    low, high = plot.history({"loss": [-1.0, -2.0]}, best_epoch=1)[0].get_ylim()
    assert low < -2.0 < -1.0 < high


def test_losses_that_are_no_numbers_leave_gaps() -> None:
    panel = plot.history({"loss": [1.0, float("nan"), float("inf")]})[0]
    panel.figure.canvas.draw()
    assert panel.get_ylim()[0] == 0


@pytest.mark.parametrize("given", [None, [1, 2], 3])
def test_what_is_no_mapping_is_refused(given: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "history"):
        plot.history(given)  # type: ignore[arg-type]  # wrong on purpose
    with refuses(InvalidParameterError, "wrong-type", "before"):
        plot.class_balance(given)  # type: ignore[arg-type]  # wrong on purpose


def test_a_confusion_matrix_of_uneven_rows_is_refused() -> None:
    with refuses(InvalidParameterError, "wrong-shape", "matrix_or_report"):
        plot.confusion_matrix([[1], [1, 2]])


@pytest.mark.parametrize("images", ["ab", [(PHOTOS[0], 0), (PHOTOS[1], 1)]])
def test_what_is_no_photo_is_refused_with_the_way_from_a_dataset(images: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "images"):
        plot.predictions(images, ["can", "jar"], [0.9, 0.8])  # type: ignore[arg-type]  # wrong on purpose
    assert not plt.get_fignums()


def a_bin(low: float, n: int, confidence: float, accuracy: float) -> SimpleNamespace:
    return SimpleNamespace(low=low, high=low + 0.1, n=n, confidence=confidence, accuracy=accuracy)


BINS = [a_bin(0.5, 4, 0.53, 0.25), a_bin(0.9, 1200, 0.97, 0.9)]


def test_reliability_draws_a_bar_for_every_range_with_its_photos() -> None:
    axes = plot.reliability(BINS)

    bars = [
        (bar.get_x(), bar.get_width(), bar.get_height())
        for bar in axes.patches
        if isinstance(bar, Rectangle)
    ]
    assert np.array(bars) == pytest.approx(np.array([[0.5, 0.1, 0.25], [0.9, 0.1, 0.9]]))
    assert [text.get_text() for text in axes.texts] == ["4", "1,200"]
    dots, diagonal = axes.get_lines()
    assert np.asarray(dots.get_xydata()).tolist() == [[0.53, 0.25], [0.97, 0.9]]
    assert np.asarray(diagonal.get_xydata()).tolist() == [[0, 0], [1, 1]]
    drawn(axes.figure)


def test_reliability_takes_a_report_and_an_axes() -> None:
    _, ax = plt.subplots()

    assert plot.reliability(SimpleNamespace(reliability=BINS), ax=ax) is ax
    with refuses(InvalidParameterError, "empty", "report_or_bins"):
        plot.reliability([])


@pytest.mark.remedy("wrong-type")
def test_shares_of_a_confusion_matrix_are_made_by_normalize() -> None:
    with refuses(InvalidParameterError, "wrong-type", "matrix_or_report"):
        plot.confusion_matrix([[0.75, 0.25], [0.0, 1.0]])
    assert plot.confusion_matrix([[3, 1], [0, 4]], normalize="true").texts[0].get_text() == "0.75"


@pytest.mark.remedy("wrong-type")
def test_photos_of_a_dataset_are_drawn_as_arrays() -> None:
    dataset = shv.samples.render_products(1, image_size=(20, 20))
    names = list(dataset.class_names)
    with refuses(InvalidParameterError, "wrong-type", "images"):
        plot.predictions(dataset, names, [0.5] * len(names))  # type: ignore[arg-type]  # wrong on purpose
    assert len(plot.predictions(dataset.to_arrays()[0], names, [0.5] * len(names))) == len(names)


@pytest.mark.remedy("wrong-shape")
def test_heat_maps_that_are_missing_are_made_by_explain() -> None:
    photos = shv.samples.render_products(1, image_size=(32, 32))
    images = photos.to_arrays()[0]
    with refuses(InvalidParameterError, "wrong-shape", "maps"):
        plot.heat_maps(images)
    model = shv.build_model(len(photos.class_names), architecture="shelf_cnn", image_size=(32, 32))
    classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
    assert len(plot.heat_maps(shv.explain(classifier, images))) == len(images)


HOSTILE = ["5$ $bag$", r"$\frac{1}{0}$", "a\nb", "tea\u202e\x1b[31m", "$" * 99, r"\$x\$"]


def shown_texts(axes: Axes) -> list[tuple[str, bool]]:
    """Return every text of a chart, and whether markup in it has an effect."""
    texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title, *axes.texts]
    return [(text.get_text(), text.get_parse_math()) for text in texts]


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_and_control_characters_in_names_have_no_effect(name: str) -> None:
    drawn_axes = [
        plot.confusion_matrix([[1, 0], [0, 1]], [name, "milk"]),
        plot.class_balance({name: 3, "milk": 2}, {name: 3, "milk": 3}),
        plot.predictions(PHOTOS[:1], [name], [0.5], ["milk"])[0],
        plot.heat_maps(PHOTOS[:1], np.zeros(PHOTOS[:1].shape[:3]), [name])[0, 1],
    ]
    expected = printable(name)
    for axes in drawn_axes:
        drawn(axes.figure)
        found = [(text, math) for text, math in shown_texts(axes) if text[:1] == expected[:1]]
        assert found
        for text, math in found:
            assert not math
            assert all(one.isprintable() for one in text.split("\n"))
            assert len(expected) > 20 or expected in text


def test_names_of_one_class_in_two_spellings_keep_their_counts() -> None:
    axes = plot.class_balance({"Milk ": 3, "tea": 2})
    assert [text.get_text() for text in axes.texts] == ["3", "2"]


def test_a_contact_sheet_has_rows_of_different_length_and_gaps_for_lost_photos() -> None:
    grid = plot.contact_sheet([[PHOTOS[0], None], [PHOTOS[1]]], [["a", "b\nc"], ["$d\x1b$"]])
    assert titles(grid) == ["a", "b\nc", "$d\\x1b$", ""]
    assert not grid[1, 0].title.get_parse_math()
    assert grid[0, 1].texts[0].get_text() == "cannot be read"
    assert [panel.axison for panel in grid.ravel()] == [True, True, True, False]


@pytest.mark.parametrize("titles_given", [[["a"]], [["a"], ["b"], ["c"]], [[], ["a", "b", "c"]]])
def test_a_contact_sheet_refuses_titles_that_do_not_fit(titles_given: list[list[str]]) -> None:
    with refuses(InvalidParameterError, "wrong-length", "titles"):
        plot.contact_sheet([list(PHOTOS[:2]), list(PHOTOS[2:3])], titles_given)


def test_a_chart_as_svg_is_the_same_every_time_and_leaves_pyplot_alone() -> None:
    plt.close("all")
    settings = dict(mpl.rcParams)
    first, again = (plot.as_svg(lambda: plot.class_balance({"Milk": 3})) for _ in range(2))
    assert first == again
    assert b"<svg" in first
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == settings


def test_an_svg_needs_axes_of_a_figure() -> None:
    loose = Figure().subplots()
    loose.remove()
    with refuses(InvalidParameterError, "wrong-type", "chart"):
        plot.as_svg(lambda: loose)
    with refuses(InvalidParameterError, "wrong-type", "chart"):
        plot.as_svg(None)  # type: ignore[arg-type]  # wrong on purpose
