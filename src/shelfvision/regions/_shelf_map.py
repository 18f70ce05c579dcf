"""`ShelfMap`: a grid over a photo with the predicted class of each cell."""

from __future__ import annotations

import os
from typing import SupportsIndex, final

import numpy as np
import numpy.typing as npt

from shelfvision.boxes.box_list import Boxes
from shelfvision.boxes.whole_photo import Origin, pixels_of
from shelfvision.protocols import Image
from shelfvision.regions.drawing._map_picture import Cells, Edges, draw_map


@final
class ShelfMap:
    """A grid over a photo with the predicted class of each cell.

    `Classifier.scan` returns it; see there for its limits. It is immutable, and does not keep the
    pixels of a photo that was read from a file.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (rows, columns, k)
        The weighted mean of the probabilities of all tiles that cover a cell.
    accepted : ndarray of bool, shape (rows, columns)
        Whether the confidence of a cell is high enough.
    class_names : tuple of str, length k
        The class names, in the order of the probabilities.
    image_size : tuple of int
        Height and width of the upright photo.
    tile_size : tuple of int
        Height and width of the tiles in pixels of the photo.
    n_tiles : int
        The number of tiles that were classified.
    edges : tuple of (ndarray, ndarray)
        The edges of rows and columns of cells in pixels: one more than rows, one more than columns.
    origin : str, bytes or ndarray
        The photo: its path, the bytes of its file, or its pixels.
    """

    __slots__ = (
        "_accepted",
        "_class_names",
        "_edges",
        "_image_size",
        "_n_tiles",
        "_origin",
        "_probabilities",
        "_tile_size",
    )

    def __init__(
        self,
        *,
        probabilities: npt.NDArray[np.float32],
        accepted: npt.NDArray[np.bool_],
        class_names: tuple[str, ...],
        image_size: tuple[int, int],
        tile_size: tuple[int, int],
        n_tiles: int,
        edges: tuple[Edges, Edges],
        origin: Origin,
    ) -> None:
        self._probabilities = np.array(probabilities, dtype=np.float32)
        self._accepted = np.array(accepted, dtype=np.bool_)
        for column in (self._probabilities, self._accepted):
            column.flags.writeable = False
        self._class_names = tuple(class_names)
        self._image_size, self._tile_size = image_size, tile_size
        self._n_tiles, self._edges, self._origin = n_tiles, edges, origin

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """The mean probabilities of each cell, shape (rows, columns, k), read-only."""
        return self._probabilities

    @property
    def accepted(self) -> npt.NDArray[np.bool_]:
        """Whether each cell has a known class, shape (rows, columns), read-only."""
        return self._accepted

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities."""
        return self._class_names

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the upright photo in pixels."""
        return self._image_size

    @property
    def tile_size(self) -> tuple[int, int]:
        """Height and width of the tiles in pixels of the photo."""
        return self._tile_size

    @property
    def n_tiles(self) -> int:
        """The number of tiles that were classified."""
        return self._n_tiles

    @property
    def labels(self) -> npt.NDArray[np.object_]:
        """The class of each cell, ``str``, shape (rows, columns); None if it is unknown."""
        names = np.array((*self._class_names, None), dtype=object)
        return np.asarray(names[self._numbers()])

    @property
    def confidences(self) -> npt.NDArray[np.float32]:
        """The largest probability of each cell, 0 to 1, shape (rows, columns)."""
        return np.asarray(self._probabilities.max(axis=-1))

    @property
    def accepted_share(self) -> float:
        """The share of the photo's area with a known class, 0 to 1."""
        return float((self._weights() * self._accepted).sum())

    @property
    def shares(self) -> dict[str, float]:
        """The share of the photo's area that each class covers, 0 to 1."""
        numbers, weights = self._numbers(), self._weights()
        return {
            name: float(weights[numbers == place].sum())
            for place, name in enumerate(self._class_names)
        }

    @property
    def cells(self) -> npt.NDArray[np.float64]:
        """Left, top, right and bottom of each cell in pixels, shape (rows, columns, 4)."""
        downs, across = self._edges
        top, left = np.meshgrid(downs[:-1], across[:-1], indexing="ij")
        bottom, right = np.meshgrid(downs[1:], across[1:], indexing="ij")
        return np.stack([left, top, right, bottom], axis=-1)

    def areas(self) -> Boxes:
        """Return the connected areas of cells with the same class, the largest first.

        Returns
        -------
        Boxes
            The bounding box of each area; bounding boxes may overlap. The label is the class, or
            None for unknown areas: gaps, price rails, products of unknown classes. The score is the
            mean confidence of the area.
        """
        found = self._areas()
        cells, confidences = self.cells, self.confidences
        corners = [
            [*cells[area][:, :2].min(axis=0), *cells[area][:, 2:].max(axis=0)] for area in found
        ]
        labels = self.labels
        return Boxes(
            np.array(corners).reshape(-1, 4),
            labels=[labels[area][0] for area in found],
            scores=np.array([float(confidences[area].mean()) for area in found]).clip(0, 1),
            image_size=self._image_size,
        )

    def photo(self) -> Image:
        """Return the pixels of the upright photo, ``uint8`` (height, width, 3).

        Raises
        ------
        PhotoError
            The file of the photo does not exist, cannot be read, or has another size now.
        """
        return pixels_of(self._origin, self._image_size)

    def draw(
        self,
        *,
        width: SupportsIndex | None = None,
        font: str | os.PathLike[str] | None = None,
    ) -> Image:
        """Draw the class of each cell on the photo; unknown cells are hatched.

        Parameters
        ----------
        width : int, optional
            The width of the picture in pixels. By default the width of the photo, at most 1600.
        font : path-like, optional
            A font for class names, as for `Regions.draw`.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            RGB pixels of the photo, with a legend below it.

        Raises
        ------
        PhotoError
            The file of the photo does not exist, cannot be read, or has another size now.
        """
        return draw_map(
            self.photo(),
            Cells(numbers=self._numbers(), edges=self._edges, areas=self._areas()),
            self._class_names,
            width=width,
            font=font,
        )

    def _weights(self) -> npt.NDArray[np.float64]:
        """Return the share of the photo's area of each cell."""
        down, across = (np.diff(edges) / edges[-1] for edges in self._edges)
        return np.asarray(down[:, None] * across)

    def _numbers(self) -> npt.NDArray[np.int64]:
        """Return the class index of each cell, -1 for unknown."""
        return np.where(self._accepted, self._probabilities.argmax(axis=-1), -1)

    def _areas(self) -> list[npt.NDArray[np.bool_]]:
        """Return the mask of each connected area, the largest first."""
        from scipy import ndimage

        numbers = self._numbers()
        areas: list[npt.NDArray[np.bool_]] = []
        for number in np.unique(numbers):
            parts, count = ndimage.label(numbers == number)
            areas += [parts == part for part in range(1, count + 1)]
        return sorted(areas, key=lambda area: -int(area.sum()))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the constructor's arguments."""
        return _remade, ({name[1:]: getattr(self, name) for name in self.__slots__},)

    def __repr__(self) -> str:
        """Return one line with the size of the grid and the accepted share."""
        rows, columns = self._accepted.shape
        return (
            f"<ShelfMap: {rows} x {columns} cells of {self._n_tiles} tiles, "
            f"{100 * self.accepted_share:.0f} % accepted>"
        )


def _remade(fields: dict[str, object]) -> ShelfMap:
    return ShelfMap(**fields)  # type: ignore[arg-type]  # its own
