"""Call an augmenter of any origin and check that it keeps its contract."""

from __future__ import annotations

import numpy as np

from shelfvision.errors import AugmenterError
from shelfvision.protocols import Augmenter, Image


def name_of(augmenter: object) -> str:
    """Return a short name of an augmenter for messages: its function name or its repr."""
    name = getattr(augmenter, "__qualname__", None)
    if isinstance(name, str):
        return name
    text = repr(augmenter)
    text = type(augmenter).__qualname__ if " at 0x" in text else text
    return text if len(text) <= 80 else text[:77] + "..."


def apply_augmenter(
    augmenter: Augmenter, image: Image, rng: np.random.Generator, *, where: str = "an image"
) -> Image:
    """Call an augmenter and check that it keeps its contract.

    Parameters
    ----------
    augmenter : callable
        A callable that takes ``(image, rng)`` and returns an image of the same shape.
    image : ndarray of uint8, shape (height, width, 3)
        The image.
    rng : numpy.random.Generator
        The random generator.
    where : str, default="an image"
        A name of the image, for the error message.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The result, which does not share memory with `image`.

    Raises
    ------
    AugmenterError
        The augmenter raised an error, wrote into its input, or did not return a ``uint8`` array of
        the same shape.
    """
    before = image.tobytes()
    try:
        result = augmenter(image, rng)
    except AugmenterError:
        raise
    except Exception as error:
        raise AugmenterError(
            f"augmenter {name_of(augmenter)} failed on {where} with "
            f"{type(error).__name__}: {error}; try it alone with "
            "shelfvision.testing.check_augmenter",
            code="raised",
        ) from error
    fault = answer_fault(result, image)
    if fault is None and image.tobytes() != before:
        fault = "wrote into its input image; work on image.copy()"
    if fault is not None:
        raise AugmenterError(
            f"augmenter {name_of(augmenter)}, called on {where}, {fault}", code="contract"
        )
    return np.array(result) if np.may_share_memory(result, image) else result


def answer_fault(result: object, image: Image) -> str | None:
    """Return a description of how a result breaks the contract, or None."""
    if not isinstance(result, np.ndarray):
        return (
            f"returned {'None' if result is None else type(result).__name__} instead of an array; "
            "return the new image as a numpy array of uint8"
        )
    if result.dtype != np.uint8:
        return (
            f"returned dtype {result.dtype} instead of uint8; end with "
            "numpy.clip(values, 0, 255).astype(numpy.uint8)"
        )
    if result.shape != image.shape:
        return (
            f"returned shape {result.shape} for an image of shape {image.shape}; resize or crop "
            "to the shape of the input"
        )
    return None
