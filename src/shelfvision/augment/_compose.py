"""Combine augmenters: in sequence, one of several, or with a probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from typing_extensions import override

from shelfvision._validation import as_integer, as_number, counted
from shelfvision.augment.contract import apply_augmenter
from shelfvision.augment.operations._operation import Operation
from shelfvision.augment.operations._stages import Stage, Touch, render
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Augmenter, Image


def stages_of(
    augmenter: Augmenter, rng: np.random.Generator, size: tuple[int, int]
) -> Iterator[Stage]:
    """Yield the stages of an `Operation`, or one call of any other augmenter."""
    if isinstance(augmenter, Operation):
        yield from augmenter.stages(rng, size)
    else:
        yield Touch(lambda image: apply_augmenter(augmenter, np.array(image), rng))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Compose(Operation):
    """Apply several augmenters in sequence.

    Neighbouring geometric operations are merged into one matrix and resampled once, and
    neighbouring colour operations become one pass. This is faster than separate calls, and the
    image is interpolated and rounded once instead of at each step.

    Examples
    --------
    >>> import numpy as np
    >>> from shelfvision.augment import Brightness, Compose, Rotate
    >>> augmenter = Compose([Rotate(10), Brightness(0.2)])
    >>> image = np.zeros((8, 8, 3), dtype=np.uint8)
    >>> augmenter(image, np.random.default_rng(0)).shape
    (8, 8, 3)
    """

    augmenters: Sequence[Augmenter]
    """The augmenters in order, stored as a tuple; any callable ``(image, rng) -> image``."""

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "augmenters", _checked_several("Compose", self.augmenters))

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the stages of all augmenters."""
        for augmenter in self.augmenters:
            yield from stages_of(augmenter, rng, size)

    def __repr__(self) -> str:
        """Return the code that makes this operation."""
        return f"Compose([{', '.join(map(repr, self.augmenters))}])"


@final
@dataclass(frozen=True, slots=True, repr=False)
class OneOf(Operation):
    """Apply one of several augmenters, chosen at random for each image."""

    augmenters: Sequence[Augmenter]
    """The augmenters to choose from, stored as a tuple."""
    weights: Sequence[float] | None = None
    """The relative probability of each augmenter; None means equal probabilities."""

    def __post_init__(self) -> None:
        """Check the settings."""
        augmenters = _checked_several("OneOf", self.augmenters)
        object.__setattr__(self, "augmenters", augmenters)
        if self.weights is None:
            return
        weights = tuple(
            as_number("OneOf: a weight", weight, minimum=0, parameter="weights")
            for weight in self.weights
        )
        if len(weights) != len(augmenters) or not sum(weights) > 0:
            raise InvalidParameterError(
                f"OneOf: weights must have {counted(len(augmenters), 'number')}, one per augmenter "
                f"and not all 0, got {self.weights!r}",
                code="wrong-length",
                parameter="weights",
            )
        object.__setattr__(self, "weights", weights)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the stages of the chosen augmenter."""
        weights = self.weights or (1.0,) * len(self.augmenters)
        point = float(rng.random()) * sum(weights)
        for augmenter, weight in zip(self.augmenters, weights, strict=True):
            point -= weight
            if point < 0:
                yield from stages_of(augmenter, rng, size)
                return

    def __repr__(self) -> str:
        """Return the code that makes this operation."""
        weights = "" if self.weights is None else f", weights={list(self.weights)!r}"
        return f"OneOf([{', '.join(map(repr, self.augmenters))}]{weights})"


@final
@dataclass(frozen=True, slots=True, repr=False)
class Maybe(Operation):
    """Apply an augmenter with probability `p`, and otherwise return the image unchanged.

    Examples
    --------
    >>> from shelfvision.augment import Flip, Maybe
    >>> Maybe(Flip(), p=0.5)
    Maybe(Flip())
    """

    augmenter: Augmenter
    """The augmenter."""
    p: float = 0.5
    """The probability, from 0 to 1."""

    def __post_init__(self) -> None:
        """Check the settings."""
        _require_augmenter("Maybe", self.augmenter, "augmenter")
        object.__setattr__(
            self, "p", as_number("Maybe: p", self.p, minimum=0, maximum=1, parameter="p")
        )

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the augmenter's stages, or none."""
        if float(rng.random()) < self.p:
            yield from stages_of(self.augmenter, rng, size)

    def __repr__(self) -> str:
        """Return the code that makes this operation."""
        return f"Maybe({self.augmenter!r}{'' if self.p == 0.5 else f', p={self.p!r}'})"


@final
@dataclass(frozen=True, slots=True, repr=False)
class AlwaysChange(Operation):
    """Apply an augmenter and make sure that the result differs from the image.

    An augmenter may return the image unchanged, for example a `Maybe`, or a rotation of an image
    with one colour. Then it is called again, up to `attempts` times. If the image is still
    unchanged, its brightness is changed slightly.
    """

    augmenter: Augmenter
    """The augmenter."""
    attempts: int = 3
    """The number of calls before the brightness is changed."""

    def __post_init__(self) -> None:
        """Check the settings."""
        _require_augmenter("AlwaysChange", self.augmenter, "augmenter")
        attempts = as_integer(
            "AlwaysChange: attempts", self.attempts, minimum=1, parameter="attempts"
        )
        object.__setattr__(self, "attempts", attempts)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield one touch that is done again until it shows."""
        yield Touch(lambda image: self._changed(image, rng))

    def _changed(self, image: Image, rng: np.random.Generator) -> Image:
        size = (image.shape[0], image.shape[1])
        for _ in range(self.attempts):
            result = render(stages_of(self.augmenter, rng, size), image)
            # Comparing bytes is faster than comparing elements.
            if result.tobytes() != image.tobytes():
                return result
        # Bright images get darker and dark ones brighter, so that clipping cannot undo the change.
        step = 6 + int(18 * float(rng.random()))
        step = -step if image.mean(dtype=np.float64) > 127 else step
        return np.clip(image.astype(np.int16) + step, 0, 255).astype(np.uint8)


def _checked_several(owner: str, augmenters: object) -> tuple[Augmenter, ...]:
    if not isinstance(augmenters, list | tuple):
        raise InvalidParameterError(
            f"{owner}: augmenters must be a list, got {augmenters!r}; write {owner}([...])",
            code="wrong-type",
            parameter="augmenters",
        )
    for augmenter in augmenters:
        _require_augmenter(owner, augmenter, "augmenters")
    if not augmenters:
        raise InvalidParameterError(
            f"{owner}: augmenters must not be empty; pass at least one augmenter",
            code="empty",
            parameter="augmenters",
        )
    return tuple(augmenters)


def _require_augmenter(owner: str, augmenter: object, parameter: str) -> None:
    if isinstance(augmenter, type) and issubclass(augmenter, Operation):
        raise InvalidParameterError(
            f"{owner}: an augmenter must be an object, got the class {augmenter.__name__}; write "
            f"{augmenter.__name__}()",
            code="is-a-class",
            parameter=parameter,
        )
    if not callable(augmenter):
        raise InvalidParameterError(
            f"{owner}: an augmenter must be a callable (image, rng) -> image, got {augmenter!r}",
            code="wrong-type",
            parameter=parameter,
        )
