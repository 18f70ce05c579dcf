"""Fine-tune EfficientNet-Lite0: `with_shelfvision.py TRAIN.csv TEST.csv OUT.npz`."""

import sys

import numpy as np

import shelfvision as shv


def main():
    train = shv.Dataset.from_manifest(sys.argv[1], image_size=(224, 224))
    test = shv.Dataset.from_manifest(
        sys.argv[2], image_size=(224, 224), class_names=train.class_names
    )
    model = shv.build_model(
        len(train.class_names), architecture="efficientnet_lite0", weights="imagenet"
    )
    trainer = shv.Trainer.recommended(model, train, monitor="loss", verbose=False)
    classifier = trainer.fit(model, train).classifier
    shares = classifier.predict(test).probabilities
    np.savez(sys.argv[3], probabilities=shares, class_names=classifier.class_names)


if __name__ == "__main__":
    main()
