"""`CalibratingClassifier`: how a classifier learns what its confidence is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inference._predicting import PredictingClassifier
from shelfvision.inference._trust import Trust, require_labelled, warn_of_too_few
from shelfvision.predictions import Calibration, CalibrationMethod, Thresholds, ValidationScores

if TYPE_CHECKING:
    from typing import Self


class CalibratingClassifier(PredictingClassifier):
    """What a `Classifier` does with photos that it was not trained on."""

    __slots__ = ()

    @property
    def calibration(self) -> Calibration | None:
        """What makes its probabilities mean what they say; None gives them as they are."""
        return self._trust.calibration

    @property
    def thresholds(self) -> Thresholds | None:
        """From which confidence on it accepts a prediction; None decides nothing."""
        return self._trust.thresholds

    @property
    def validation_scores(self) -> ValidationScores | None:
        """What the network said of its validation photos, uncalibrated; None if it keeps none."""
        return self._trust.validation

    def with_validation(self, dataset: Dataset | ValidationScores | None) -> Self:
        """Return the same classifier with the scores of other validation photos.

        `Trainer` does this with its validation part. The scores are saved with the classifier: a
        row of probabilities, a label and a group's number for each photo, of at most 10,000 photos.

        Parameters
        ----------
        dataset : Dataset, ValidationScores or None
            Photos that the network was not trained on, of the same classes. Its groups tell which
            photos were taken together. Or scores that there are already, such as those that
            networks of the same kind gave in cross-validation. None keeps no scores.

        Returns
        -------
        Classifier
            A classifier with these scores, and with the calibration and thresholds of this one.

        Raises
        ------
        InvalidParameterError
            `dataset` is no dataset, and no scores either.
        DataError
            The dataset has no photos, or other classes.
        PhotoError
            A photo cannot be read.
        """
        if isinstance(dataset, ValidationScores):
            scores: ValidationScores | None = self._fitting(dataset)
        else:
            scores = None if dataset is None else self._scored(dataset)
        return self._trusting(replace(self._trust, validation=scores))

    def _fitting(self, scores: ValidationScores) -> ValidationScores:
        found, own = scores.probabilities.shape[1], len(self._class_names)
        if found != own:
            raise DataError(
                f"the validation scores are of {found} classes and the classifier has {own}; pass "
                "scores in the order of its class names",
                code="wrong-length",
                parameter="dataset",
            )
        return scores

    def calibrated(
        self, method: CalibrationMethod | None = "temperature", *, dataset: Dataset | None = None
    ) -> Self:
        """Return the same classifier with probabilities that mean what they say.

        Of photos that a calibrated classifier is 0.9 sure of, nine in ten are right, as far as
        photos are like those it was calibrated on.

        Parameters
        ----------
        method : {"temperature", "sigmoid", "isotonic"} or None, default="temperature"
            How; `Calibration.fit` tells them apart. None goes back to what the network says.
        dataset : Dataset, optional
            Photos that the network was not trained on. By default the validation scores that it
            keeps serve; they also chose the best epoch, which flatters a little.

        Returns
        -------
        Classifier
            A calibrated classifier without thresholds; choose them after calibrating.

        Raises
        ------
        DataError
            There are no photos to learn from, or they are of other classes.
        InvalidParameterError
            `method` is no such thing.

        Warns
        -----
        ShelfVisionWarning
            This classifier has thresholds, which are dropped.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> classifier.calibrated(dataset=photos).calibration.method
        'temperature'
        """
        if method is None:
            if dataset is not None:
                raise InvalidParameterError(
                    "method is None, which learns nothing, but there is a dataset; leave one out",
                    code="conflict",
                    parameter="method",
                )
            return self._trusting(self._trust.with_calibration(None))
        scores = self._scored(dataset) if dataset is not None else None
        scores = scores or self._trust.require_scores("calibration")
        fitted = Calibration.fit(scores.probabilities, scores.labels, method=method)
        return self._trusting(self._trust.with_calibration(fitted))

    def with_threshold(
        self,
        precision: float | None = None,
        *,
        dataset: Dataset | None = None,
        confidence_level: float | None = 0.95,
        per_class: bool = False,
        mistake_cost: float | None = None,
        review_cost: float | None = None,
    ) -> Self:
        """Return the same classifier, which sends to review what it is not sure enough of.

        Parameters
        ----------
        precision : float, optional
            The share of accepted photos that shall be right, such as 0.98; this or both costs.
            Neither takes the thresholds away.
        dataset : Dataset, optional
            Photos that the network was not trained on, best also not the ones that chose its best
            epoch or its calibration. By default the validation scores that it keeps serve. Photos
            of one group (a burst, a shelf, a day) count once: see `Thresholds.for_precision`.
        confidence_level : float or None, default=0.95
            How probable it shall be that the precision is reached; None asks for it on average
            only, which takes fewer photos and promises less.
        per_class : bool, default=False
            Whether every predicted class gets a threshold of its own.
        mistake_cost : float, optional
            What an accepted mistake costs, in any currency.
        review_cost : float, optional
            What it costs to have a person look at a photo, in the same.

        Returns
        -------
        Classifier
            A classifier whose predictions have the decisions ``"accept"`` and ``"review"``.

        Raises
        ------
        DataError
            There are no photos to learn from, or they are of other classes.
        InvalidParameterError
            A number is out of range, or `precision` and the costs do not go together.

        Warns
        -----
        ShelfVisionWarning
            The photos do not support the precision: everything, or everything predicted as some
            class, goes to review. The warning says how many photos would do.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(8, class_names=["Can", "Jar"], seed=1)
        >>> model = shv.build_model(2, image_size=photos.image_size)
        >>> classifier = shv.Classifier.from_model(model, class_names=photos.class_names)
        >>> cheap = classifier.with_threshold(dataset=photos, mistake_cost=1.0, review_cost=0.9)
        >>> cheap.predict(photos).decisions[0] in ("accept", "review")
        True
        """
        costs = mistake_cost is not None and review_cost is not None
        half = (mistake_cost is None) != (review_cost is None)
        if half or (costs and precision is not None):
            raise InvalidParameterError(
                "with_threshold takes a precision, or both mistake_cost and review_cost; give one "
                "or the other",
                code="conflict",
                parameter="precision",
            )
        if precision is None and not costs:
            return self._trusting(replace(self._trust, thresholds=None))
        kept = self._scored(dataset) if dataset is not None else None
        scores = kept or self._trust.require_scores("a threshold")
        rows = self._trust.calibrated(scores.probabilities)
        if mistake_cost is not None and review_cost is not None:
            thresholds = Thresholds.for_cost(
                rows,
                scores.labels,
                scores.groups,
                mistake_cost=mistake_cost,
                review_cost=review_cost,
                per_class=per_class,
            )
        else:
            thresholds = Thresholds.for_precision(
                rows,
                scores.labels,
                scores.groups,
                precision=0.98 if precision is None else precision,
                confidence_level=confidence_level,
                per_class=per_class,
            )
            warn_of_too_few(thresholds, self._class_names)
        return self._trusting(replace(self._trust, thresholds=thresholds))

    def _scored(self, dataset: Dataset) -> ValidationScores:
        photos = require_labelled(dataset, self._class_names)
        return ValidationScores.of(self._raw_scores(photos), photos.labels, photos.groups)

    def _trusting(self, trust: Trust) -> Self:
        """Return the same classifier, sharing its network, with other trust in itself."""
        other = object.__new__(type(self))
        other._network, other._class_names = self._network, self._class_names
        other._preprocessing, other._provenance = self._preprocessing, self._provenance
        other._spec = self._spec
        other._trust = trust
        return other
