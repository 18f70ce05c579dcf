"""`Preprocessing`: how a photo becomes the input of a network.

Training, bundles, exported models and prediction share one value, so that a photo is preprocessed
the same way everywhere.

>>> rule = Preprocessing(image_size=(100, 80), test_time_crop=0.8)
>>> rule.read_size
(125, 100)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias, final, get_args

import numpy as np

from shelfvision._photos.decode import resize_image
from shelfvision._validation import as_image_size, as_number, one_of, received
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import RESIZE_RULES, Image, Images, Resize

CropShape: TypeAlias = Literal["box", "image"]
"""The shape of a crop: the box, or the box enlarged to the aspect ratio of the image size."""

CROP_SHAPES: Final[tuple[CropShape, ...]] = get_args(CropShape)
"""The shapes of crops."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How a photo, or a box in a photo, becomes the input of a network.

    A photo is resized to `read_size`, and its center of `image_size` is kept. A box is first
    cropped from its photo by `context` and `shape`.

    Raises
    ------
    InvalidParameterError
        A value is out of range.

    Examples
    --------
    >>> import shelfvision as shv
    >>> rule = shv.data.Preprocessing(image_size=(224, 224), test_time_crop=0.875)
    >>> rule.read_size
    (256, 256)
    >>> shv.data.Preprocessing.from_dict(rule.to_dict()) == rule
    True
    """

    image_size: tuple[int, int]
    """Height and width of the network input, in pixels."""
    resize: Resize = "stretch"
    """How photos of another aspect ratio are resized: ``"stretch"``, ``"pad"`` or ``"crop"``."""
    context: float = 0.0
    """Context margin of crops: a share of the box's width and height, 0 to 10, on every side."""
    shape: CropShape = "box"
    """Shape of a crop: the ``"box"``, or the box enlarged to the aspect ratio of the image."""
    test_time_crop: float = 1.0
    """Share of each side that the center crop keeps at prediction, 0.5 to 1; 1 keeps all.

    torchvision resizes to 256 pixels and keeps 224 of them, which is 0.875; timm calls it
    ``crop_pct``.
    """

    def __post_init__(self) -> None:
        checked = {
            "image_size": as_image_size(self.image_size),
            "resize": one_of("resize", self.resize, RESIZE_RULES),
            "context": as_number("context", self.context, minimum=0, maximum=10),
            "shape": one_of("shape", self.shape, CROP_SHAPES),
            "test_time_crop": _checked_share(self.test_time_crop),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def read_size(self) -> tuple[int, int]:
        """Height and width that photos are resized to, before their center is kept."""
        height, width = (round(side / self.test_time_crop) for side in self.image_size)
        return height, width

    def to_dict(self) -> dict[str, object]:
        """Return the values as JSON values."""
        return dataclasses.asdict(self) | {"image_size": list(self.image_size)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the preprocessing of a `to_dict` result; refuse other entries and values.

        Parameters
        ----------
        values : mapping
            All values by name.

        Returns
        -------
        Preprocessing
            The preprocessing.

        Raises
        ------
        InvalidParameterError
            The mapping does not have exactly the keys and types of `to_dict`.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, Mapping) or set(values) != names:
            raise InvalidParameterError(
                f"preprocessing must have exactly the entries {sorted(names)}, got "
                f"{received(values)}; pass the result of Preprocessing.to_dict",
                code="foreign-format",
                parameter="values",
            )
        rule = cls(**values)  # type: ignore[arg-type]  # __post_init__ checks each of them
        plain = all(type(value) in (str, int, float, list) for value in values.values())
        if not plain or rule.to_dict() != dict(values):
            raise InvalidParameterError(
                f"preprocessing must have the values of Preprocessing.to_dict, got "
                f"{received(values)}; pass its result",
                code="wrong-type",
                parameter="values",
            )
        return rule


def _checked_share(value: float) -> float:
    return as_number("test_time_crop", value, minimum=0.5, maximum=1)


def preprocessing_of_old_file(image_size: object, resize: object) -> Preprocessing:
    """Return the checked preprocessing of a file in an old format with only these values."""
    defaults = Preprocessing(image_size=(1, 1)).to_dict()
    return Preprocessing.from_dict(defaults | {"image_size": image_size, "resize": resize})


def resized_to_read(image: Image, rule: Preprocessing) -> Image:
    """Return pixels at `Preprocessing.read_size`; the same object if the image has that size."""
    if image.shape[:2] == rule.read_size:
        return image
    return resize_image(image, image_size=rule.read_size, resize=rule.resize)


def center_cropped(images: Images, rule: Preprocessing) -> Images:
    """Return the centers, of `Preprocessing.image_size`, of images at `read_size`.

    Parameters
    ----------
    images : ndarray of uint8, shape (..., height, width, 3)
        One image or a batch.
    rule : Preprocessing
        The preprocessing, which defines the part that is kept.

    Returns
    -------
    ndarray of uint8, shape (..., height, width, 3)
        The centers; `images` itself if nothing is cut off.
    """
    if rule.read_size == rule.image_size:
        return images
    height, width = rule.image_size
    full = rule.read_size
    top, left = (full[0] - height) // 2, (full[1] - width) // 2
    return np.ascontiguousarray(images[..., top : top + height, left : left + width, :])
