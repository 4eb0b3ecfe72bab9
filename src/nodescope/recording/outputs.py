"""What the recorded output of a network predicts."""

import numpy as np
from numpy.typing import NDArray

from nodescope.recording.parquet import LayerActivations


def accuracy_of(output: LayerActivations) -> float | None:
    """Share of samples whose class has the largest output.

    None where samples have no classes, or the output is no node per class, or is not finite, or there is no sample.
    """
    predicted = predictions_of(output)
    return None if predicted is None or not len(predicted) else float((predicted == output.labels).mean())


def predictions_of(output: LayerActivations) -> NDArray[np.int32] | None:
    """The class that has the largest output for each sample [N]; None as for `accuracy_of`."""
    per_class = output.is_labelled and output.n_nodes == output.n_classes and output.positions == 1
    if not per_class or not np.isfinite(output.z).all():
        return None
    return output.z.argmax(axis=0).astype(np.int32) if output.n_samples else np.empty(0, np.int32)
