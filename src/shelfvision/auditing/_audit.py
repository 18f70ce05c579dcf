"""`audit`: reads every photo once and reports the faults of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsFloat, SupportsIndex

from shelfvision.auditing._report import AuditReport
from shelfvision.auditing.looks import look_at, photos_of
from shelfvision.auditing.reporting import report_on
from shelfvision.auditing.settings import audit_settings
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
    """Audit a dataset before training: find faulty, unusual and duplicate photos.

    Every photo is read once. The report has a finding with its own code for each of these:

    - photos that cannot be read, and files that were not used;
    - classes with no or few usable photos, class imbalance, and class names that differ only in
      case, spaces, hyphens or underscores;
    - photos that are blank, too dark, too bright, blurred, or of an unusual size or shape;
    - identical photos and near-duplicates, under one label, under several labels, or in several
      sets of a split (data leakage);
    - bursts.

    The dataset is not changed.

    Parameters
    ----------
    dataset : Dataset or Splits
        The photos to audit. Augmented copies are ignored. Of a dataset of `Dataset.from_boxes`, the
        whole photos are audited, and classes are counted by boxes. The dataset may be made with
        ``on_error="raise"`` or ``"skip"``: bad photos are reported in both cases.
    threshold : float, default=0.95
        The minimum similarity of near-duplicates, 0.5 to 1, as for
        `Dataset.group_near_duplicates`.
    outlier : float, default=3.5
        The distance from the median, in robust standard deviations, from which light, blur, size or
        shape of a photo is an outlier. Absolute limits apply too, so a set of very similar photos
        has no outliers. Higher values report fewer photos.
    few : int, default=20
        Classes with fewer photos than this are reported.

    Returns
    -------
    AuditReport
        The findings, errors first.

    Raises
    ------
    DataError
        The dataset has no photos.
    InvalidParameterError
        A parameter has another type or is out of range.

    Notes
    -----
    A photo is measured at 256 pixels on its longer side, or at its own size if it is smaller.
    Let m be the median of all photos and s their spread (1.4826 times the median absolute
    deviation [1]_). A photo is

    - **blurred** if its blur is above both m + 3.5 s and 0.6. The blur [2]_ is the share of
      detail that remains after blurring the photo again, 0 to 1, which is independent of light and
      contrast;
    - **dark** if its mean is below m - 3.5 s and 95 % of its pixels are below 96 of 255, or if
      95 % are below 48;
    - **bright** if its mean is above m + 3.5 s and 95 % of its pixels are above 128, or if 95 %
      are above 240;
    - **blank** if no colour varies by more than 3 levels over 32 x 32 pixels;
    - of unusual **size** if the root of its area is more than 2.5 times the median, or less than
      the median divided by 2.5;
    - of unusual **aspect** if the ratio of its longer to its shorter side is more than 1.5 times
      the median. Size and aspect must also differ by more than 3.5 s, in logarithms.

    A **burst** is three or more photos that `Dataset.group_bursts` joins: their names differ only
    in the last number, and the average similarity of their colours [3]_ is at least 0.92.

    Every photo is decoded once, in several threads; about 4 KB per photo stays in memory.

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
    settings = audit_settings(threshold=threshold, outlier=outlier, few=few)
    gathered = photos_of(_parts_of(dataset))
    if not len(gathered):
        raise DataError(
            "dataset must have a photo to audit, got none; give a dataset with at least one",
            code="empty",
            parameter="dataset",
        )
    return report_on(gathered, look_at(gathered), settings)


def _parts_of(dataset: Dataset | Splits) -> Mapping[str, Dataset]:
    if isinstance(dataset, Dataset):
        return {"": dataset}
    if isinstance(dataset, Splits):
        return {name: part for name, part in zip(PARTS, dataset, strict=True) if part is not None}
    raise InvalidParameterError(
        f"dataset must be a Dataset or Splits, got {type(dataset).__name__}; make one with "
        "Dataset.from_directory or SeededSplitter.split",
        code="wrong-type",
        parameter="dataset",
    )
