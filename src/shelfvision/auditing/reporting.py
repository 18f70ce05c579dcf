"""From the measures of photos to the report, whoever read the photos.

`audit` reads the photos of a dataset. `shelfvision.scale.audit_features` takes measures that many
workers computed. Both make their report here, so the findings are the same.
"""

from __future__ import annotations

from shelfvision.auditing._alike import NearPhotos, about_twins, first_of_content
from shelfvision.auditing._balance import about_classes
from shelfvision.auditing._bursts import about_bursts
from shelfvision.auditing._quality import about_files, about_looks, about_sizes, is_blank
from shelfvision.auditing._report import AuditReport
from shelfvision.auditing.looks import AuditedPhotos, Looks
from shelfvision.auditing.settings import AuditSettings

__all__ = ["NearPhotos", "first_of_content", "is_blank", "report_on"]


def report_on(
    photos: AuditedPhotos, looks: Looks, settings: AuditSettings, near: NearPhotos | None = None
) -> AuditReport:
    """Return the report on photos that are measured already.

    Parameters
    ----------
    photos : AuditedPhotos
        The photos, which are read again only for pictures.
    looks : Looks
        Their measures.
    settings : AuditSettings
        The checked settings of the audit.
    near : NearPhotos, optional
        The pairs of near-duplicates; by default they are searched among the thumbnails.
    """
    return AuditReport(
        photos,
        [
            *about_files(photos, looks),
            *about_twins(photos, looks, settings.threshold, near),
            *about_classes(photos, looks, settings),
            *about_looks(photos, looks, settings),
            *about_sizes(photos, looks, settings),
            *about_bursts(photos, looks),
        ],
    )
