"""Data sets that scikit-learn ships."""

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.sources.labels import Labels


def read(name: str) -> tuple[Labels, NDArray[np.float32]]:
    """The digits or iris."""
    from sklearn.datasets import load_digits, load_iris

    if name == "digits":
        data = load_digits()
        x = (data.images[:, None] / 16.0).astype(np.float32)
    else:
        data = load_iris()
        x = data.data.astype(np.float32)
    names = () if name == "digits" else tuple(map(str, data.feature_names))
    return Labels(data.target.astype(np.int64), [str(c) for c in data.target_names], 0, feature_names=names), x
