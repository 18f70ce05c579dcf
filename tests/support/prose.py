"""Find wording that readers stumble over; ``python tests/support/prose.py`` prints where it is.

Documentation, docstrings with comments, and messages are counted separately. `RULES` lists what to
avoid, why, and what to write. Code, names in backticks and examples are not prose. A phrase that is
right in its place is rewritten all the same: the next reader does not know that it was checked.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["documentation", "docstrings and comments", "messages"]

ROOT = Path(__file__).parent.parent.parent
MOST = 1.0
"""How many findings there may be in 1,000 words of each kind."""
LONGEST_AVERAGE = 25.0
"""How many words a sentence may have, averaged over a page."""


class Rule(NamedTuple):
    """A pattern to avoid."""

    pattern: re.Pattern[str]
    instead: str
    """What to write."""


def _rule(pattern: str, instead: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), instead)


RULES = (
    # Code neither speaks nor has a will: a reader looks for who does what.
    _rule(r"\b(tell|tells|told|telling)\b", "reports, returns, shows, contains"),
    _rule(r"\b(wants|bids|promises) (a|an|the|to)\b", "requires, expects"),
    _rule(r"\bsays? (so|nothing|what)\b", "states, reports"),
    # Words that most readers meet in old books only.
    _rule(
        r"\b(anew|lest|hence|thereby|whither|whence|thence|hither)\b", "again, so that, therefore"
    ),
    _rule(r"\b(shall|dear|mend|mends|mended|bears?|bore)\b", "must, expensive, fix, has"),
    _rule(r"\b(stands|stood|stand) (in|on|for itself|at|below|above|beside)\b", "is in, is on"),
    _rule(r"\b(goes|go|went|going) on\b", "continues, resumes"),
    _rule(r"\bworks? out\b|\bworked out\b", "computes, calculates"),
    _rule(r"\b(to the byte|to the bit)\b", "byte-identical, bit-identical"),
    _rule(r"\bby the clock\b", "wall-clock time"),
    _rule(r"\bquicken(s|ed)?\b", "speed up"),
    # Relative clauses without a noun make the reader guess what is meant.
    _rule(
        r"\bwhat (stands|comes|goes|lies|is) (in|of|from|on|below|above|before|after)\b", "a noun"
    ),
    _rule(r"\b(those|these|ones|numbers|values) that are (such|none)\b", "name them"),
    _rule(r"\b(are|is) such\b", "name it"),
    # Inversions and fillers.
    _rule(r"\bfrom (which|then|there) on\b", "at which, after that"),
    _rule(r"\ball the same\b", "still"),
    _rule(r"\bas (it|they) (is|are|was|were|comes|come)\b", "unchanged"),
    _rule(r"\bso (many|few) (as|that)\b", "as many as"),
    _rule(r"\b(is|are|was|were) no (?!longer|more|such)[a-z]+", "is not a ..."),
    _rule(r"\balike\b", "similar, identical, in the same way"),
    # Terms that have a name in the field; docs/glossary.md lists them.
    _rule(r"\b(taken|takes?|took) for\b", "mistaken for, predicted as"),
    _rule(r"\b(cooled|straightened|bent) (scores|probabilities)\b", "calibrated probabilities"),
    _rule(r"\b(numbers?|values?) that (is|are) none\b", "NaN or infinity"),
    _rule(r"\blook(s|ed)? the same\b", "are near-duplicates, are almost identical"),
    _rule(r"\b(another|the) mix of (products|classes)\b", "class prior"),
    _rule(r"\bdrawn (anew|whole|by lot)\b", "resampled"),
    _rule(r"\bthaw(s|ed|ing)?\b", "unfreeze"),
    _rule(r"\blook-?outs?\b", "check"),
    # "of Keras's own" reads as a riddle beside "the Keras loop".
    _rule(r"\bof (\w+'s|its|their|one's|your) own\b|\bof (ours|yours)\b", "our ..., its own ..."),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of prose and where it is."""

    kind: Kind
    file: str
    line: int
    text: str


