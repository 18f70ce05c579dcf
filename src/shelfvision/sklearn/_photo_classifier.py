"""`PhotoClassifier`: a scikit-learn estimator that trains a network on photos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from shelfvision._progress import Verbose
from shelfvision.augment import BalancingAugmenter
from shelfvision.data.folds.photo_columns import (
    PhotoColumn,
    column_of_photos,
    dataset_of_photos,
)
from shelfvision.inference import Classifier
from shelfvision.protocols import Augmenter, Resize
from shelfvision.sklearn._bases import BaseEstimator, ClassifierMixin
from shelfvision.sklearn._fitting import fit_photos
from shelfvision.sklearn._nested import NESTED, changed, divided_names, settings_of
from shelfvision.sklearn._targets import numbers_among, targets_of
from shelfvision.sklearn._training_photos import TrainingPhotos
from shelfvision.training.held_out import TrainerFor

if TYPE_CHECKING:
    import os
    from typing import Self

    from sklearn.utils import Tags


@final
class PhotoClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of photos with the interface of scikit-learn.

    `fit` divides the photos into a training and a validation set, balances the training set on
    request, trains a network, and keeps the weights of its best epoch. Balancing is a parameter
    and not a step of a pipeline, so that no augmented copy is in the validation set.

    Photos, called ``X``, are a ``uint8`` array of shape (n, height, width, 3), or a sequence of
    paths, PIL images, encoded files or arrays of any size. Labels are texts or integers.

    Parameters
    ----------
    architecture : str, default="grocery_cnn"
        The network, by a name of `available_architectures`.
    image_size : (int, int), optional
        Height and width of the model input in pixels. The default depends on the architecture.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        How a photo of another aspect ratio is resized.
    weights : {"imagenet"} or path-like, optional
        Pretrained weights, as in `build_model`.
    dropout : float, optional
        The rate of all dropout layers, as in `build_model`.
    trainer : Trainer or callable, optional
        The hyperparameters, or a function that returns a `Trainer` for a model and its training
        set. By default `Trainer.recommended`. With a `Trainer`, each of its settings is a nested
        parameter, such as ``trainer__label_smoothing``. Leave its ``checkpoint_dir`` at None, or
        give each fit its own.
    epochs : int, optional
        The number of epochs; by default that of the trainer.
    batch_size : int, optional
        The number of photos per training step; by default that of the trainer.
    learning_rate : float, optional
        The learning rate; by default that of the trainer.
    augmenter : Augmenter, optional
        Data augmentation of each training photo in each epoch; by default that of the trainer.
    balance : BalancingAugmenter or True, optional
        What balances the training set. True stands for ``BalancingAugmenter(seed=seed)``. Settings
        of a balancer are nested parameters, such as ``balance__sampling_strategy``.
    validation : float, default=0.2
        The share of the photos that is the validation set, from 0 up to but not including 1. With
        0, the training loss chooses the best epoch.
    seed : int, default=42
        The seed of the initial weights, the division, the balancing and recommended trainers.
    verbose : {"auto", 0, 1, 2} or bool, default=0
        The progress display, as in `Trainer`.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The labels of the classes, sorted.
    classifier_ : Classifier
        The trained classifier, which can be saved, exported and calibrated.
    history_ : dict
        The metrics of every epoch, as in `TrainingResult`.
    best_epoch_ : int
        The epoch whose weights were kept.
    validation_indices_ : ndarray of int64
        The rows of ``X`` that were the validation set, ascending.

    Notes
    -----
    Without ``groups``, near-duplicates and bursts are kept in one of the two sets. The folds of
    scikit-learn do not know them, so `score` warns if photos that it scores are related to training
    photos. `SeededSplitter.cv` returns folds that keep groups together.

    With ``n_jobs``, each worker process loads the Keras backend.

    Examples
    --------
    >>> import numpy as np
    >>> from shelfvision.sklearn import PhotoClassifier
    >>> X = np.random.default_rng(0).integers(0, 256, (12, 90, 90, 3), dtype=np.uint8)
    >>> y = np.array(["juice", "milk"] * 6)
    >>> estimator = PhotoClassifier(image_size=(90, 90), epochs=1).fit(X, y)
    >>> estimator.classes_.tolist(), estimator.predict_proba(X).shape
    (['juice', 'milk'], (12, 2))
    """

    classes_: npt.NDArray[Any]
    classifier_: Classifier
    history_: dict[str, list[float]]
    best_epoch_: int
    validation_indices_: npt.NDArray[np.int64]
    _training_photos: TrainingPhotos | None

    def __init__(
        self,
        architecture: str = "grocery_cnn",
        *,
        image_size: tuple[int, int] | None = None,
        resize: Resize = "stretch",
        weights: str | os.PathLike[str] | None = None,
        dropout: float | None = None,
        trainer: TrainerFor | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        augmenter: Augmenter | None = None,
        balance: BalancingAugmenter | bool | None = None,
        validation: float = 0.2,
        seed: int = 42,
        verbose: Verbose = 0,
    ) -> None:
        self.architecture = architecture
        self.image_size = image_size
        self.resize = resize
        self.weights = weights
        self.dropout = dropout
        self.trainer = trainer
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.augmenter = augmenter
        self.balance = balance
        self.validation = validation
        self.seed = seed
        self.verbose = verbose

    def fit(
        self,
        X: PhotoColumn,  # noqa: N803  (scikit-learn's name)
        y: npt.ArrayLike,
        groups: Iterable[object] | None = None,
    ) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : ndarray or sequence, length n
            The photos.
        y : array_like of str or int, shape (n,)
            The class of each photo.
        groups : sequence of str, length n, optional
            The group of each photo: a store, a session, a burst. Photos of one group stay in one
            of the two sets. By default near-duplicates and bursts are found and kept together. In
            `cross_val_score`, pass them with ``params={"groups": groups}``.

        Returns
        -------
        PhotoClassifier
            This estimator.

        Raises
        ------
        InvalidParameterError
            A parameter is out of range, or `X`, `y` and `groups` do not match.
        PhotoError
            A photo cannot be read.
        DataError
            `X` is empty, or all photos have one class.
        SplitError
            A class has one group only, which cannot be in both sets.

        Warns
        -----
        LeakageWarning
            All photos of a class are near-duplicates or one burst, so that the validation set
            shares them (code ``"groups-parted"``).
        """
        targets = targets_of(y)
        found = fit_photos(self.get_params(deep=False), X, targets, groups)
        self.classes_ = targets.classes
        self.classifier_ = found.fit.result.classifier
        self.history_ = found.fit.result.history
        self.best_epoch_ = found.fit.result.best_epoch
        self.validation_indices_ = found.validation_indices
        self._training_photos = TrainingPhotos.of(found.photos) if groups is None else None
        return self

    def predict_proba(self, X: PhotoColumn) -> npt.NDArray[np.float32]:  # noqa: N803  (the same)
        """Return the probability of each class for each photo.

        Parameters
        ----------
        X : ndarray or sequence, length n
            The photos, as for `fit`.

        Returns
        -------
        ndarray of float32, shape (n, k)
            One row per photo, with the sum 1, in the order of ``classes_``.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        check_is_fitted(self)
        return self.classifier_.predict_proba(column_of_photos(X))

    def predict(self, X: PhotoColumn) -> npt.NDArray[Any]:  # noqa: N803  (the same)
        """Return the most probable class of each photo.

        Parameters
        ----------
        X : ndarray or sequence, length n
            The photos, as for `fit`.

        Returns
        -------
        ndarray, shape (n,)
            Labels of ``classes_``.

        Raises
        ------
        PhotoError
            A photo cannot be read.
        """
        probabilities = self.predict_proba(X)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def score(
        self,
        X: PhotoColumn,  # noqa: N803  (the same)
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Return the accuracy on photos.

        Parameters
        ----------
        X : ndarray or sequence, length n
            The photos, as for `fit`.
        y : array_like of str or int, shape (n,)
            The class of each photo.
        sample_weight : array_like of float, shape (n,), optional
            The weight of each photo.

        Returns
        -------
        float
            The accuracy, 0 to 1.

        Warns
        -----
        LeakageWarning
            Photos are near-duplicates or a burst of training photos (code ``"groups-parted"``).
            The warning is left out if `fit` had groups, and for the training photos themselves.
        """
        check_is_fitted(self)
        listed = column_of_photos(X)
        if self._training_photos is not None:
            numbers = numbers_among(self.classes_, y)
            names = self.classifier_.class_names
            scored = dataset_of_photos(listed, numbers, class_names=names)
            self._training_photos.warn_if_related(TrainingPhotos.of(scored), names)
        return float(super().score(listed, y, sample_weight=sample_weight))

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  (the same)
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether the settings of a trainer and a balancer are included.

        Returns
        -------
        dict
            The values, with nested names such as ``trainer__epochs``.
        """
        params: dict[str, Any] = super().get_params(deep=False)
        if deep:
            for outer in NESTED:
                settings = settings_of(params[outer])
                params |= {f"{outer}__{name}": value for name, value in settings.items()}
        return params

    def set_params(self, **params: object) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **params : object
            The values, with nested names such as ``trainer__epochs``.

        Returns
        -------
        PhotoClassifier
            This estimator.

        Raises
        ------
        InvalidParameterError
            A nested name needs a `Trainer` or `BalancingAugmenter`, or is unknown to it.
        """
        plain, nested = divided_names(params)
        super().set_params(**plain)
        for outer, settings in nested.items():
            value = changed(getattr(self, outer), settings, parameter=outer)
            setattr(self, outer, value)
        return self

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: photos are not a table of features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
