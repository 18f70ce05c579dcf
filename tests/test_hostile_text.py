"""Names, ids, labels and paths from outside have no effect, wherever the library shows them.

One set of photos with hostile names goes through everything that prints or writes.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import logging
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._cli import main
from shelfvision.errors import ShelfVisionError, ShelfVisionWarning

NAMES = (
    '=HYPERLINK("http://evil.example","Milk")',
    "\x1b[2J\x1b]0;title\x07Juice",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "| `Tea` | [a](http://evil.example) ![b](c) # d",
    "\u202eeciuJ\u2066 \u200bMilk\ufeff",
    "+1;=1+1\n# Tea\r\n\tx",
    "@SUM(A1)\x9b31m\x85\u2028",
    '\'-2+3" onload="alert(1)',
)
COUNT = 6


def has_effect(text: str) -> list[str]:
    """Return the characters that move the cursor, reverse a line or are not seen."""
    directions = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return [
        repr(letter)
        for letter in text
        if (unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and letter != "\n")
        or unicodedata.bidirectional(letter) in directions
    ]


def ids_of(n: int) -> list[str]:
    """Return as many ids, each hostile and each another."""
    # The last character stands for a byte that is not UTF-8 in the name of a file.
    return [f"{NAMES[row % len(NAMES)]}{row}\udcff" for row in range(n)]


@pytest.fixture(scope="module")
def photos() -> shv.Dataset:
    rng = np.random.default_rng(0)
    n = COUNT * len(NAMES)
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    # One photo under two labels, for the audit to tell.
    images[COUNT] = images[0]
    labels = np.repeat(np.arange(len(NAMES)), COUNT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return shv.Dataset.from_arrays(
            images, labels, class_names=list(NAMES), ids=ids_of(n), groups=ids_of(n)
        )


@pytest.fixture(scope="module")
def classifier(photos: shv.Dataset) -> shv.Classifier:
    """Return a network without any training, which is wrong about most photos."""
    model = shv.build_model(
        len(photos.class_names), architecture="shelf_cnn", image_size=(32, 32), seed=1
    )
    bare = shv.Classifier.from_model(model, class_names=photos.class_names)
    return bare.with_validation(photos)


@pytest.fixture(scope="module")
def predictions(classifier: shv.Classifier, photos: shv.Dataset) -> shv.Predictions:
    return classifier.predict(photos)


@pytest.fixture(scope="module")
def splits(photos: shv.Dataset) -> shv.Splits:
    return shv.SeededSplitter(train=0.5, validation=0.2, test=0.3, seed=1).split(photos)


@pytest.fixture(scope="module")
def report(classifier: shv.Classifier, photos: shv.Dataset) -> shv.EvaluationReport:
    return shv.evaluate(classifier, photos, slices={NAMES[3]: ids_of(len(photos))}, resamples=100)


@pytest.fixture(scope="module")
def audit(photos: shv.Dataset) -> shv.AuditReport:
    return shv.audit(photos.select(class_names=photos.class_names))


@pytest.fixture(scope="module")
def inventory(classifier: shv.Classifier, predictions: shv.Predictions) -> shv.Inventory:
    return shv.take_inventory(classifier, predictions, by=lambda name: name[:12], draws=100)


def shown_in_terminals(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Yield what str and repr of everything public say."""
    give = request.getfixturevalue
    photos, splits, report = give("photos"), give("splits"), give("report")
    predictions, inventory, audit = give("predictions"), give("inventory"), give("audit")
    tree = shv.Taxonomy.from_mapping(dict.fromkeys(photos.class_names, "Drinks\x1b[2J"))
    boxes = shv.Boxes([[0, 0, 8, 8], [8, 8, 20, 20]])
    found = give("classifier").predict_regions(np.zeros((32, 32, 3), np.uint8), boxes)
    skipped = shv.data.SkippedFiles(
        shv.data.SkippedFile(path=name, reason=f"{name} is odd", code="odd") for name in NAMES
    )
    leak = shv.data.Leak(
        group="g", parts=("train", "test"), ids=(NAMES[1], NAMES[4]), reason="group"
    )
    copy = shv.data.Leak(group="g", parts=("test",), ids=(NAMES[1],), reason="copy")
    values = {
        "photos": photos, "splits": splits, "report": report, "predictions": predictions,
        "inventory": inventory, "audit": audit, "findings": "\n".join(map(str, audit)),
        "prediction": predictions[1], "mistakes": "\n".join(map(str, report.top_mistakes(40))),
        "comparison": shv.evaluation.compare(report, report), "taxonomy": tree, "regions": found,
        "answers": tree.answer(predictions, 0.5), "answer": tree.answer(predictions, 0.5)[1],
        "skipped": skipped, "skipped file": skipped[1], "leak": leak, "copy": copy,
        "plan": shv.BalancingAugmenter().plan(photos.class_counts), "counts": splits.describe(),
        "classifier": give("classifier"),
    }  # fmt: skip
    for name, value in values.items():
        yield name, str(value)
        if not isinstance(value, str):
            yield f"repr of {name}", repr(value)


