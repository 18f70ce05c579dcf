"""`AuditReport` prints, exports and shows what `audit` found."""

from __future__ import annotations

import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from support import refuses

EVIL = "<script>alert('&')</script>"


def tiles(seed: int) -> np.ndarray:
    """Return an image of sharp random tiles."""
    few = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return few.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with twins across labels, a blank photo and a broken one."""
    root = tmp_path / "shop"
    for label in ("Juice", "Milk & more"):
        (root / label).mkdir(parents=True)
    for seed in range(9):
        label = "Juice" if seed % 2 else "Milk & more"
        Image.fromarray(tiles(seed)).save(root / label / f"p{seed}.png")
    Image.fromarray(tiles(1)[:, ::-1]).save(root / "Milk & more" / "twin.png")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(root / "Juice" / "wall.png")
    (root / "Juice" / "broken.jpg").write_bytes(b"nothing")
    return root


@pytest.fixture
def report(shop: Path) -> shv.AuditReport:
    return shv.audit(shv.Dataset.from_directory(shop, image_size=(32, 32)), few=0)


def test_errors_come_first(report: shv.AuditReport) -> None:
    assert [found.code for found in report] == [
        "unreadable",
        "blank",
        "near-duplicate-across-labels",
    ]
    assert [found.code for found in report.errors] == ["unreadable", "blank"]
    assert not report.ok


def test_a_finding_is_had_by_its_code(report: shv.AuditReport) -> None:
    assert report["blank"].ids == ("Juice/wall.png",)
    assert report["near-duplicate-across-labels"].sets == (
        ("Juice/p1.png", "Milk & more/twin.png"),
    )
    assert "dark" not in report
    with pytest.raises(KeyError):
        report["dark"]


def test_it_prints_counts_examples_and_what_to_do(report: shv.AuditReport) -> None:
    text = str(report)
    assert text.startswith("12 photos of 2 classes: 2 errors, 1 warning")
    assert re.search(r"^error +blank +1  Juice/wall.png$", text, re.MULTILINE)
    assert "Juice/p1.png = Milk & more/twin.png" in text
    assert "check\n  them" in text or "check them" in text
    assert max(map(len, text.splitlines())) <= 132


def test_names_that_cannot_be_printed_do_not_break_the_table() -> None:
    images = np.stack([tiles(0), tiles(0), tiles(1)])
    ds = shv.Dataset.from_arrays(images, ["a", "a", "b"], ids=["x\ny\x1b[2J", "\u202etxt", "z"])
    assert "\x1b" not in str(shv.audit(ds, few=0))
    assert "\u202e" not in str(shv.audit(ds, few=0))


def test_nothing_found_says_so(tmp_path: Path) -> None:
    for seed in range(4):
        path = tmp_path / "shop" / "ab"[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(tiles(seed)).save(path)
    report = shv.audit(shv.Dataset.from_directory(tmp_path / "shop", image_size=(32, 32)), few=0)
    assert str(report) == "4 photos of 2 classes: nothing found"
    assert report.ok


def test_the_dictionary_is_plain_enough_for_json(report: shv.AuditReport) -> None:
    again = json.loads(json.dumps(report.to_dict()))
    assert again == report.to_dict()
    assert again["n"] == 12
    assert again["findings"][1]["sets"] == [["Juice/wall.png"]]


def test_the_frame_has_a_row_for_every_photo_of_every_set(report: shv.AuditReport) -> None:
    frame = report.to_frame()
    twins = frame[frame["code"] == "near-duplicate-across-labels"]
    assert twins["label"].tolist() == ["Juice", "Milk & more"]
    assert twins["set"].tolist() == [0, 0]
    assert len(frame) == 4


def test_a_report_cannot_be_changed_and_goes_to_other_processes(report: shv.AuditReport) -> None:
    with pytest.raises(AttributeError):
        report.n = 3  # type: ignore[misc]  # that is the point
    again = pickle.loads(pickle.dumps(report))
    assert again.to_dict() == report.to_dict()
    with pytest.raises(TypeError):
        shv.AuditReport([], [])  # type: ignore[arg-type]  # on purpose


class _Tags(HTMLParser):
    """Collects tags and attributes of a page, and what is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(path: Path) -> _Tags:
    tags = _Tags()
    tags.feed(path.read_text(encoding="utf-8"))
    assert tags.open == []
    return tags


def test_the_page_stands_alone_and_runs_nothing(report: shv.AuditReport, tmp_path: Path) -> None:
    report.save(tmp_path / "deep" / "audit.html")
    tags = parsed(tmp_path / "deep" / "audit.html").tags
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    sources = [attributes["src"] or "" for tag, attributes in tags if tag == "img"]
    assert len(sources) == 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    for _, attributes in tags:
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    text = (tmp_path / "deep" / "audit.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "Milk &amp; more" in text
    assert "http" not in text.replace("http-equiv", "")


def test_names_are_escaped_in_the_page(tmp_path: Path) -> None:
    images = np.stack([tiles(0), tiles(0), tiles(1), tiles(1)])
    ids = [f'{EVIL}\ud800 {number}" onload=x' for number in range(4)]
    ds = shv.Dataset.from_arrays(images, [EVIL, "b", "b", "b"], ids=ids)
    report = shv.audit(ds)
    report.save(tmp_path / "audit.html")
    tags = parsed(tmp_path / "audit.html").tags
    assert "script" not in {tag for tag, _ in tags}
    assert all(set(attributes) <= {"alt", "src"} for tag, attributes in tags if tag == "img")
    assert "<script" not in report._repr_html_()


def test_the_page_shows_as_many_examples_as_asked(report: shv.AuditReport, tmp_path: Path) -> None:
    report.save(tmp_path / "audit.html", examples=0)
    assert not [tag for tag, _ in parsed(tmp_path / "audit.html").tags if tag == "img"]
    assert "0 of 1 shown" in (tmp_path / "audit.html").read_text(encoding="utf-8")


def test_photos_that_went_away_leave_a_note_in_the_page(
    report: shv.AuditReport, shop: Path, tmp_path: Path
) -> None:
    (shop / "Juice" / "wall.png").unlink()
    report.save(tmp_path / "audit.html")
    assert "cannot be read</span>" in (tmp_path / "audit.html").read_text(encoding="utf-8")


def test_pairs_are_drawn_side_by_side_with_their_labels(report: shv.AuditReport) -> None:
    axes = report.plot_pairs()
    assert axes.shape == (1, 2)
    assert axes[0, 0].get_title() == "p1.png\nJuice"
    assert axes[0, 1].get_title() == "twin.png\nMilk & more"
    assert axes[0, 1].images[0].get_array().shape == (64, 64, 3)


def test_a_contact_sheet_shows_the_photos_of_a_finding(report: shv.AuditReport) -> None:
    axes = report.plot_sheet("near-duplicate-across-labels", n_columns=1)
    assert axes.shape == (2, 1)
    assert report.plot_sheet("unreadable")[0, 0].texts[0].get_text() == "cannot be read"


def test_what_cannot_be_drawn_is_refused_by_name(report: shv.AuditReport) -> None:
    with refuses(shv.errors.InvalidParameterError, "unknown-name", "code"):
        report.plot_pairs("dark")
    with refuses(shv.errors.InvalidParameterError, "no-pairs", "code"):
        report.plot_pairs("blank")
    with refuses(shv.errors.InvalidParameterError, "no-photos", "code"):
        shv.audit(shv.samples.render_products(2)).plot_sheet("few-photos")
    with refuses(shv.errors.DataError, "no-pairs"):
        shv.audit(shv.samples.render_products(2)).plot_pairs()
