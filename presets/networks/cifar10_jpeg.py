"""Some images of CIFAR-10, from JPEG files, enlarged to what networks for ImageNet take."""

from pathlib import Path

import numpy as np
from PIL import Image

IMAGES = Path("data/cifar10-jpeg")


def of_96_pixels(split):
    """1,000 images of 96x96 in [-1, 1], and their classes."""
    return _images({"train": 60, "test": 40}.get(split, 0), split, 96)


def of_224_pixels(split):
    """60 images of 224x224 in [-1, 1], and their classes."""
    return _images({"train": 4, "test": 2}.get(split, 0), split, 224)


def _images(per_class, split, size):
    if not per_class:
        return None
    images, labels = [], []
    for folder in sorted(path for path in (IMAGES / split).iterdir() if path.is_dir()):
        for path in sorted(folder.glob("*.jpg"))[:per_class]:
            with Image.open(path) as image:
                resized = image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
            images.append(np.asarray(resized, np.float32).transpose(2, 0, 1) / 127.5 - 1)
            labels.append(folder.name)
    return np.stack(images), labels
