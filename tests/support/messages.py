"""Find, in the source, every error and warning: where it is made, its code, its message.

``python tests/support/messages.py [ROOM ...]`` lists what is missing: sites without a code, and
codes whose message names a call or an option as the remedy without a test marked ``remedy(code)``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import shelfvision
from shelfvision import errors

PACKAGE = Path(shelfvision.__file__).parent
TESTS = Path(__file__).parent.parent
KINDS = set(errors.__all__)
CALL = re.compile(r"\b[a-z_.]+\(|\b[a-z_]+=|--[a-z]")
"""What looks like an API call, a keyword argument or an option of the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place that makes an error or a warning."""

    where: str
    """Module and line, as in ``data/_table.py:12``."""
    kind: str
    code: str | None
    """The code in the source; "*" where it is computed, None where there is none."""
    text: str
    """The message, with ``x`` for what is filled in; empty where it is computed."""

    @property
    def remedy(self) -> str:
        """What the message says to do: the part after its last semicolon."""
        return self.text.rpartition(";")[2]

    @property
    def names_a_call(self) -> bool:
        """Whether the remedy is a call or an option, which a test can follow."""
        return bool(CALL.search(self.remedy))


def sites(root: Path = PACKAGE) -> Iterator[Site]:
    """Yield every call of an error's or a warning's class in the source."""
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            kind = ast.unparse(node.func).rpartition(".")[2]
            if kind in KINDS and (node.args or node.keywords):
                yield Site(
                    where=f"{path.relative_to(root)}:{node.lineno}",
                    kind=kind,
                    code=_code(node),
                    text=_text(node.args[0]) if node.args else "",
                )


def remedies_followed(tests: Path = TESTS) -> set[str]:
    """Return the codes that tests name in ``@pytest.mark.remedy(...)``."""
    found = set()
    for path in tests.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.remedy":
                found |= {ast.literal_eval(argument) for argument in node.args}
    return found


def _code(node: ast.Call) -> str | None:
    for keyword in node.keywords:
        if keyword.arg == "code":
            value = keyword.value
            return str(value.value) if isinstance(value, ast.Constant) else "*"
    return None


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "x" for part in node.values)
    return ""


def main(rooms: list[str]) -> None:
    """Print what is missing in these rooms, or in all."""
    followed = remedies_followed()
    for site in sites():
        if rooms and not site.where.startswith(tuple(rooms)):
            continue
        if site.code is None:
            print(f"{site.where}: {site.kind} has no code")
        elif site.names_a_call and site.code not in followed:
            print(f"{site.where}: no test follows the remedy of {site.code}: {site.remedy}")


if __name__ == "__main__":
    main(sys.argv[1:])
