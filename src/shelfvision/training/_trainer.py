"""`Trainer`: the hyperparameters of training, and the method that trains a model with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from shelfvision._progress import Verbose, as_verbose
from shelfvision._storage.json_values import Json
from shelfvision._validation import one_of
from shelfvision.data import Dataset
from shelfvision.data.splitting.leaks import ON_LEAK, OnLeak
from shelfvision.models.tiers import TierName
from shelfvision.protocols import Augmenter
from shelfvision.training._result import TrainingResult
from shelfvision.training.devices._found import scope_of
from shelfvision.training.display._html import settings_view, shown
from shelfvision.training.loop._fit import fit
from shelfvision.training.loop._mixed_precision import MIXED_PRECISION, MixedPrecision
from shelfvision.training.run._resume import RESUME, Resume
from shelfvision.training.settings import _checks as checks
from shelfvision.training.settings import _encoding as encoding
from shelfvision.training.settings._class_weight import ClassWeight, check_class_weight
from shelfvision.training.settings._clipping import GradientClipping
from shelfvision.training.settings._recommended import recommended_settings
from shelfvision.training.settings._schedules import (
    CosineSchedule,
    PlateauSchedule,
    Schedule,
    require_schedule_fits,
)
from shelfvision.training.settings._setting import (
    changed_settings,
    check_settings,
    defaults_of,
    setting,
)

if TYPE_CHECKING:
    import keras


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Trainer:
    """Train Keras models on photos, with early stopping, checkpoints and resume.

    A trainer is an immutable set of hyperparameters. It can train any number of models, and two
    trainers with equal settings are equal. `Trainer.fit` calls ``keras.Model.fit`` and adds a
    deterministic order of photos, the choice of the best epoch and checkpoints.

    Training is deterministic: the same model, photos, settings and seed give the same result. It
    is bit-identical on one machine with one CPU thread. Global random generators are not used.

    All settings are keyword arguments:

    - optimization: ``epochs``, ``batch_size``, ``optimizer``, ``learning_rate``, ``schedule``,
      ``clipping``, ``weight_decay``, ``loss``, ``label_smoothing``, ``class_weight``;
    - early stopping and the best epoch: ``patience``, ``min_delta``, ``monitor``, ``mode``;
    - data augmentation: ``augmenter``;
    - fine-tuning: ``fine_tune``, ``views``, ``layer_decay``, ``cache_dir``;
    - prediction: ``test_time_crop``;
    - checkpoints and callbacks: ``checkpoint_dir``, ``save_every``, ``callbacks``;
    - speed: ``mixed_precision``, ``steps_per_execution``;
    - others: ``seed``, ``verbose``, ``on_leak``.

    Raises
    ------
    InvalidParameterError
        A setting has an invalid value.

    Examples
    --------
    >>> import shelfvision as shv
    >>> trainer = shv.Trainer(epochs=20, batch_size=16)
    >>> trainer == shv.Trainer(epochs=20, batch_size=16)
    True
    >>> trainer.to_dict()["optimizer"]
    'adam'
    """

    epochs: int = setting(200, checks.count, resumable=True)
    """Maximum number of epochs."""
    batch_size: int = setting(32, checks.count)
    """Photos per training step. The last step of an epoch may have fewer."""
    optimizer: str | keras.optimizers.Optimizer = setting(
        "adam",
        checks.keras_object,
        decode=encoding.keras_object("optimizers"),
        compiled=True,
        resumable=True,
    )
    """Name of a Keras optimizer, or an instance. Each model gets a fresh copy of the instance."""
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = setting(
        None,
        checks.optional(checks.learning_rate),
        decode=encoding.keras_object("schedules"),
        compiled=True,
        resumable=True,
    )
    """Learning rate, or a Keras learning-rate schedule. None uses the optimizer's default."""
    schedule: Schedule | None = setting(
        None,
        checks.optional(
            checks.instance(
                (CosineSchedule, PlateauSchedule),
                "a CosineSchedule or a PlateauSchedule of shelfvision.training (give a schedule of "
                "Keras's as learning_rate)",
            )
        ),
        decode=encoding.value_of(CosineSchedule, PlateauSchedule),
        compiled=True,
    )
    """Learning-rate schedule: a `CosineSchedule` or a `PlateauSchedule`. None keeps the rate
    constant."""
    clipping: GradientClipping | None = setting(
        None,
        checks.optional(
            checks.instance(
                (GradientClipping,),
                "a shelfvision.training.GradientClipping, such as "
                "GradientClipping(global_norm=1.0)",
            )
        ),
        decode=encoding.value_of(GradientClipping),
        compiled=True,
    )
    """Gradient clipping. None does not clip gradients."""
    weight_decay: float | None = setting(None, checks.optional(checks.number()), compiled=True)
    """Decoupled weight decay, as in AdamW: each step subtracts this share of a weight, times the
    learning rate. Biases and normalization weights do not decay. None uses the optimizer's
    default."""
    loss: str | keras.losses.Loss | Callable[..., object] = setting(
        "auto",
        checks.keras_object,
        decode=encoding.keras_object("losses"),
        compiled=True,
        resumable=True,
    )
    """Training loss. ``"auto"`` is binary cross-entropy for the architecture ``grocery_cnn``, as in
    its article, and categorical cross-entropy for all others. Labels are one-hot rows, or class
    numbers for a sparse loss."""
    label_smoothing: float = setting(
        0.0,
        checks.number(maximum=1.0, refused={1.0: "which leaves no label; give less"}),
        compiled=True,
    )
    """Label smoothing: the share of each label that is spread evenly over all classes, in [0, 1).
    It requires a cross-entropy loss with one-hot labels."""
    class_weight: ClassWeight | None = setting(
        None, checks.optional(check_class_weight), decode=encoding.as_mapping
    )
    """Weight of each class in the training loss, against class imbalance. ``"balanced"`` gives all
    classes the same total weight. A mapping gives weights by class name; the default is 1."""
    mixed_precision: MixedPrecision | None = setting(
        None, checks.optional(checks.choice(*MIXED_PRECISION)), compiled=True
    )
    """Type of the layers' computations: ``"bfloat16"`` or ``"float16"``, which are faster on
    accelerators. Weights and probabilities remain ``float32``, and the trained model computes in
    ``float32``. None uses the types that the model was built with."""
    steps_per_execution: int = setting(1, checks.count, compiled=True)
    """Training steps per call of the compiled function. Larger values speed up small networks on
    accelerators. Callbacks, Ctrl-C and the NaN check run once per call. The torch backend supports
    1 only."""
    patience: int | None = setting(20, checks.optional(checks.count))
    """Early stopping: epochs without improvement before training stops. None disables it."""
    augmenter: Augmenter | None = setting(
        None, checks.optional(checks.augmenter), decode=encoding.recipe
    )
    """Data augmentation: a random change of each training photo in each epoch. None uses none."""
    fine_tune: str | None = setting(
        None,
        checks.optional(checks.text("'head', 'partial', 'full', the name of a layer or None")),
        compiled=True,
    )
    """Layers of a pretrained model to fine-tune: ``"head"`` is the last layer, ``"partial"`` about
    the upper 40 % of the layers with weights, ``"full"`` all layers, and a layer's name all layers
    above it. The frozen layers below run once for each photo and its `views`, not in each epoch.
    Batch normalization layers stay frozen. None trains the layers that are trainable."""
    test_time_crop: float = setting(1.0, checks.number(minimum=0.5, maximum=1.0))
    """Share of each side of a photo that the trained classifier looks at, 0.5 to 1: it reads photos
    larger by this factor and keeps their center. Data augmentation that enlarges photos makes
    products larger in training than at prediction, and a crop makes up for it (Touvron et al.
    2019). The classifier, its exports and `Scorer` predict with it, and the validation set is read
    with it. 1 keeps all."""
    views: int = setting(4, checks.count)
    """Views of each photo that the frozen layers compute, where `fine_tune` freezes layers and
    there is an `augmenter`: the original photo and ``views - 1`` augmented ones. Each epoch uses
    one view of each photo."""
    cache_dir: str | os.PathLike[str] | None = setting(
        None, checks.optional(checks.folder), resumable=True, unrecorded=True
    )
    """Folder for the outputs of the frozen layers, which later runs reuse. None keeps them only
    during the run. 1,000 photos with 4 views take 180 MB at the middle of EfficientNet-Lite0."""
    layer_decay: float = setting(
        1.0,
        checks.number(
            maximum=1.0,
            refused={
                0.0: "with which only the last layer would learn; say that with fine_tune='head'"
            },
        ),
        compiled=True,
    )
    """Layer-wise learning-rate decay: the factor from each layer to the one below it. With a factor
    below 1, lower layers learn more slowly than upper layers."""
    checkpoint_dir: str | os.PathLike[str] | None = setting(
        None, checks.optional(checks.folder), resumable=True, unrecorded=True
    )
    """Folder for checkpoints, the settings of the run as ``run.json``, the history as CSV and JSON
    and, at the end, the classifier ``best.shelf``. None saves nothing."""
    callbacks: Sequence[keras.callbacks.Callback] = setting(
        (), checks.callbacks, resumable=True, unrecorded=True
    )
    """Keras callbacks, called as in ``keras.Model.fit``. A resumed run restores the state of
    callbacks that have ``get_state()``, which returns plain JSON values, and
    ``set_state(state)``."""
    seed: int = setting(42, checks.seed)
    """Seed for the order of photos and data augmentation. The model has its own seed for initial
    weights and dropout."""
    save_every: int | None = setting(None, checks.optional(checks.count), resumable=True)
    """Steps between two checkpoints within an epoch, for long epochs. None saves a checkpoint only
    after each epoch."""
    verbose: Verbose = setting("auto", as_verbose, resumable=True, unrecorded=True)
    """Progress display on standard error. ``"auto"`` shows a bar on a terminal and in a notebook,
    and nothing elsewhere. 1 or True shows a bar, and 0 or False nothing. 2 writes one line per
    epoch, and one per minute within a long epoch or preparation."""
    monitor: str = setting(
        "auto",
        checks.text("'auto', 'loss', 'val_loss', 'val_accuracy' or another metric of the model"),
    )
    """Metric that determines the best epoch. ``"auto"`` is the validation loss, or the training
    loss without a validation set."""
    mode: Literal["auto", "min", "max"] = setting("auto", checks.choice("auto", "min", "max"))
    """Whether a smaller or a larger `monitor` is better. ``"auto"`` derives it from the name."""
    min_delta: float = setting(0.0, checks.number())
    """Change of `monitor` that an improvement must exceed to reset `patience`."""
    on_leak: OnLeak = setting("raise", checks.choice(*ON_LEAK), resumable=True)
    """What to do about data leakage between training and validation set, as in `Splits`."""

    def __post_init__(self) -> None:
        check_settings(self)
        require_schedule_fits(self.schedule, epochs=self.epochs, learning_rate=self.learning_rate)

    @classmethod
    def recommended(
        cls,
        model: keras.Model,
        dataset: Dataset,
        *,
        tier: TierName = "balanced",
        **overrides: object,
    ) -> Trainer:
        """Return a trainer with recommended hyperparameters for a model and a dataset.

        For a model with frozen layers, such as `build_model` returns with ``weights=``, the
        trainer uses partial fine-tuning: the frozen layers compute several augmented views of each
        photo once, and the upper layers train on them. Its classifier sees the central 0.9 of the
        width and height of a photo file (`test_time_crop`), because the augmentation enlarges
        products. It sees the whole photo if you pass an `augmenter`, and for arrays and boxes. Any
        other model is trained from scratch with data augmentation in each epoch.

        Both use label smoothing and a cosine schedule, and no early stopping. The number of epochs
        depends on the number of photos. The hyperparameters of the original article are the
        defaults of `Trainer`.

        Parameters
        ----------
        model : keras.Model
            The model that will be trained, not compiled.
        dataset : Dataset
            The training set.
        tier : {"fast", "balanced", "accurate"}, default="balanced"
            ``"fast"`` halves epochs and views of a pretrained model. Pass the same tier to
            `build_model`. On 2,640 photos of 81 products, the tiers took 2.7, 8.9 and 14.9 minutes
            of CPU time, and named 0.855, 0.886 and 0.898 of the photos of other sessions correctly.
        **overrides : object
            Settings of the `Trainer` that replace recommended values, such as
            ``checkpoint_dir``.

        Returns
        -------
        Trainer
            A trainer whose ``repr`` is the code that creates it.

        Raises
        ------
        InvalidParameterError
            An override is unknown or has an invalid value.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(4, class_names=["juice", "milk"])
        >>> trainer = shv.Trainer.recommended(shv.build_model(2), photos, epochs=5)
        >>> trainer.epochs, trainer.label_smoothing, trainer.fine_tune
        (5, 0.1, None)
        """
        encoding.require_known(cls, overrides)
        settings = recommended_settings(model, dataset, tier, overrides)
        # The constructor checks every value.
        return cls(**settings)  # type: ignore[arg-type]

    def fit(
        self,
        model: keras.Model,
        train: Dataset,
        validation: Dataset | None = None,
        *,
        resume: Resume = "auto",
    ) -> TrainingResult:
        """Train a model and keep the weights of its best epoch.

        A model that was built for several devices, with ``keras.distribution`` on jax or within the
        scope of a ``tf.distribute.MirroredStrategy`` on tensorflow, is trained on all of them. The
        result is that of one device within rounding, except for batch normalization and dropout on
        tensorflow.

        Parameters
        ----------
        model : keras.Model
            Its input is RGB pixels from 0 to 255 in the size of the photos, and its output is one
            probability per class. If the model is not compiled, ``fit`` compiles it with the
            settings of this trainer and top-1 accuracy. A compiled model keeps its optimizer, loss
            and metrics.
        train : Dataset
            The training set.
        validation : Dataset, optional
            The validation set, which determines the best epoch. Without it, ``fit`` warns and
            uses the training loss.
        resume : {"auto", "never", "must"}, default="auto"
            ``"auto"`` resumes the run in ``checkpoint_dir`` if there is one; the result is the
            same as that of an uninterrupted run. A finished run returns its result without
            training, unless ``epochs`` is larger than before. ``"never"`` starts over, and
            ``"must"`` requires an existing run.

        Returns
        -------
        TrainingResult
            The model, a classifier, the history and the best epoch. Ctrl-C stops training after
            the current step and returns the best epoch so far. Before the first epoch has ended,
            it raises ``KeyboardInterrupt``.

        Raises
        ------
        DataError
            A set is empty, train has one class only, or validation does not match train.
        LeakageError
            Train and validation share photos, and ``on_leak`` is ``"raise"``.
        ModelError
            The model does not match the photos or their classes, or was built outside the scope of
            its devices.
        ResumeError
            The run on disk has other photos, settings, model or backend, or cannot be read.
        TrainingError
            Keras cannot train on these devices, or training diverged: the loss or a weight became
            NaN or infinite. The model then has the weights of its best epoch.
        StorageError
            A checkpoint could not be written.

        Examples
        --------
        >>> import numpy as np
        >>> import shelfvision as shv
        >>> images = np.random.default_rng(0).integers(0, 256, (8, 90, 90, 3), dtype=np.uint8)
        >>> photos = shv.Dataset.from_arrays(images, ["juice", "milk"] * 4)
        >>> model = shv.build_model(2, image_size=(90, 90))
        >>> result = shv.Trainer(epochs=2, monitor="loss").fit(model, photos)
        >>> result.stopped_epoch, len(result.history["accuracy"])
        (2, 2)
        """
        one_of("resume", resume, RESUME)
        with scope_of(model):
            return fit(self, model, train, validation, resume)

    def to_dict(self) -> dict[str, Json]:
        """Return the settings as plain JSON values.

        Returns
        -------
        dict
            All settings by name. A schedule, gradient clipping, or a Keras optimizer, loss or
            schedule is a dict with its class as ``name`` and its settings. An augmenter is the dict
            that `shelfvision.augment.to_dict` returns.

        Raises
        ------
        InvalidParameterError
            A setting has a value that plain JSON values cannot represent: a callback, a function
            or an instance of a custom class.

        Examples
        --------
        >>> import shelfvision as shv
        >>> shv.Trainer(epochs=5).to_dict()["epochs"]
        5
        """
        return encoding.encoded_settings(self, encoding.refuse_value)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Json]) -> Trainer:
        """Return the trainer that `Trainer.to_dict` encoded.

        It creates only objects of shelfvision, Keras and installed augmenter plugins.

        Parameters
        ----------
        settings : mapping
            Settings by name. Missing settings get their default.

        Returns
        -------
        Trainer
            A trainer that `Trainer.to_dict` encodes as the same dict.

        Raises
        ------
        InvalidParameterError
            A setting is unknown or has an invalid value.
        AugmenterError
            The dict of the augmenter has an unknown name.

        Examples
        --------
        >>> import shelfvision as shv
        >>> trainer = shv.Trainer(epochs=5, augmenter=shv.augment.Flip())
        >>> shv.Trainer.from_dict(trainer.to_dict()) == trainer
        True
        """
        # The constructor checks every value.
        return cls(**encoding.decoded_settings(cls, settings))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        """Return the code that creates this trainer, without settings that have their default."""
        chosen = changed_settings(self).items()
        return f"Trainer({', '.join(f'{name}={shown(value)}' for name, value in chosen)})"

    def _repr_html_(self) -> str:
        return settings_view(changed_settings(self), defaults_of(Trainer))