def test_nothing_that_is_printed_moves_the_cursor(request: pytest.FixtureRequest) -> None:
    shown = list(shown_in_terminals(request))
    assert any("\\x1b[2J" in text for _, text in shown)
    assert {name: has_effect(text) for name, text in shown if has_effect(text)} == {}


def pages(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every page and table of HTML."""
    give = request.getfixturevalue
    report, audit, inventory = give("report"), give("audit"), give("inventory")
    yield "table of scores", report._repr_html_()
    yield "table of findings", audit._repr_html_()
    report.save(folder / "report.html", title=NAMES[2], intended_use=NAMES[2], audit=audit)
    audit.save(folder / "audit.html")
    inventory.save(folder / "inventory.html")
    for name in ("report.html", "audit.html", "inventory.html"):
        yield name, (folder / name).read_text(encoding="utf-8")


class Markup(HTMLParser):
    """Collects what a page would run or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.dangerous: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object"}:
            self.dangerous.append(tag)
        self.dangerous += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name.startswith("on") or (name in {"src", "href"} and (value or "")[:5] != "data:")
            if not (value or "").startswith("#")
        ]


def test_no_name_is_markup_in_html(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for name, text in pages(request, tmp_path):
        assert Markup(text).dangerous == [], name
        assert has_effect(text) == [], name
        assert name == "table of findings" or "&lt;script&gt;" in text, name


def test_no_name_is_markup_in_a_model_card(report: shv.EvaluationReport) -> None:
    card = report.model_card(title=NAMES[3], intended_use=NAMES[3])
    assert has_effect(card) == []
    assert not re.search(r"(?<!\\)<(?:script|img)|(?<!\\)\[a|(?<!\\)`|(?<!\\)://|\n# Tea", card)
    rows = [line for line in card.splitlines() if line.startswith("|")]
    widths = {len(re.split(r"(?<!\\)\|", row)) for row in rows if "class | photos" in row}
    assert len(rows) > len(NAMES)
    assert widths == {10}


def tables(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every CSV file."""
    give = request.getfixturevalue
    give("inventory").save(folder / "inventory.csv")
    give("splits").save(folder / "splits.csv")
    for name in ("inventory.csv", "splits.csv"):
        yield name, (folder / name).read_text(encoding="utf-8")


def test_no_cell_of_csv_is_a_formula(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for name, text in tables(request, tmp_path):
        assert has_effect(text) == [], name
        rows = list(csv.reader(io.StringIO(text)))
        assert {len(row) for row in rows} == {len(rows[0])}
        for cell in (cell for row in rows for cell in row):
            for part in re.split(r"[;\n]", cell):
                assert not part.lstrip().startswith(("=", "+", "-", "@")), (name, cell)


def test_a_saved_split_gives_hostile_names_back(
    splits: shv.Splits, photos: shv.Dataset, tmp_path: Path
) -> None:
    splits.save(tmp_path / "split.csv")
    again = shv.Splits.load(tmp_path / "split.csv", photos)
    assert again.train.ids.tolist() == splits.train.ids.tolist()
    assert again.test is not None


REFUSED: tuple[Callable[[str, shv.Dataset, Path], object], ...] = (
    lambda name, _, folder: shv.Dataset.from_directory(folder / name.replace("/", "")),
    lambda name, photos, _: photos.select(class_names=[f"{name}?"]),
    lambda name, photos, _: photos.relabel({f"{name}?": "a"}),
    lambda name, _, __: shv.SeededSplitter(method=cast("Any", name)),
    lambda name, _, __: shv.build_model(2, architecture=name),
    lambda name, _, folder: shv.Classifier.load(folder / name.replace("/", "")),
    lambda name, _, __: shv.Boxes.from_coco({"images": []}, image=name),
    lambda name, _, __: shv.Taxonomy.from_mapping({name: name}),
    lambda name, photos, folder: shv.Splits.from_files(photos, train=_list_of(folder, name)),
    lambda name, _, __: shv.Dataset.from_arrays(
        np.zeros((2, 8, 8, 3), np.uint8), [name, f"{name} "]
    ),
)
"""Calls that are refused, or warned about, with a hostile name in their message."""


def _list_of(folder: Path, name: str) -> Path:
    path = folder / "list.txt"
    path.write_text(name + "?\n", encoding="utf-8")
    return path


def test_messages_of_errors_and_warnings_are_inert(photos: shv.Dataset, tmp_path: Path) -> None:
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, call in itertools.product(NAMES, REFUSED):
            try:
                call(name, photos, tmp_path)
            except ShelfVisionError as error:
                said += [str(error), *getattr(error, "__notes__", ())]
    assert len(said) > 5 * len(NAMES)
    said += [str(one.message) for one in caught if isinstance(one.message, ShelfVisionWarning)]
    assert [text for text in said if has_effect(text)] == []


@pytest.mark.filterwarnings("always")
def test_the_command_line_and_its_log_are_inert(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def log(*_: object) -> int:
        logging.getLogger("shelfvision.training").warning("in %s: odd", NAMES[1])
        warnings.warn(ShelfVisionWarning(NAMES[5], code="odd"), stacklevel=1)
        raise ValueError(NAMES[4])

    monkeypatch.setattr("shelfvision._cli._doctor.run", log)
    assert main(["doctor"]) == 1
    for name in NAMES:
        assert main(["audit", str(tmp_path / name.replace("/", ""))]) == 1
        assert main(["inspect", "x", name]) == 2
        assert main(["predict", "x", "y", "--format", name]) == 2
    found = capsys.readouterr()
    assert has_effect(found.out + found.err) == []
    lines = found.err.splitlines()
    assert all(line.startswith(("shelfvision: ", "usage: ", "  ")) for line in lines)
    assert sum(line.startswith("shelfvision: ") for line in lines) == 3 + 3 * len(NAMES)


def test_json_of_an_inventory_is_inert_and_read_back(
    inventory: shv.Inventory, photos: shv.Dataset, tmp_path: Path
) -> None:
    inventory.save(tmp_path / "inventory.json")
    text = (tmp_path / "inventory.json").read_text(encoding="utf-8")
    assert has_effect(text) == []
    assert set(json.loads(text)["products"]) == set(photos.class_names)


def test_json_of_skipped_files_is_inert_and_read_back() -> None:
    skipped = shv.data.SkippedFiles(
        shv.data.SkippedFile(path=name, reason=name, code="odd") for name in NAMES
    )
    text = skipped.to_json_lines()
    assert has_effect(text) == []
    assert [json.loads(line)["path"] for line in text.splitlines()] == list(NAMES)
