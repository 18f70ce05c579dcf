"""Trainers and results in a notebook, and a history as a table."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import shelfvision as shv
from shelfvision.data import Dataset
from shelfvision.training import TrainingResult
from shelfvision.training.display._html import result_view


class Tags(HTMLParser):
    """Collects the tags and the text of a page; wrong nesting fails."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


def html_of(value: object) -> str:
    page = value._repr_html_()  # type: ignore[attr-defined]  # what notebooks call
    assert isinstance(page, str)
    return page


def test_a_trainer_shows_what_was_chosen_and_folds_the_rest_away() -> None:
    tags = read(html_of(shv.Trainer(epochs=7, monitor="<script>alert(1)</script>")))
    chosen, _, rest = tags.text.partition("default settings")
    assert "epochs" in chosen
    assert "batch_size" not in chosen
    assert "batch_size" in rest
    assert "details" in tags.seen
    assert "script" not in tags.seen


def test_a_trainer_as_it_comes_says_so() -> None:
    assert "every setting is the default" in read(html_of(shv.Trainer())).text


@pytest.fixture(scope="module")
def result(make_model: object, train: Dataset, validation: Dataset) -> TrainingResult:
    """Return a run of three epochs."""
    model = make_model()  # type: ignore[operator]  # a fixture of the room
    return shv.Trainer(epochs=3, batch_size=16).fit(model, train, validation)


def test_a_result_shows_its_best_metrics_and_draws_its_losses(result: TrainingResult) -> None:
    tags = read(html_of(result))
    assert f"best epoch {result.best_epoch} by val_loss, stopped after epoch 3" in tags.text
    assert f"{result.best_metrics['val_accuracy']:.4g}" in tags.text
    assert tags.seen.count("polyline") == 2


def test_colours_are_the_pages_own() -> None:
    page = result_view("", {}, {"loss": [3, 2, 1], "val_loss": [3, 1, 2]}, best_epoch=2)
    assert "currentColor" in page
    assert "#" not in page


@pytest.mark.parametrize(
    "losses", [[1.0], [], [float("nan"), float("nan")], [2.0, 2.0], [1.0, float("inf"), 2.0]]
)
def test_odd_histories_are_shown_too(losses: list[float]) -> None:
    page = result_view("", {"loss": float("nan")}, {"loss": losses}, best_epoch=1)
    assert "nan," not in page
    assert "inf," not in page
    read(page)


def test_a_history_is_a_table_by_epoch(result: TrainingResult) -> None:
    frame = result.history_frame()
    assert list(frame.index) == [1, 2, 3]
    assert frame.index.name == "epoch"
    assert list(frame.columns) == list(result.history)
    assert frame.loc[2, "val_loss"] == result.history["val_loss"][1]
