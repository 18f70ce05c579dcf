"""Errors can be caught as one kind or as the usual kind, and say in one sentence what is wrong."""

from __future__ import annotations

import difflib
import functools
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision import augment, errors
from shelfvision.errors import ShelfVisionError, ShelfVisionWarning
from support.codes import codes as find_codes
from support.messages import remedies_followed, sites

KINDS = [getattr(errors, name) for name in errors.__all__]
ERRORS = [kind for kind in KINDS if issubclass(kind, ShelfVisionError)]
ALL_SITES = tuple(sites())
PINNED = Path(__file__).with_name("error_codes.txt")
TABLE = Path(__file__).parent.parent / "docs" / "reference" / "errors.md"
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
codes = functools.cache(find_codes)
USUAL = (ValueError, OSError, ImportError, RuntimeError)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_of_our_kind_and_of_the_usual_one(kind: type[Exception]) -> None:
    assert kind is ShelfVisionError or issubclass(kind, USUAL)


def test_every_other_kind_is_a_warning() -> None:
    assert all(issubclass(kind, ShelfVisionWarning) for kind in KINDS if kind not in ERRORS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_shows_what_moves_the_cursor_escaped(kind: type[Exception]) -> None:
    assert str(kind("no \x1b[2J\nMilk \u202e 茶")) == "no \\x1b[2J\nMilk \\u202e 茶"


@given(st.sampled_from(ERRORS), st.text())
def test_an_error_comes_whole_from_another_process(kind: type[Exception], text: str) -> None:
    error = kind(text)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_every_error_and_warning_is_made_with_a_code() -> None:
    assert len(ALL_SITES) > 400
    assert [f"{site.where}: {site.kind}" for site in ALL_SITES if site.code is None] == []


def test_the_codes_are_as_pinned() -> None:
    pinned = PINNED.read_text(encoding="utf-8").splitlines()
    difference = "\n".join(difflib.unified_diff(pinned, lines_of_codes(), "pinned", "found", n=0))
    assert not difference, (
        "codes are stable names for programs; if the change is meant, run python "
        f"tests/test_errors.py, describe new codes in {TABLE.name}, and note it in "
        f"CHANGELOG.md\n{difference}"
    )


def test_every_code_is_described_in_the_reference() -> None:
    rows = described_codes()
    assert sorted(rows) == sorted({code for _, code in codes()})
    assert [code for code, (_, meaning, remedy) in rows.items() if not meaning or not remedy] == []


def test_codes_are_kebab_case() -> None:
    assert [code for _, code in codes() if not KEBAB.fullmatch(code)] == []


def test_every_remedy_that_is_a_call_or_an_option_is_followed_by_a_test() -> None:
    followed = remedies_followed()
    loose = {
        f"{site.code}: {site.remedy} ({site.where})"
        for site in ALL_SITES
        if site.names_a_call and site.code not in (*followed, "*", None)
        # Tests install nothing.
        if "pip" not in site.remedy
    }
    assert sorted(loose) == []


def test_every_message_is_one_sentence() -> None:
    found = [(site.where, site.text) for site in ALL_SITES if site.text]
    assert len(found) > 300
    for where, text in found:
        assert "\n" not in text.removesuffix("breaks its contract:x"), where
        assert not text.endswith("."), f"{where} ends in a full stop: {text}"
        assert not re.search(r"[a-z)][.!] [A-Z]", text), f"{where} is two sentences: {text}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("raise DataError('a', code='empty')", {("DataError", "empty")}),
        ("raise DataError('a', code='x' if a else 'y')", {("DataError", "x"), ("DataError", "y")}),
        (
            """def _refuse(fault, code='damaged'):
    raise BundleError(fault, code=code)
_refuse('a', 'newer-format')
_refuse('b', code='empty')""",
            {("BundleError", code) for code in ("damaged", "newer-format", "empty")},
        ),
        (
            """def f(a):
    code = 'too-deep' if a else 'not-csv'
    raise DataError('a', code=code)""",
            {("DataError", "too-deep"), ("DataError", "not-csv")},
        ),
        ("class A:\n    def f(self):\n        raise self.error('a', code='empty')",
         {("ShelfVisionError", "empty")}),
        ("yield Finding(code='blurred')", set()),
    ],
)  # fmt: skip
def test_codes_are_found_wherever_they_are_written(
    text: str, found: set[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "_made_up.py").write_text(text, encoding="utf-8")
    assert codes(tmp_path) == found


def test_a_site_without_a_code_and_a_remedy_that_is_a_call_are_found(tmp_path: Path) -> None:
    text = "raise DataError(f'{a} is empty; pass on_error=\"skip\"')"
    (tmp_path / "_made_up.py").write_text(text, encoding="utf-8")
    (site,) = sites(tmp_path)
    assert site.code is None
    assert site.names_a_call
    assert site.remedy == ' pass on_error="skip"'


def test_a_row_of_a_code_that_is_not_found_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ("`DataError`", "Made up.", "Nothing.")
    monkeypatch.setitem(globals(), "described_codes", lambda: {"made-up": row})
    assert rows_of_codes()["made-up"] == row


def lines_of_codes() -> list[str]:
    """Return a line for every code, with the types that have it."""
    return [
        f"{code}: {', '.join(kinds_of(code))}" for code in sorted({code for _, code in codes()})
    ]


def kinds_of(code: str) -> list[str]:
    """Return the types that have a code; the root stands for those that a caller chooses."""
    return sorted({kind for kind, one in codes() if one == code})


def described_codes() -> dict[str, tuple[str, str, str]]:
    """Return the types, the meaning and the remedy that the reference gives for every code."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    return {code.strip("`"): (kinds, meaning, remedy) for code, kinds, meaning, remedy in rows}


def write_codes() -> None:
    """Write the pinned codes, and the table of the reference with what it says already.

    A row of a code that is not found in the source stays: the code may be computed, or the row is
    to be removed by hand. The test above tells.
    """
    PINNED.write_text("\n".join(lines_of_codes()) + "\n", encoding="utf-8")
    rows = "".join(f"| `{code}` | {' | '.join(row)} |\n" for code, row in rows_of_codes().items())
    head, rule, rest = TABLE.read_text(encoding="utf-8").partition("| --- | --- | --- | --- |\n")
    after = rest[rest.rindex("|\n") + 2 :] if "|\n" in rest else rest
    TABLE.write_text(f"{head}{rule}{rows}{after}", encoding="utf-8")


def rows_of_codes() -> dict[str, tuple[str, str, str]]:
    """Return a row for every code that is found or described, in order."""
    said = described_codes()
    found = {
        code: (", ".join(f"`{kind}`" for kind in kinds_of(code)), *said.get(code, ("", "", ""))[1:])
        for code in sorted({code for _, code in codes()})
    }
    return dict(sorted((said | found).items()))


numbers = st.one_of(st.integers(-3, 2**40), st.floats())
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=4,
)
IMAGES = np.zeros((2, 3, 3, 3), np.uint8)
PHOTOS = shv.Dataset.from_arrays(np.arange(18, dtype=np.uint8).reshape(2, 1, 3, 3), ["a", "b"])
ENTRANCES: dict[str, Callable[[Any], object]] = {
    "images": lambda value: shv.Dataset.from_arrays(value, ["a"]),
    "labels": lambda value: shv.Dataset.from_arrays(IMAGES, value),
    "names of classes": lambda value: shv.Dataset.from_arrays(IMAGES, [0, 0], class_names=value),
    "ids": lambda value: shv.Dataset.from_arrays(IMAGES, ["a", "a"], ids=value),
    "classes to select": PHOTOS.select,
    "names to relabel": PHOTOS.relabel,
    "a directory": lambda value: shv.Dataset.from_directory("none", image_size=value),
    "a way to resize": lambda value: shv.Dataset.from_directory("none", resize=value),
    "a share": lambda value: shv.SeededSplitter(train=value),
    "a seed": lambda value: shv.SeededSplitter(seed=value),
    "a method": lambda value: shv.SeededSplitter(method=value),
    "labels to split": lambda value: shv.SeededSplitter().split_indices(value),
    "groups to split": lambda value: shv.SeededSplitter().split_indices(["a"] * 9, groups=value),
    "photos to split": lambda value: shv.SeededSplitter().split(value),
    "a part": lambda value: shv.Splits(train=PHOTOS, test=value),
    "a strategy": lambda value: shv.BalancingAugmenter(sampling_strategy=value).plan({"a": 2}),
    "an augmenter": shv.BalancingAugmenter,
    "counts": shv.BalancingAugmenter().plan,
    "a recipe": augment.from_dict,
    "degrees": augment.Rotate,
    "a share to zoom": augment.Zoom,
    "a list of augmenters": augment.Compose,
    "probabilities": lambda value: shv.Predictions(value, ["a"], ["1"]),
    "thresholds": lambda value: shv.Thresholds(values=value),
    "thresholds of a file": shv.Thresholds.from_dict,
    "a calibration of a file": shv.Calibration.from_dict,
    "scores to calibrate": lambda value: shv.Calibration.fit(value, [0, 1]),
    "boxes": shv.Boxes,
    "a taxonomy": shv.Taxonomy.from_mapping,
    "epochs": lambda value: shv.Trainer(epochs=value),
    "a batch size": lambda value: shv.Trainer(batch_size=value),
    "patience": lambda value: shv.Trainer(patience=value),
    "settings of a trainer": shv.Trainer.from_dict,
    "a schedule": lambda value: shv.training.CosineSchedule(warmup_epochs=value),
    "a limit of gradients": lambda value: shv.training.GradientClipping(global_norm=value),
    "settings of a model": shv.models.ModelSpec.from_dict,
    "a number of folds": lambda value: shv.SeededSplitter().folds(PHOTOS, value),
    "a threshold of likeness": lambda value: PHOTOS.group_near_duplicates(threshold=value),
    "embeddings": lambda value: PHOTOS.group_near_duplicates(embeddings=value),
    "photos to audit": shv.audit,
    "a classifier to judge": lambda value: shv.evaluate(value, PHOTOS),
    "a classifier to count with": lambda value: shv.take_inventory(value, PHOTOS),
    "what to roll up": shv.Taxonomy.from_mapping({"a": "b", "c": "b"}).roll_up,
    "boxes of a file": lambda value: shv.Boxes.from_coco(value, image="a.jpg"),
    "a size of boxes": shv.Boxes([[0, 0, 1, 1]]).in_pixels,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@settings(max_examples=60)
@given(value=junk)
def test_whatever_is_passed_in_is_taken_or_refused_in_one_sentence(
    entrance: str, value: object
) -> None:
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ENTRANCES[entrance](value)
        except ShelfVisionError as error:
            said = str(error) or "\n"
    assert "\n" not in said


if __name__ == "__main__":
    write_codes()
