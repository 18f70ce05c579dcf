"""Search the built site for the field's terms; ``python docs/check_search.py docs/_build/html``.

A reader who types a term into the search box must find a page. The search box looks up stemmed
words in ``searchindex.js``; this program does the same, and fails if a term has no page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sphinx.search.en import SearchEnglish

TERMS = (
    *("training set", "validation set", "test set", "ground truth", "true label", "early stopping"),
    *("patience", "overfitting", "data leakage", "near-duplicates", "class imbalance"),
    *("oversampling", "data augmentation", "hyperparameters", "hyperparameter search"),
    *("cluster bootstrap", "confidence interval", "confidence_level", "confidence", "calibration"),
    *("expected calibration error", "ECE", "reliability diagram", "temperature scaling"),
    *("Platt scaling", "isotonic regression", "abstain", "abstention", "selective classification"),
    *("reject option", "coverage", "unknown classes", "open-set recognition"),
    *("out-of-distribution", "label shift", "prior shift", "class prior", "backbone", "head"),
    *("freeze", "unfreeze", "linear probing", "partial fine-tuning", "full fine-tuning"),
    *("few-shot", "prototypes", "nearest neighbours", "enroll", "learning rate schedule"),
    *("warm-up", "decay", "checkpoint", "resume", "corrupted", "checksum", "digest"),
    *("deterministic", "reproducible", "bit-identical", "wall-clock time", "CPU time", "latency"),
    *("throughput", "peak memory", "NaN", "infinity", "diverged", "annotations", "detections"),
    *("crop", "context margin", "padding", "bundle", "thread-safe", "fork-safe", "worker"),
    *("adjusted counts", "quantification", "confusion-matrix correction", "cross-validation"),
)


def pages_of(term: str, index: dict[str, dict[str, int | list[int]]]) -> set[int]:
    """Return the numbers of the pages that hold every word of a term."""
    language = SearchEnglish({})
    found: set[int] | None = None
    for word in language.split(term):
        if word.lower() in language.stopwords:  # the search box ignores these, too
            continue
        stemmed = language.stem(word.lower())
        pages = _pages(index["terms"], stemmed) | _pages(index["titleterms"], stemmed)
        found = pages if found is None else found & pages
    return found or set()


def _pages(table: dict[str, int | list[int]], word: str) -> set[int]:
    pages = table.get(word, [])
    return {pages} if isinstance(pages, int) else set(pages)


def main() -> int:
    """Print the terms that find no page; return 1 if there are any."""
    text = Path(sys.argv[1], "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    missing = [term for term in TERMS if not pages_of(term, index)]
    print(f"{len(TERMS) - len(missing)} of {len(TERMS)} terms are found")
    print(*(f"not found: {term}" for term in missing), sep="\n")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
