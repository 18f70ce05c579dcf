"""Save and load the index of a gallery, and verify that the classifier matches.

The file contains the digest of the classifier instead of the classifier itself: embeddings of
another network are not comparable with the enrolled ones.
"""

from __future__ import annotations

from shelfvision._storage.sealed import Target, where_is
from shelfvision.errors import BundleError
from shelfvision.gallery._file import GalleryContents, read_gallery, save_gallery
from shelfvision.gallery._index import ProductIndex, require_classifier
from shelfvision.inference import Classifier
from shelfvision.inference.digest import classifier_digest


def save_index(index: ProductIndex, target: Target) -> str:
    """Write the index without the classifier, and return the SHA-256 of the file."""
    contents = GalleryContents(
        photos=index.photos,
        unknown=index.unknown,
        classifier=index.digest,
        made_for=repr(index.classifier)[:1000],
        held_out=index.held_out,
    )
    return save_gallery(contents, target)


def load_index(
    source: Target, classifier: Classifier, *, expected_sha256: str | None
) -> ProductIndex:
    """Return a saved index; raise BundleError if it was created with another classifier."""
    require_classifier(classifier)
    found = read_gallery(source, expected_sha256=expected_sha256)
    digest = classifier_digest(classifier.served)
    if digest != found.classifier:
        raise BundleError(
            f"{where_is(source)} was made with another classifier, {found.made_for!r} of digest "
            f"{found.classifier[:12]}, than the one given, {classifier!r} of digest "
            f"{digest[:12]}; load that one, or enrol the photos again with this one",
            code="other-classifier",
            parameter="classifier",
        )
    return ProductIndex(
        classifier=classifier,
        digest=digest,
        photos=found.photos,
        unknown=found.unknown,
        held_out=found.held_out,
    )
