"""HTML views of trainers and results for notebooks, in the colors of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shelfvision._pages.html import render_template

_LONGEST = 200
_WIDTH, _HEIGHT, _EDGE = 320, 120, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """Curves as points of SVG polylines, with a mark at the best epoch."""

    curves: Sequence[str]
    mark: str
    caption: str
    width: int = _WIDTH
    height: int = _HEIGHT


def settings_view(chosen: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """Return a table of the changed settings of a trainer, with the others collapsed."""
    texts = {name: shown(value, _LONGEST) for name, value in {**defaults, **chosen}.items()}
    changed = {name: texts.pop(name) for name in chosen}
    return render_template("trainer.html", chosen=changed, others=texts)


def result_view(
    title: str,
    best: Mapping[str, float],
    curves: Mapping[str, Sequence[float]],
    *,
    best_epoch: int,
) -> str:
    """Return a view of a result: the metrics of its best epoch and its loss curves."""
    return render_template(
        "training_result.html",
        title=title,
        best=best,
        best_epoch=best_epoch,
        drawing=_drawing(curves, best_epoch),
    )


def shown(value: object, longest: int | None = None) -> str:
    """Return the ``repr`` of a setting; its type if that fails or has a memory address."""
    own = f"<{type(value).__name__}>"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  (an augmenter of the caller may raise anything)
        text = own
    text = own if " at 0x" in text else text
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def _drawing(curves: Mapping[str, Sequence[float]], best_epoch: int) -> _Drawing | None:
    """Return curves over epochs, the first one dashed; None if there is nothing to draw."""
    values = [value for curve in curves.values() for value in curve if math.isfinite(value)]
    epochs = max(map(len, curves.values()), default=0)
    if epochs < 2 or not values:
        return None
    low, high = min(values), max(values)

    def x(epoch: int) -> float:
        return _EDGE + (_WIDTH - 2 * _EDGE) * (epoch - 1) / (epochs - 1)

    def y(value: float) -> float:
        return _EDGE + (_HEIGHT - 2 * _EDGE) * (high - value) / ((high - low) or 1.0)

    names = ", ".join(f"{name} {'dashed' if n == 0 else 'whole'}" for n, name in enumerate(curves))
    span = f"from {low:.4g} to {high:.4g} over {epochs} epochs"
    return _Drawing(
        curves=[
            " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in enumerate(curve, 1) if math.isfinite(v))
            for curve in curves.values()
        ],
        mark=f"{x(best_epoch):.1f}",
        caption=f"{names}, {span}; the upright line is epoch {best_epoch}",
    )
