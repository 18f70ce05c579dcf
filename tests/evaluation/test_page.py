"""The report as a page and as a model card: complete, valid, escaped, and alone."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision.errors import InvalidParameterError
from support import refuses
from support.answers import Says

NASTY = 'Can <script>alert("1")</script> & | *b*'
VOID = {"meta", "img", "br", "rect", "circle", "line"}


class Page(HTMLParser):
    """Reads a page, and fails where an element is not closed or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def photos(self) -> list[bytes]:
        """Return the files of its photos; charts are drawings."""
        found = [value.partition(",") for value in self.values("src")]
        return [base64.b64decode(data) for kind, _, data in found if "jpeg" in kind]

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture(scope="module")
def splits() -> shv.Splits:
    photos = shv.samples.render_products({"Can": 24, "Jar": 20, "Box": 16}, image_size=(88, 88))
    photos = photos.relabel({"Can": NASTY, "Jar": "<i>Jar</i>"})
    return shv.SeededSplitter(train=0.4, validation=0.1, test=0.5, seed=2).split(photos)


@pytest.fixture(scope="module")
def report(splits: shv.Splits) -> shv.EvaluationReport:
    """Return a report of an untrained network, which is wrong often enough."""
    model = shv.build_model(3, image_size=(88, 88), seed=1)
    classifier = shv.Classifier.from_model(
        model,
        class_names=splits.train.class_names,
        provenance={"trainer": {"epochs": 3, "note": "<b>"}, "metrics": {"loss": 0.25}},
    )
    test = splits.test
    assert test is not None
    stores = np.array(["North & East", "<South>"])[np.arange(len(test)) % 2]
    return shv.evaluate(classifier, test, training=splits.train, slices={"store": stores})


@pytest.fixture(scope="module")
def text(
    report: shv.EvaluationReport, splits: shv.Splits, tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.save(path, audit=shv.audit(splits), intended_use="counting; <not> billing", examples=20)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def section_ids(page: Page) -> list[str]:
    return [value for tag, name, value in page.attributes if (tag, name) == ("section", "id")]


def test_the_page_tells_everything_in_the_order_in_which_one_asks(page: Page) -> None:
    assert section_ids(page) == [
        "scores", "subject", "classes", "confusion", "calibration", "slices", "mistakes",
        "leakage", "audit", "limits", "provenance",
    ]  # fmt: skip
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert links == [f"#{code}" for code in section_ids(page)]


def test_every_element_is_closed_and_every_id_is_used_once(page: Page) -> None:
    ids = page.values("id")

    assert len(ids) == len(set(ids))
    assert page.tags.count("h1") == page.tags.count("main") == 1


def test_nothing_runs_and_nothing_is_fetched(text: str, page: Page) -> None:
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert {value[:11] for value in page.values("src")} == {"data:image/"}
    assert not re.search(r"https?:|@import|url\(", text)
    assert "default-src 'none'" in text


def test_names_are_escaped_everywhere(text: str, page: Page, report: shv.EvaluationReport) -> None:
    assert "<script" not in text
    assert "<South>" not in text
    assert "<not>" not in text
    assert "<b>" not in re.sub(r"<b>[^<]*</b>", "", text)
    words = "".join(page.words)
    assert NASTY in words
    assert "<i>" not in text
    shown = report.top_mistakes(20)
    assert {NASTY, "<i>Jar</i>"} & {mistake.true for mistake in shown}
    assert "<South>" in words
    assert "counting; <not> billing" in words


def test_every_picture_is_described(page: Page) -> None:
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]

    assert len(alts) == page.tags.count("img") > 0
    assert all(alts)
    drawn = [tag for tag in page.tags if tag == "svg"]
    told = [
        n for tag, n, _ in page.attributes if tag == "svg" and n in ("aria-label", "aria-hidden")
    ]
    assert len(drawn) == len(told)


def test_tables_have_headings_and_can_be_reached_by_keyboard(page: Page) -> None:
    cells = [tag for tag, name, _ in page.attributes if name == "scope"]

    assert cells.count("th") == page.tags.count("th")
    regions = [value for tag, name, value in page.attributes if (tag, name) == ("div", "role")]
    assert len(regions) == page.tags.count("table")


def test_mistakes_are_shown_with_their_heat_maps(
    text: str, report: shv.EvaluationReport, page: Page
) -> None:
    sizes = {PillowImage.open(io.BytesIO(data)).size for data in page.photos()}

    shown = report.top_mistakes(20)
    assert len(page.photos()) == 2 * len(shown) > 8
    assert sizes == {(88, 88)}
    for mistake in shown:
        assert mistake.id in text
    assert "Grad-CAM" in text


def test_the_numbers_of_the_page_are_those_of_the_report(
    text: str, report: shv.EvaluationReport, page: Page
) -> None:
    words = " ".join(page.words)
    for number in (
        report.accuracy, report.macro_f1, report.baseline, report.calibration_error,
        *report.intervals.accuracy, *(scores.f1 for scores in report.per_class.values()),
    ):  # fmt: skip
        assert f"{number:.3f}" in words
    assert report.nearest_baseline is not None
    assert f"nearest neighbour: {report.nearest_baseline:.3f}" in words
    assert "trainer: epochs" in words
    assert "No photo is in both sets" in words


def test_the_page_stands_without_photos_and_without_anything_else() -> None:
    found = shv.Predictions([[0.9, 0.1], [0.2, 0.8]], ["can", "jar"], ["a", "b"])
    bare = shv.EvaluationReport(found, [0, 0])
    page = Page(_saved(bare))

    assert section_ids(page) == [
        "scores", "subject", "classes", "confusion", "calibration", "mistakes", "leakage", "limits"
    ]  # fmt: skip
    assert page.photos() == []
    assert "Not checked" in " ".join(page.words)


