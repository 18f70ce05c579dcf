"""`audit`: looks at every photo once and tells what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsFloat, SupportsIndex

from shelfvision._validation import as_integer, as_number
from shelfvision.auditing._alike import about_twins
from shelfvision.auditing._balance import about_classes
from shelfvision.auditing._bursts import about_bursts
from shelfvision.auditing._look import look_at, photos_of
from shelfvision.auditing._quality import about_files, about_looks, about_sizes
from shelfvision.auditing._report import AuditReport
from shelfvision.auditing._settings import AuditSettings
from shelfvision.data import Dataset, Splits
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import DataError, InvalidParameterError


def audit(
    dataset: Dataset | Splits,
    *,
    threshold: SupportsFloat = 0.95,
    outlier: SupportsFloat = 3.5,
    few: SupportsIndex = 20,
) -> AuditReport:
    """Look at every photo once and tell what is wrong before you train.

    Told are, each under a code of its own: photos that cannot be read and files that were passed
    over; classes that have no usable photo, few, or far fewer than others, and such whose names
    differ only in case, spaces or hyphens; photos that are blank, too dark, too
    bright, blurred, or of an unusual size or shape; photos that are identical or look the same,
    under one label, under several, or in several parts of a split; and bursts. Nothing is changed
    and nothing is left out.

    Parameters
    ----------
    dataset : Dataset or Splits
        What to look at. Augmented copies are left aside. Make the dataset with
        ``on_error="raise"`` or ``"skip"``: bad photos are told either way.
    threshold : float, default=0.95
        How alike two photos look that count as near-duplicates, 0.5 to 1, as for
        `Dataset.group_near_duplicates`.
    outlier : float, default=3.5
        How many robust standard deviations from the median a photo's light, blur, size or shape
        is when it stands out. It has to be far off in absolute terms too, so a set in which all
        photos are much alike raises no alarm. The higher, the fewer are told.
    few : int, default=20
        A class with fewer photos than this is told.

    Returns
    -------
    AuditReport
        What was found.

    Raises
    ------
    DataError
        There is no photo to look at.
    InvalidParameterError
        A parameter is not as described here.

    Notes
    -----
    A photo is measured at 256 pixels of its longer side, or at its own size where it is smaller.
    With m the median of all photos and s their spread (1.4826 times the median absolute
    deviation [1]_), it counts as

    - **blurred** where its blur is above both m + 3.5 s and 0.6; the measure [2]_ is what blurring
      the photo once more leaves of its detail, 0 to 1, which depends on neither light nor contrast;
    - **dark** where its mean is below m - 3.5 s and 95 % of its pixels are below 96 of 255, or
      where 95 % are below 48; **bright** where its mean is above m + 3.5 s and 95 % of its pixels
      are above 128, or where 95 % are above 240;
    - **blank** where no colour varies by more than 3 levels over 32 x 32 pixels;
    - of unusual **size** where the root of its area is 2.5 times the median or less than its
      2.5th part, and of unusual **aspect** where its longer side over its shorter is 1.5 times
      the median; both more than 3.5 s away, in logarithms.

    A **burst** is three or more photos that `Dataset.group_bursts` joins: their names differ in
    their last number alone, and their colours are alike [3]_ to 0.92 on average.

    Every photo is decoded once, in a few threads; about 4 KB of it is kept.

    References
    ----------
    .. [1] B. Iglewicz and D. Hoaglin, "How to detect and handle outliers", ASQC Quality Press
       (1993).
    .. [2] F. Crété, T. Dolmiere, P. Ladret and M. Nicolas, "The blur effect: perception and
       estimation with a new no-reference perceptual blur metric", SPIE 6492 (2007).
    .. [3] A. Bhattacharyya, "On a measure of divergence between two multinomial populations",
       Sankhya 7 (1946) 401-406.

    Examples
    --------
    >>> import shelfvision as shv
    >>> photos = shv.samples.render_products({"Can": 30, "Jar": 6})
    >>> report = shv.audit(photos, few=10)
    >>> for finding in report:
    ...     print(finding.severity, finding.code, finding.count)
    warning few-photos 1
    warning imbalance 1
    note sizes-unknown 0
    """
    settings = AuditSettings(
        threshold=as_number("threshold", threshold, minimum=0.5, maximum=1.0),
        outlier=as_number("outlier", outlier, minimum=1.0, maximum=100.0),
        few=as_integer("few", few, minimum=0),
    )
    gathered = photos_of(_parts_of(dataset))
    if not len(gathered):
        raise DataError(
            "there is no photo to audit; give a dataset with at least one",
            code="empty",
            parameter="dataset",
        )
    looks = look_at(gathered)
    return AuditReport(
        gathered,
        [
            *about_files(gathered, looks),
            *about_twins(gathered, looks, settings.threshold),
            *about_classes(gathered, looks, settings),
            *about_looks(gathered, looks, settings),
            *about_sizes(gathered, looks, settings),
            *about_bursts(gathered, looks),
        ],
    )


def _parts_of(dataset: Dataset | Splits) -> Mapping[str, Dataset]:
    if isinstance(dataset, Dataset):
        return {"": dataset}
    if isinstance(dataset, Splits):
        return {name: part for name, part in zip(PARTS, dataset, strict=True) if part is not None}
    raise InvalidParameterError(
        f"dataset must be a Dataset or Splits, not {type(dataset).__name__}; make one with "
        "Dataset.from_directory or SeededSplitter.split",
        code="wrong-type",
        parameter="dataset",
    )