class Finding(NamedTuple):
    """A phrase to rewrite."""

    place: str
    phrase: str
    instead: str


def texts(root: Path = ROOT) -> Iterator[Text]:
    """Yield the prose of the project, piece by piece."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.md")]
    for page in sorted(pages):
        if not {"_build", "generated"} & set(page.parts):
            yield Text("documentation", str(page.relative_to(root)), 1, _without_code(_read(page)))
    for module in sorted((root / "src").rglob("*.py")):
        yield from _texts_of_module(str(module.relative_to(root)), _read(module))


def findings(text: Text) -> Iterator[Finding]:
    """Yield the phrases of a text that a rule names."""
    for rule in RULES:
        for match in rule.pattern.finditer(text.text):
            line = text.line + text.text.count("\n", 0, match.start())
            yield Finding(f"{text.file}:{line}", match.group(), rule.instead)


def rates(pieces: list[Text]) -> Mapping[Kind, float]:
    """Return the number of findings in 1,000 words of each kind."""
    words: dict[Kind, int] = {}
    found: dict[Kind, int] = {}
    for text in pieces:
        words[text.kind] = words.get(text.kind, 0) + len(text.text.split())
        found[text.kind] = found.get(text.kind, 0) + sum(1 for _ in findings(text))
    return {kind: 1000 * found[kind] / max(1, words[kind]) for kind in words}


def average_sentence(text: str) -> float:
    """Return the average number of words of a page's sentences, without tables and headings."""
    lines = [line for line in text.splitlines() if line[:1] not in {"|", "#", ":", "!"}]
    sentences = [
        part.split() for part in re.split(r"[.!?:;](?:\s|$)|\n\n|\n(?=[-*\d])", "\n".join(lines))
    ]
    lengths = [len(words) for words in sentences if len(words) > 2]
    return sum(lengths) / len(lengths) if lengths else 0.0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _without_code(text: str) -> str:
    """Return Markdown without code, directives, addresses and comments; line numbers stay."""
    code = r"^(`{3,}|~{3,}).*?^\1\s*$|`+[^`]*?`+|\]\([^)\s]*\)|<!--.*?-->|\{[a-z:]+\}"
    return re.sub(code, _empty, text, flags=re.MULTILINE | re.DOTALL)


def _without_examples(text: str) -> str:
    return re.sub(
        r"^\s*(>>>|\.\.\.).*$|``.*?``|`.*?`", _empty, text, flags=re.MULTILINE | re.DOTALL
    )


def _empty(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _texts_of_module(file: str, source: str) -> Iterator[Text]:
    nodes = list(ast.walk(ast.parse(source)))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in documentation:
            text = _without_examples(node.value)
            yield Text("docstrings and comments", file, node.lineno, text)
        elif node.value.count(" ") > 2:  # shorter texts are names, formats and parts of files
            yield Text("messages", file, node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text("docstrings and comments", file, token.start[0], token.string)


def main() -> int:
    """Print every finding and the rates; return 1 if a rate or a page's sentences are too high."""
    pieces = list(texts())
    for text in pieces:
        for finding in findings(text):
            print(f"{finding.place}: {finding.phrase!r}: write {finding.instead}")
    too_much = False
    for kind, rate in rates(pieces).items():
        too_much |= rate > MOST
        print(f"{kind}: {rate:.2f} findings in 1,000 words, at most {MOST}")
    for text in pieces:
        length = average_sentence(text.text) if text.kind == "documentation" else 0.0
        if length > LONGEST_AVERAGE:
            too_much = True
            print(
                f"{text.file}: {length:.1f} words a sentence on average, at most {LONGEST_AVERAGE}"
            )
    return int(too_much)


if __name__ == "__main__":
    sys.exit(main())