def test_a_class_that_was_never_predicted_has_no_precision_on_the_page_and_on_the_card() -> None:
    found = shv.Predictions(np.eye(3)[[0, 1, 1]], ["can", "jar", "tub"], ["a", "b", "c"])
    report = shv.EvaluationReport(found, [0, 1, 2])

    row = re.findall(r'<th scope="row">tub</th>.*?</tr>', _saved(report))[0]
    f1, precision, recall = re.findall(r'<td class="number">([-.0-9]+)', row)[1:]
    assert (f1, precision, recall) == ("0.000", "-", "0.000")
    line = next(line for line in report.model_card().splitlines() if line.startswith("| tub"))
    assert [cell.strip() for cell in line.strip("|").split("|")][2:4] == ["-", "-"]


def _saved(report: shv.EvaluationReport) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.html")
        report.save(path)
        return path.read_text(encoding="utf-8")


def test_a_report_without_mistakes_and_with_reviews_is_told() -> None:
    found = shv.Predictions(np.eye(2), ["can", "jar"], ["a", "b"], decisions=["accept", "review"])
    words = " ".join(Page(_saved(shv.EvaluationReport(found, [0, 1]))).words)

    assert words.count("Every prediction is correct.") == 2
    assert "Accepted photos and review" in words
    assert "50.0 %" in words


def test_many_classes_are_drawn_too() -> None:
    names = [f"class {number}" for number in range(40)]
    found = shv.Predictions(np.eye(40), names, names)
    true = np.arange(40)
    true[3] = 4
    page = Page(_saved(shv.EvaluationReport(found, true)))

    assert "Confusion matrix of 40 classes" in " ".join(page.values("alt"))


def test_charts_are_those_of_plot_and_the_same_every_time(
    report: shv.EvaluationReport, page: Page
) -> None:
    drawn = [value.partition(",")[2] for value in page.values("src") if "svg" in value[:20]]
    charts = [
        shv.plot.as_svg(lambda: shv.plot.confusion_matrix(report)),
        shv.plot.as_svg(lambda: shv.plot.reliability(report)),
    ]
    assert [base64.b64decode(data) for data in drawn] == charts


def test_without_matplotlib_the_page_says_how_to_get_its_charts(
    report: shv.EvaluationReport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report.save(tmp_path / "report.html", examples=0)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert "img" not in page.tags
    assert "shelfvision[plot]" in " ".join(page.words)


def test_a_photo_that_is_gone_leaves_a_gap(tmp_path: Path) -> None:
    folder = shv.samples.write_products(tmp_path / "photos", {"Can": 3, "Jar": 3})
    photos = shv.Dataset.from_directory(folder)
    report = shv.evaluate(Says([0] * len(photos), ("Can", "Jar")), photos)
    (folder / "Jar" / "0001.jpg").unlink()
    report.save(tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert page.words.count("cannot be read") == 1
    assert len(page.photos()) == 2


def test_a_model_without_maps_has_its_mistakes_without_heat(tmp_path: Path) -> None:
    import keras

    image = keras.Input((8, 8, 3))
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, dense(keras.layers.Flatten()(image)))
    classifier = shv.Classifier.from_model(model, class_names=["can", "jar"])
    photos = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    said = list(classifier.predict(photos).labels)
    wrong = [1 if name == "can" else 0 for name in said]
    data = shv.Dataset.from_arrays(photos, wrong, class_names=["can", "jar"])
    shv.evaluate(classifier, data).save(tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert len(page.photos()) == 6
    assert any("The heat maps are missing: " in words for words in page.words)


@pytest.mark.remedy("not-an-option")
def test_other_endings_are_refused(report: shv.EvaluationReport, tmp_path: Path) -> None:
    with refuses(InvalidParameterError, "not-an-option", "path"):
        report.save(tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []
    report.save(tmp_path / "report.html")
    report.save(tmp_path / "card.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "report.html"]
    assert report.to_dict()["n"] == report.n


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(card: str) -> Iterator[list[list[str]]]:
    for block in card.split("\n\n"):
        if block.startswith("|"):
            yield [cells(line) for line in block.splitlines()]


def test_the_card_has_the_same_facts(
    report: shv.EvaluationReport, splits: shv.Splits, tmp_path: Path
) -> None:
    report.save(tmp_path / "card.md", audit=shv.audit(splits), intended_use="counting")
    card = (tmp_path / "card.md").read_text(encoding="utf-8")

    assert card == report.model_card(audit=shv.audit(splits), intended_use="counting")
    assert card.startswith("# Evaluation of a classifier of 3 classes")
    assert card.count("\n## ") == 11
    for number in (report.accuracy, report.macro_f1, *report.intervals.macro_f1):
        assert f"{number:.3f}" in card


def test_every_row_of_the_cards_tables_has_as_many_cells_as_its_head(
    report: shv.EvaluationReport,
) -> None:
    found = list(tables(report.model_card()))

    assert len(found) >= 6
    for table in found:
        assert len({len(row) for row in table}) == 1
        assert all(re.fullmatch(r"---:?", rule) for rule in table[1])


def test_names_cannot_break_the_card(report: shv.EvaluationReport) -> None:
    card = report.model_card(title="a\n# b")

    assert "<script>" not in card.replace(r"\<script\>", "")
    assert r"\| \*b\*" in card
    assert card.splitlines()[0] == r"# a\\n\# b"


def test_the_facts_fit_json(report: shv.EvaluationReport) -> None:
    plain = report.to_dict()

    assert json.loads(json.dumps(plain)) == plain
    assert plain["model"] is not None
    assert plain["model"]["kind"] == "grocery_cnn"
    assert plain["leakage"] is not None
    assert plain["leakage"]["groups"] == 0
