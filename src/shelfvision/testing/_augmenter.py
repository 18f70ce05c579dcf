"""`check_augmenter`: the contract of `shelfvision.protocols.Augmenter`."""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from shelfvision._random import rng_for
from shelfvision.augment.contract import answer_fault, name_of
from shelfvision.errors import AugmenterError, ShelfVisionWarning
from shelfvision.protocols import Augmenter, Image
from shelfvision.testing._faults import listed_faults
from shelfvision.testing._global_generators import drawn_from, generators_kept

_SLOW = 0.1


def check_augmenter(augmenter: Augmenter) -> None:
    """Check that an augmenter fulfills the contract of `shelfvision.protocols.Augmenter`.

    Parameters
    ----------
    augmenter : callable
        A function ``(image, rng) -> image``.

    Raises
    ------
    AugmenterError
        The augmenter breaks its contract. The message has one line per fault. Faults are: the
        result is not ``uint8`` with the shape of the input; the input is changed; the augmenter
        fails on tall, wide, one-pixel or one-colour images, or on extreme values; the results for
        the same image and an equal generator differ, also in another order of calls or in several
        threads; the augmenter uses or seeds the global generators of Python, NumPy or PyTorch; or
        it cannot be pickled.

    Warns
    -----
    ShelfVisionWarning
        The augmenter takes more than 0.1 seconds for an image of 100 x 100 pixels.

    Notes
    -----
    The state of the global random generators does not change.

    Examples
    --------
    >>> from shelfvision.testing import check_augmenter
    >>> from shelfvision.augment import default_augmenter
    >>> check_augmenter(default_augmenter())
    >>> check_augmenter(lambda image, rng: image[::2])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shelfvision.errors.AugmenterError: augmenter <lambda> breaks its contract:
    - ...
    """
    given: object = augmenter
    if isinstance(given, type):
        raise AugmenterError(
            f"check_augmenter got the class {given.__name__}; pass one of it, {given.__name__}()",
            code="is-a-class",
            parameter="augmenter",
        )
    if not callable(given):
        raise AugmenterError(
            f"an augmenter is a callable (image, rng) -> image, not {given!r}",
            code="wrong-type",
            parameter="augmenter",
        )
    adapter = _adapter_for(given)
    if adapter is not None:
        raise AugmenterError(
            f"{name_of(given)} is a transform of another library, which takes no generator; take "
            f"it in with shelfvision.augment.{adapter}",
            code="foreign-augmenter",
            parameter="augmenter",
        )
    with generators_kept():
        faults = listed_faults(_faults(augmenter))
    if faults:
        raise AugmenterError(
            f"augmenter {name_of(augmenter)} breaks its contract:{faults}",
            code="contract",
            parameter="augmenter",
        )


def _adapter_for(thing: object) -> str | None:
    """Return the name of the adapter that a transform of another library needs, or None."""
    if hasattr(thing, "set_random_seed") and hasattr(thing, "available_keys"):
        return "from_albumentations"
    if hasattr(thing, "get_config") and hasattr(thing, "call"):
        return "from_keras_layer"
    home = type(thing).__module__
    return "from_torchvision" if home.startswith("torchvision.") else None


def _faults(augmenter: Augmenter) -> Iterator[str]:
    untouched = _fresh(augmenter)
    # A photo first: an augmenter that fails on it fails on all images, and one fault is reported.
    basic = list(_answer_faults(augmenter, "a photo of 100 x 100", _photo(100, 100)))
    yield from basic
    if not basic:
        for kind, image in _odd_images():
            yield from _answer_faults(augmenter, kind, image)
    yield from _repeat_faults(augmenter)
    yield from _order_faults(untouched)
    yield from _global_faults(augmenter)
    yield from _pickle_faults(augmenter)
    if not basic:
        yield from _thread_faults(augmenter)
        _warn_if_slow(augmenter)


def _photo(height: int, width: int) -> Image:
    """Return a synthetic image with the shades, edges and noise of a photo."""
    down, right = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    shades = np.stack([down + 0 * right, right + 0 * down, 0.5 + 0.5 * np.sin(9 * down * right)])
    grain = rng_for(0, "check_augmenter", height, width).random((height, width, 3))
    return np.asarray(200 * np.moveaxis(shades, 0, 2) + 55 * grain).astype(np.uint8)


def _odd_images() -> Iterator[tuple[str, Image]]:
    yield "an image of 1 x 1", _photo(1, 1)
    yield "a tall image of 300 x 1", _photo(300, 1)
    yield "a wide image of 1 x 300", _photo(1, 300)
    yield "an image of 67 x 100", _photo(67, 100)
    yield "an image of one grey", np.full((40, 40, 3), 128, np.uint8)
    yield "a black image", np.zeros((40, 40, 3), np.uint8)
    yield "a white image", np.full((40, 40, 3), 255, np.uint8)
    board = np.indices((40, 40)).sum(axis=0) % 2 * 255
    yield "a black and white chessboard", np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)


