"""Calling an augmenter that anyone may have written, and catching it when it breaks its word."""

from __future__ import annotations

import numpy as np

from shelfvision.errors import AugmenterError
from shelfvision.protocols import Augmenter, Image


def name_of(augmenter: object) -> str:
    """Return how a sentence calls this augmenter: its name, or the code that makes it."""
    name = getattr(augmenter, "__qualname__", None)
    if isinstance(name, str):
        return name
    text = repr(augmenter)
    text = type(augmenter).__qualname__ if " at 0x" in text else text
    return text if len(text) <= 80 else text[:77] + "..."


def apply_augmenter(
    augmenter: Augmenter, image: Image, rng: np.random.Generator, *, where: str = "an image"
) -> Image:
    """Call an augmenter and hold it to its contract.

    Parameters
    ----------
    augmenter : callable
        Takes ``(image, rng)`` and gives an image of the same shape.
    image : ndarray of uint8, shape (height, width, 3)
        What it is called with.
    rng : numpy.random.Generator
        Its randomness.
    where : str, default="an image"
        What the image is, for the error's sentence.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The augmenter's answer, an array of its own.

    Raises
    ------
    AugmenterError
        It raised an error, wrote into its input, or gave something that is not ``uint8`` of the
        input's shape.
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
        fault = "wrote into the image that it was given; work on image.copy()"
    if fault is not None:
        raise AugmenterError(
            f"augmenter {name_of(augmenter)}, called on {where}, {fault}", code="contract"
        )
    return np.array(result) if np.may_share_memory(result, image) else result


def answer_fault(result: object, image: Image) -> str | None:
    """Return what is wrong with an augmenter's answer to this image, or None."""
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
            "to the shape that came in"
        )
    return None
