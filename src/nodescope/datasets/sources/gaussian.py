"""Random data."""

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import Gaussian
from nodescope.datasets.sources.labels import Labels


def draw_classes(source: Gaussian) -> Labels:
    """Classes, drawn without regard to the features."""
    labels = np.random.default_rng([source.seed, 0]).integers(source.classes, size=source.samples)
    return Labels(labels, [str(c) for c in range(source.classes)], 0)


def draw_features(source: Gaussian) -> NDArray[np.float32]:
    """Features from N(0, 1) [sample, feature]."""
    return np.random.default_rng([source.seed, 1]).standard_normal((source.samples, source.features), np.float32)
