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


def performance_of(output: LayerActivations) -> dict[str, float | None]:
    """Accuracy, mean cross-entropy and mean squared error from the one-hot labels, by the names of `Performance`.

    In float64. None where the accuracy is.
    """
    accuracy = accuracy_of(output)
    if accuracy is None:
        return {"loss": None, "accuracy": None, "mean_squared_error": None}
    z_CN = output.z.astype(np.float64)
    z_CN -= z_CN.max(axis=0)
    own_N = z_CN[output.labels, np.arange(output.n_samples)]
    loss = float((np.log(np.exp(z_CN).sum(axis=0)) - own_N).mean())
    one_hot_CN = np.arange(output.n_classes)[:, None] == output.labels
    mean_squared_error = float(((output.z - one_hot_CN) ** 2).mean())
    return {"loss": loss, "accuracy": accuracy, "mean_squared_error": mean_squared_error}


def predictions_of(output: LayerActivations) -> NDArray[np.int32] | None:
    """The class that has the largest output for each sample [N]; None as for `accuracy_of`."""
    per_class = output.is_labelled and output.n_nodes == output.n_classes and output.positions == 1
    if not per_class or not np.isfinite(output.z).all():
        return None
    return output.z.argmax(axis=0).astype(np.int32) if output.n_samples else np.empty(0, np.int32)
