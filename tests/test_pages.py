"""Templates of pages: every text is escaped, and nothing that a template needs may be missing."""

from __future__ import annotations

import base64
import html.parser
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from PIL import Image as PillowImage

from shelfvision._pages.html import photo_uri, render_template, svg_uri
from shelfvision._pages.thumbnails import thumbnail
from shelfvision._text import printable


class Reader(html.parser.HTMLParser):
    """Collects elements with their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, object]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.words += data


def figure(text: str, uri: str = "data:") -> str:
    """Return a page with a text in an element and in an attribute."""
    entry = {"photos": [{"uri": uri, "id": text, "place": "", "detail": ""}]}
    section = {
        "code": "blurred",
        "severity": "note",
        "message": "",
        "count": 1,
        "kind": "singles",
        "entries": [entry],
    }
    return render_template(
        "audit.html", title="", heading="", classes=[], rows=[], links=True, sections=[section]
    )


@given(st.text())
def test_a_page_shows_the_text_and_nothing_of_it_is_markup(text: str) -> None:
    plain, page = Reader(figure("")), Reader(figure(text))
    images = [attrs for tag, attrs in page.found if tag == "img"]
    assert images == [[("alt", printable(text)), ("src", "data:")]]
    assert [tag for tag, _ in page.found] == [tag for tag, _ in plain.found]
    assert printable(text) in page.words


def test_a_value_that_a_template_needs_and_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="others"):
        render_template("trainer.html", chosen={})


def test_pictures_are_inside_the_page() -> None:
    kind, _, data = photo_uri(np.full((4, 6, 3), 200, np.uint8)).partition(",")
    assert kind == "data:image/jpeg;base64"
    assert PillowImage.open(io.BytesIO(base64.b64decode(data))).size == (6, 4)
    assert svg_uri(b"<svg/>") == "data:image/svg+xml;base64,PHN2Zy8+"


@pytest.mark.parametrize(("side", "most_bytes"), [(96, 8_000), (640, 9_000), (640, 36_000)])
@pytest.mark.parametrize("size", [(1000, 800), (40, 640), (16, 16)])
def test_a_thumbnail_stays_below_the_limit_whatever_it_shows(
    side: int, most_bytes: int, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    small, file = thumbnail(noise, side=side, most_bytes=most_bytes)
    assert len(file) <= most_bytes
    assert max(small.shape[:2]) <= side
    assert small.shape[0] / small.shape[1] == pytest.approx(size[0] / size[1], rel=0.15)
    with PillowImage.open(io.BytesIO(file)) as opened:
        assert (opened.height, opened.width) == small.shape[:2]
