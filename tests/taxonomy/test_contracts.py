"""What the room promises holds for any taxonomy and any probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv

seeds = st.integers(0, 2**32 - 1)


@st.composite
def shops(draw: st.DrawFn) -> tuple[shv.Taxonomy, dict[str, str], dict[str, str]]:
    """Return a taxonomy with what it was made of: labels of products, departments of labels."""
    products = [f"p{n}" for n in range(draw(st.integers(2, 6)))]
    label_of = {name: draw(st.sampled_from(["l0", "l1", "l2"])) for name in products}
    department_of = {
        name: draw(st.sampled_from(["d0", "d1"])) for name in sorted(set(label_of.values()))
    }
    return shv.Taxonomy.from_mapping([label_of, department_of]), label_of, department_of


Shop = tuple[shv.Taxonomy, dict[str, str], dict[str, str]]


def said_of(shop: Shop, seed: int, failed: list[bool]) -> shv.Predictions:
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(len(shop[1]), 0.5), len(failed))
    errors = ["torn" if bad else None for bad in failed]
    return shv.Predictions(rows, list(shop[1]), [str(n) for n in range(len(failed))], errors)


@settings(max_examples=50)
@given(shops(), seeds, st.lists(st.booleans(), max_size=6))
def test_a_coarser_name_has_the_sum_of_what_lies_below_it(
    shop: Shop, seed: int, failed: list[bool]
) -> None:
    taxonomy, label_of, _ = shop
    said = said_of(shop, seed, failed)
    rolled = taxonomy.roll_up(said)
    assert rolled.class_names == tuple(sorted(set(label_of.values())))
    assert (rolled.ids.tolist(), rolled.errors) == (said.ids.tolist(), said.errors)
    for place, name in enumerate(rolled.class_names):
        below = [n for n, product in enumerate(said.class_names) if label_of[product] == name]
        np.testing.assert_allclose(
            rolled.probabilities[:, place], said.probabilities[:, below].sum(axis=1), atol=1e-6
        )
    twice, at_once = taxonomy.roll_up(rolled), taxonomy.roll_up(said, "department")
    assert twice.class_names == at_once.class_names
    np.testing.assert_allclose(twice.probabilities, at_once.probabilities, atol=1e-6)


@settings(max_examples=50)
@given(shops(), seeds, st.lists(st.booleans(), max_size=6), st.floats(0, 1))
def test_an_answer_is_the_finest_name_that_is_sure_enough(
    shop: Shop, seed: int, failed: list[bool], limit: float
) -> None:
    taxonomy, label_of, department_of = shop
    answers = taxonomy.answer(said_of(shop, seed, failed), limit)
    finer = said_of(shop, seed, failed)
    for row, one in enumerate(answers):
        if failed[row]:
            assert (one.name, one.level, one.decision) == (None, None, "review")
            continue
        assert (one.decision == "accept") == (one.confidence >= limit)
        before = {"product": 0, "label": 1, "department": 2}[str(one.level)]
        sure = [
            taxonomy.roll_up(finer, level).confidences[row]
            for level in ("product", "label")[:before]
        ]
        assert all(confidence < limit + 1e-6 for confidence in sure)
    above = {name: department_of[label] for name, label in label_of.items()}
    products = list(label_of)[:1] * len(failed)
    right = taxonomy.correct(answers, products)
    for one, good in zip(answers, right, strict=True):
        names = {"product": products[0], "label": label_of[products[0]]} if products else {}
        expected = names.get(str(one.level), above[products[0]]) if one.level else None
        assert good == (one.level is not None and one.name == expected)


@given(shops())
def test_a_taxonomy_is_a_value(shop: Shop) -> None:
    taxonomy, label_of, department_of = shop
    assert taxonomy == shv.Taxonomy.from_mapping([dict(reversed(label_of.items())), department_of])
    assert taxonomy.mapping() == label_of
    with pytest.raises(AttributeError):
        taxonomy.levels = ()  # type: ignore[misc]  # that it is refused is what is tested
