"""Text from outside has no effect where it is shown, and is given back where it is read."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shelfvision import _text

# Much of what matters is rare among all characters.
SPECIAL = [
    *"\x00\t\n\r\x1b\x7f\x85\x9b\xa0\xad", *"'=+-@;,\"\\|xuU09af#*<>&[`", *"é茶Ж\u0301\u0308",
    *"\u034f\u061c\u115f\u200b\u200c\u200d\u200e\u2028\u202e\u2066\u20e3\u3164\ufe0e\ufe0f\ufeff",
    *"\udc80\ud800\ue000\uffff\uff1d👩🍳🥛\U000e0041\U000e0100\U0001f7f0\U0001fae8क्षم",
]  # fmt: skip
texts = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters()), max_size=12)


def is_inert(text: str) -> bool:
    """Tell whether nothing in a text moves the cursor, reverses it or breaks its line."""
    return all(
        unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Zl", "Zp")
        and unicodedata.bidirectional(letter)
        not in ("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for letter in text
    )


@given(texts)
def test_what_is_shown_is_inert_and_shown_the_same_twice(text: str) -> None:
    shown = _text.printable(text)
    assert is_inert(shown)
    assert _text.printable(shown) == shown
    assert _text.printable(text, lines=True).replace("\n", "\\n") == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202eg\u2066p", "\\u202eg\\u2066p"),
        ("Mi\u200blk", "Mi\\u200blk"),
        ("Mi\u200dlk\u200d", "Mi\\u200dlk\\u200d"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("odd \udcff", "odd \\udcff"),
        ("a\u2028b", "a\\u2028b"),
        ("\U000e0041\U000e0042", "\\U000e0041\\U000e0042"),
        ("Milk\ufe0f\u3164", "Milk\\ufe0f\\u3164"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 8 + "\\u0301"),
    ],
)
def test_what_has_an_effect_or_is_not_seen_is_shown_escaped(text: str, shown: str) -> None:
    assert _text.printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Crème brûlée", "Чай", "茶", "中文\u3000名", "שוקו", "حليب", "نمی\u200cشود", "क्\u200dष",
        "👩\u200d🍳", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "👍🏽", "🇩🇪", "葛\U000e0100",
        "Ноги\u0301", "50\u00a0%", "C:\\x86\\new", "\u0600\u0661", "\U0001fae8", "<b>|`*",
    ],
)  # fmt: skip
def test_letters_of_every_script_and_emoji_stay(text: str) -> None:
    assert _text.printable(text) == text


@given(texts)
@example("'=1")
@example("\\x1b")
@example("\\x5cx1b")
@example("a;=1")
@example("a;'=1")
@example("'\t'=")
def test_a_cell_is_inert_and_read_back(text: str) -> None:
    cell = _text.csv_cell(text)
    assert is_inert(cell.replace("\n", ""))
    assert _text.from_csv_cell(cell) == text
    # Whatever separates cells where it is opened, none begins as a formula does.
    for delimiter in ",;\t":
        file = io.StringIO()
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerow(["1", cell])
        assert next(csv.reader(io.StringIO(file.getvalue()), delimiter=delimiter)) == ["1", cell]
    for part in (cell, *cell.split(";")[1:]):
        first = unicodedata.normalize("NFKC", part.lstrip()[:1])
        assert first not in tuple("=+-@")
    cell.encode()


def test_an_apostrophe_that_is_part_of_a_name_stays() -> None:
    assert _text.unguarded("'s-Hertogenbosch") == "'s-Hertogenbosch"
    assert _text.csv_cell("'s-Hertogenbosch") == "'s-Hertogenbosch"
    assert _text.csv_cell("photos\\new\\1.jpg") == "photos\\new\\1.jpg"


@pytest.mark.parametrize(
    "text",
    [
        "# a", "a|b", "`a`", "*a*", "_a_", "[a](http://b)", "![a](b)", "<b>a</b>", "&amp;",
        "~~a~~", "http://evil.example", "www.evil.example", "- a", "+ a", "1. a", "2) a", "---",
        "===", "> a", "    a", "a\n\n# b", "$a$", "|", "a\\|b", "<!--", "https://evil.example",
    ],
)  # fmt: skip
def test_markdown_shows_the_text_and_nothing_of_it_is_markup(text: str) -> None:
    markdown = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    shown = _text.markdown_text(text)
    tokens = markdown.parse(f"{shown}\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    inside = tokens[1].children
    assert {token.type for token in inside} <= {"text", "text_special"}
    assert "".join(token.content for token in inside) == _text.printable(text).strip()
    table = markdown.parse(f"| a | b |\n| --- | --- |\n| {shown} | c |\n")
    assert [token.type for token in table].count("td_open") == 2


values = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)


@given(value=values, ascii_only=st.booleans())
@example(value="\x7f", ascii_only=True)
@example(value="\x7fé", ascii_only=False)
def test_json_is_inert_and_read_back(value: object, *, ascii_only: bool) -> None:
    text = _text.json_text(value, ascii_only=ascii_only)
    assert json.loads(text) == value
    assert is_inert(text)
    assert not ascii_only or text.isascii()
    text.encode()


@pytest.mark.parametrize("text", ["http://evil.example", "WWW.evil.example"])
def test_an_address_in_markdown_is_no_link(text: str) -> None:
    # GitHub makes links of bare addresses, unless a backslash stands in them.
    assert _text.markdown_text(text) in ("http\\://evil.example", "WWW\\.evil.example")


def test_a_text_is_shortened_after_it_was_made_harmless() -> None:
    assert _text.shortened("\x1b" * 9, 6) == "\\x1b\\…"
    assert _text.shortened("folder/photo.jpg", 8, keep_end=True) == "…oto.jpg"
    assert _text.shortened("photo", 5) == "photo"