def _rng(number: int = 0) -> np.random.Generator:
    return rng_for(0, "check_augmenter", number)


def _answer_faults(augmenter: Augmenter, kind: str, image: Image) -> Iterator[str]:
    # Several draws, because an augmenter may break the contract for some random numbers only.
    for number in range(4):
        given = image.copy()
        try:
            result: object = augmenter(given, _rng(number))
        except Exception as error:  # noqa: BLE001  (user code may raise any error)
            yield f"it fails on {kind} with {type(error).__name__}: {error}"
            return
        fault = answer_fault(result, image)
        if fault is not None:
            yield f"on {kind} it {fault}"
        if not np.array_equal(given, image):
            yield "it writes into the image that it is given; work on image.copy()"
        if fault is not None:
            return


def _result(augmenter: Augmenter, image: Image, number: int) -> object:
    """Return the result, or the type of the error, for a comparison."""
    try:
        return np.array(augmenter(image.copy(), _rng(number)))
    except Exception as error:  # noqa: BLE001  (reported by another check)
        return type(error).__name__


def _same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return first.shape == second.shape and bool(np.all(first == second))
    return type(first) is type(second) and not isinstance(first, np.ndarray) and first == second


def _repeat_faults(augmenter: Augmenter) -> Iterator[str]:
    image = _photo(60, 80)
    for number in range(4):
        results = [_result(augmenter, image, number) for _ in range(3)]
        if not all(_same(results[0], result) for result in results[1:]):
            yield (
                "it has hidden state: called again with the same image and an equal generator it "
                "gives another result; draw everything from the rng that it is given"
            )
            return


def _order_faults(augmenter: Augmenter) -> Iterator[str]:
    images = [_photo(60, 80), _photo(60, 80)[::-1].copy(), 255 - _photo(60, 80)]
    calls = list(enumerate(images))
    there, back = _fresh(augmenter), _fresh(augmenter)
    forward = {number: _result(there, image, number) for number, image in calls}
    backward = {number: _result(back, image, number) for number, image in reversed(calls)}
    if not all(_same(forward[number], backward[number]) for number in forward):
        yield (
            "its results depend on the order of calls: the same images in reverse order come out "
            "different; keep nothing from one call to the next"
        )


def _fresh(augmenter: Augmenter) -> Augmenter:
    try:
        return copy.deepcopy(augmenter)
    except Exception:  # noqa: BLE001  (then the one that there is must do)
        return augmenter


def _global_faults(augmenter: Augmenter) -> Iterator[str]:
    def called() -> None:
        for number in range(4):
            _result(augmenter, _photo(30, 40), number)

    for name in drawn_from(called):
        yield (
            f"it draws from or seeds the global generator of {name}; draw everything from the rng "
            "that it is given"
        )


def _pickle_faults(augmenter: Augmenter) -> Iterator[str]:
    try:
        again = pickle.loads(pickle.dumps(augmenter))  # noqa: S301  (the pickle is created in the same line)
    except Exception as error:  # noqa: BLE001  (pickling a user's object may raise any error)
        yield (
            f"it cannot be pickled ({type(error).__name__}: {error}), so that no other process "
            "can use it; make it a function or class at the top of a module"
        )
        return
    image = _photo(60, 80)
    if not _same(_result(augmenter, image, 1), _result(again, image, 1)):
        yield (
            "pickled and loaded again it gives another result; keep all that it needs in what "
            "is pickled"
        )


def _thread_faults(augmenter: Augmenter) -> Iterator[str]:
    images = [_photo(50 + n, 50) for n in range(8)]
    alone = [_result(augmenter, image, n) for n, image in enumerate(images)]

    def called(n: int) -> object:
        return _result(augmenter, images[n % 8], n % 8)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(called, range(32)))
    if not all(_same(alone[n % 8], result) for n, result in enumerate(together)):
        yield (
            "called from several threads at once it gives other results than alone; keep nothing "
            "that is shared between calls"
        )


def _warn_if_slow(augmenter: Augmenter) -> None:
    image, seconds = _photo(100, 100), []
    for number in range(3):
        start = time.perf_counter()
        _result(augmenter, image, number)
        seconds.append(time.perf_counter() - start)
    if min(seconds) > _SLOW:
        warnings.warn(
            ShelfVisionWarning(
                f"augmenter {name_of(augmenter)} is slow: it takes {min(seconds):.2f} s for an "
                "image of 100 x 100, and training waits for it",
                code="slow",
            ),
            stacklevel=4,
        )
