"""`Trainer`: how a model is trained, as a value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shelfvision._progress import Verbose
from shelfvision._storage.json_values import Json
from shelfvision._validation import one_of
from shelfvision.data import Dataset
from shelfvision.data.splitting.leaks import ON_LEAK, OnLeak
from shelfvision.protocols import Augmenter
from shelfvision.training._result import TrainingResult
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Trainer:
    """Trains a Keras model on photos, reproducibly, and can go on where it was stopped.

    It is a value: it prints, compares, and can train any number of models. Training goes through
    Keras's own ``fit``; the trainer owns the order of the photos, the choice of the best epoch
    and the state of the run on disk. The same model, photos, settings and seed give the same
    result, to the bit on one machine with one CPU thread; no global generator is touched.

    Raises
    ------
    InvalidParameterError
        A setting has a value that no run can have.

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
    """How often, at most, every photo is seen."""
    batch_size: int = setting(32, checks.count)
    """Photos in a step; an epoch's last step takes what is left."""
    optimizer: str | keras.optimizers.Optimizer = setting(
        "adam",
        checks.keras_object,
        decode=encoding.keras_object("optimizers"),
        compiled=True,
        resumable=True,
    )
    """A name that Keras knows or an instance, which serves as a pattern."""
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None = setting(
        None,
        checks.optional(checks.learning_rate),
        decode=encoding.keras_object("schedules"),
        compiled=True,
        resumable=True,
    )
    """The optimizer's step size, or a schedule of Keras's; None for the optimizer's own."""
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
    """How the learning rate changes: a `CosineSchedule` or a `PlateauSchedule`; None keeps it."""
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
    """How large a gradient may be; None for any size."""
    weight_decay: float | None = setting(None, checks.optional(checks.number()), compiled=True)
    """Share of every weight that a step takes away, as in AdamW, times the learning rate; biases
    and the numbers of normalization are spared. None for the optimizer's own."""
    loss: str | keras.losses.Loss | Callable[..., object] = setting(
        "auto",
        checks.keras_object,
        decode=encoding.keras_object("losses"),
        compiled=True,
        resumable=True,
    )
    """What is minimized; ``"auto"`` is binary cross-entropy for the architecture grocery_cnn,
    as in its article, and categorical cross-entropy for all others. Labels are one-hot rows, or
    class numbers where the loss is a sparse one."""
    label_smoothing: float = setting(
        0.0,
        checks.number(maximum=1.0, refused={1.0: "which leaves no label; give less"}),
        compiled=True,
    )
    """Share of every label that is spread over all classes, from 0 to below 1; the loss has to be
    a crossentropy over one-hot rows."""
    class_weight: ClassWeight | None = setting(
        None, checks.optional(check_class_weight), decode=encoding.as_mapping
    )
    """How much a photo counts in the training loss by its class: ``"balanced"`` lets every class
    count the same, a mapping gives weights by class name (others count 1)."""
    mixed_precision: MixedPrecision | None = setting(
        None, checks.optional(checks.choice(*MIXED_PRECISION)), compiled=True
    )
    """Type in which layers compute while weights stay ``float32``: ``"bfloat16"`` or
    ``"float16"``, which pay on accelerators. The probabilities are ``float32`` all the same, and
    the trained model computes in ``float32``. None computes as the model was built."""
    steps_per_execution: int = setting(1, checks.count, compiled=True)
    """Steps that Keras runs at a time; more help small networks on accelerators. Callbacks, Ctrl-C
    and the look at the loss come only so often. The torch backend takes 1 only."""
    patience: int | None = setting(20, checks.optional(checks.count))
    """Epochs without improvement after which training stops; None never stops early."""
    augmenter: Augmenter | None = setting(
        None, checks.optional(checks.augmenter), decode=encoding.recipe
    )
    """Varies every photo anew in every epoch."""
    fine_tune: str | None = setting(
        None,
        checks.optional(checks.text("'head', 'partial', 'full', the name of a layer or None")),
        compiled=True,
    )
    """Which layers of a pretrained model learn: ``"head"`` is the last one, ``"partial"`` about the
    upper 40 % of those with weights, ``"full"`` all of them, a layer's name all above it. What is
    below the cut is run once over each photo and its `views`, not in every epoch; batch norms stay
    frozen everywhere. None: the layers that are trainable, as they are."""
    views: int = setting(4, checks.count)
    """With a cut and an `augmenter`: how many views of each photo the part below is run over, the
    photo as it is and ``views - 1`` that the augmenter makes. An epoch sees one of them."""
    cache_dir: str | os.PathLike[str] | None = setting(
        None, checks.optional(checks.folder), resumable=True, unrecorded=True
    )
    """With a cut: folder in which later runs find what the part below gave; None keeps it for the
    length of the run only. For 1,000 photos in 4 views at the middle of EfficientNet-Lite0 it
    takes 180 MB."""
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
    """What the learning rate is multiplied with from layer to layer, downwards; below 1, layers
    near the photo change less than layers near the classes."""
    checkpoint_dir: str | os.PathLike[str] | None = setting(
        None, checks.optional(checks.folder), resumable=True, unrecorded=True
    )
    """Folder of the run's state, its history as CSV and JSON and, at the end, its classifier
    ``best.shelf``; None keeps nothing."""
    callbacks: Sequence[keras.callbacks.Callback] = setting(
        (), checks.callbacks, resumable=True, unrecorded=True
    )
    """Keras callbacks, called as in ``fit``. One that has ``get_state()`` (plain JSON values) and
    ``set_state(state)`` goes on where it was when a run is resumed."""
    seed: int = setting(42, checks.seed)
    """What order and augmentation are derived from. Initial weights and dropout have the model's
    own seed."""
    save_every: int | None = setting(None, checks.optional(checks.count), resumable=True)
    """Steps after which a run in `checkpoint_dir` is saved within an epoch, for epochs that are
    too long to lose; None saves at the end of every epoch only."""
    verbose: Verbose = setting("auto", checks.verbose, resumable=True, unrecorded=True)
    """What shows the progress, on standard error: ``"auto"`` is a bar on a terminal and in a
    notebook, and nothing elsewhere; 1 or True is a bar, 0 or False is nothing, and 2 is one line
    per epoch, and one per minute within a long epoch or preparation."""
    monitor: str = setting(
        "auto",
        checks.text("'auto', 'loss', 'val_loss', 'val_accuracy' or another metric of the model"),
    )
    """The metric that decides which epoch is best; ``"auto"`` is the validation loss, or the
    training loss where there is no validation part."""
    mode: Literal["auto", "min", "max"] = setting("auto", checks.choice("auto", "min", "max"))
    """Whether less or more of `monitor` is better; ``"auto"`` tells by its name."""
    min_delta: float = setting(0.0, checks.number())
    """By how much an epoch has to be better to be worth more patience."""
    on_leak: OnLeak = setting("raise", checks.choice(*ON_LEAK), resumable=True)
    """What to do when train and validation share photos, as in `Splits`."""

    def __post_init__(self) -> None:
        check_settings(self)
        require_schedule_fits(self.schedule, epochs=self.epochs, learning_rate=self.learning_rate)

    @classmethod
    def recommended(cls, model: keras.Model, dataset: Dataset, **overrides: object) -> Trainer:
        """Return a trainer with a recipe that suits a model and an amount of photos.

        A model with frozen layers, as `build_model` gives with ``weights=``, learns with its upper
        part, over views of each photo that the lower part is run over once. Any other model is
        trained whole, on photos that are varied anew in every epoch. Both with labels smoothed and
        a learning rate that falls along a cosine, for a number of epochs that depends on the
        number of photos and without stopping early. The recipe of the article is `Trainer` as it
        is.

        Parameters
        ----------
        model : keras.Model
            The model that will be trained, not compiled.
        dataset : Dataset
            The photos that it will be trained on.
        **overrides : object
            Settings of the `Trainer` that shall be otherwise, such as ``checkpoint_dir``.

        Returns
        -------
        Trainer
            The trainer; it prints as the code that makes it.

        Raises
        ------
        InvalidParameterError
            An override has a value that no run can have.

        Examples
        --------
        >>> import shelfvision as shv
        >>> photos = shv.samples.render_products(4, class_names=["juice", "milk"])
        >>> trainer = shv.Trainer.recommended(shv.build_model(2), photos, epochs=5)
        >>> trainer.epochs, trainer.label_smoothing, trainer.fine_tune
        (5, 0.1, None)
        """
        encoding.require_known(cls, overrides)
        settings = recommended_settings(model, dataset, overrides)
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
        """Train a model; it ends on the weights of its best epoch.

        Parameters
        ----------
        model : keras.Model
            Takes RGB pixels from 0 to 255 of the photos' size and gives one probability a class.
            It is compiled with this trainer's settings and top-1 accuracy unless the caller has
            compiled it; then it is used as it is.
        train : Dataset
            The photos to learn from.
        validation : Dataset, optional
            The photos that choose the best epoch. Without them the training loss does, with a
            warning.
        resume : {"auto", "never", "must"}, default="auto"
            ``"auto"`` goes on with the run in `checkpoint_dir` if there is one: it ends as if it
            had never stopped, a finished run just gives its result, and more `epochs` continue
            it. ``"never"`` starts over, ``"must"`` refuses to start a new run.

        Returns
        -------
        TrainingResult
            The model, a classifier, the history and the best epoch. Ctrl-C stops after the
            current step and returns the best so far, once an epoch is finished.

        Raises
        ------
        DataError
            The photos cannot be trained on, or the parts do not fit each other.
        LeakageError
            The parts share photos and `on_leak` is ``"raise"``.
        ModelError
            The model does not fit the photos.
        ResumeError
            The run on disk is of other photos, settings, model or backend, or cannot be read.
        TrainingError
            The loss became infinite or not a number; the model is back on its best weights.
        StorageError
            The run's state could not be written.

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
        return fit(self, model, train, validation, resume)

    def to_dict(self) -> dict[str, Json]:
        """Return the settings as names and numbers, fit for JSON.

        Returns
        -------
        dict
            Every setting by name. Values of ours, and optimizers, losses and schedules of Keras's,
            are dicts with a ``name`` and their own settings; an augmenter is its recipe.

        Raises
        ------
        InvalidParameterError
            A setting is something that plain values cannot tell: a callback, a function, a class
            of the caller's own.

        Examples
        --------
        >>> import shelfvision as shv
        >>> shv.Trainer(epochs=5).to_dict()["epochs"]
        5
        """
        return encoding.encoded_settings(self, encoding.refuse_value)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Json]) -> Trainer:
        """Return the trainer that a dict of `to_dict` describes; it runs no code by name.

        Parameters
        ----------
        settings : mapping
            Settings by name. What is left out has its default.

        Returns
        -------
        Trainer
            A trainer that gives the same dict.

        Raises
        ------
        InvalidParameterError
            A setting is unknown, or has a value that no run can have.
        AugmenterError
            The augmenter's recipe names something unknown.

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
        """Return the code that makes this trainer, without settings that are the default."""
        chosen = changed_settings(self).items()
        return f"Trainer({', '.join(f'{name}={shown(value)}' for name, value in chosen)})"

    def _repr_html_(self) -> str:
        return settings_view(changed_settings(self), defaults_of(Trainer))
