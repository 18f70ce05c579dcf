"""How trainers and results look in a notebook; colours are the page's own, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shelfvision._pages.html import escaped

_LEFT = 'style="text-align: left; padding: 0.1em 1em 0.1em 0"'
_RIGHT = 'style="text-align: right; padding: 0.1em 0 0.1em 1em"'
_LONGEST = 200
_WIDTH, _HEIGHT, _EDGE = 320, 120, 6


def settings_view(chosen: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """Return a trainer's chosen settings as a table, with the others folded away."""
    others = {name: value for name, value in defaults.items() if name not in chosen}
    told = _rows(chosen) if chosen else f"<tr><td {_LEFT}>every setting is the default</td></tr>"
    return (
        f"<div><b>Trainer</b><table><tbody>{told}</tbody></table>"
        f"<details><summary>{len(others)} settings as they come</summary>"
        f"<table><tbody>{_rows(others)}</tbody></table></details></div>"
    )


def result_view(
    title: str,
    best: Mapping[str, float],
    curves: Mapping[str, Sequence[float]],
    *,
    best_epoch: int,
) -> str:
    """Return a result as the metrics of its best epoch above the curves of its losses."""
    rows = "".join(
        f"<tr><td {_LEFT}>{escaped(name)}</td><td {_RIGHT}>{value:.4g}</td></tr>"
        for name, value in best.items()
    )
    head = f"<tr><th {_LEFT}>metric</th><th {_RIGHT}>epoch {best_epoch}</th></tr>"
    return (
        f"<div><b>TrainingResult</b>: {escaped(title)}<table><thead>{head}</thead>"
        f"<tbody>{rows}</tbody></table>{_drawn(curves, best_epoch)}</div>"
    )


def _rows(settings: Mapping[str, object]) -> str:
    return "".join(
        f"<tr><th {_LEFT}>{escaped(name)}</th><td {_LEFT}><code>{escaped(_cut(value))}</code></td>"
        "</tr>"
        for name, value in settings.items()
    )


def shown(value: object) -> str:
    """Return how a setting prints: as code, or by its kind where that shows an address only."""
    text = repr(value)
    return f"<{type(value).__name__}>" if " at 0x" in text else text


def _cut(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _drawn(curves: Mapping[str, Sequence[float]], best_epoch: int) -> str:
    """Return curves over epochs: the first dashed, the others whole, the best epoch marked."""
    values = [value for curve in curves.values() for value in curve if math.isfinite(value)]
    epochs = max(map(len, curves.values()), default=0)
    if epochs < 2 or not values:
        return ""
    low, high = min(values), max(values)

    def x(epoch: int) -> float:
        return _EDGE + (_WIDTH - 2 * _EDGE) * (epoch - 1) / (epochs - 1)

    def y(value: float) -> float:
        return _EDGE + (_HEIGHT - 2 * _EDGE) * (high - value) / ((high - low) or 1.0)

    lines = "".join(
        f'<polyline fill="none" stroke="currentColor" stroke-dasharray="{"4 3" if n == 0 else "0"}"'
        ' points="'
        + " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in enumerate(curve, 1) if math.isfinite(v))
        + '"/>'
        for n, curve in enumerate(curves.values())
    )
    mark = (
        f'<line x1="{x(best_epoch):.1f}" x2="{x(best_epoch):.1f}" y1="0" y2="{_HEIGHT}" '
        'stroke="currentColor" opacity="0.4"/>'
    )
    names = ", ".join(f"{name} {'dashed' if n == 0 else 'whole'}" for n, name in enumerate(curves))
    span = f"from {low:.4g} to {high:.4g} over {epochs} epochs"
    told = f"{names}, {span}; the upright line is epoch {best_epoch}"
    return (
        f'<figure style="margin: 0.5em 0"><svg width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(told)}">{mark}{lines}'
        f"</svg><figcaption>{escaped(told)}</figcaption></figure>"
    )
