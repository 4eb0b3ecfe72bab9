"""How much of the class can be read off a layer linearly?

Formula: ridge regression of the one-hot labels on the centred activations of the training samples, ``W = (G + lambda I)^-1 B``
with G the covariance and B the covariance of activations and labels; the class with the largest ``W' (a - mean a) + mean Y``
is predicted. ``lambda`` is the mean eigenvalue of G times one of 1e-6, 1e-5 ... 10: that of the best accuracy on validation
samples, of equal ones the larger. ``nearest_mean_accuracy`` is that of the nearest class mean, ``majority_share`` what the most
frequent class of the training samples alone gives (methods, section 8).
Needs: the activations of a layer, classes, training and validation samples. In a layer with positions a sample's activation
is the mean over them.
Gives: one row per split; null where it has no sample, fewer than two classes have training samples, or the net diverged, and
without validation samples for all but the nearest mean. Cost: the covariance of a layer, its eigenvalues (O(J^3)), and a
product of the activations with C directions, on validation samples with 8 C.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import ALL_SPLITS, Splits
from nodescope.numerics.linear_probe import PENALTIES, ClassMoments
from nodescope.storage.columns import Column, Quantity, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer

Floats = NDArray[np.float64]


class Probes(LayerOptions):
    """How well a linear classifier, fitted on the activations of each layer, predicts the class."""

    splits: Splits = Field(ALL_SPLITS, description="splits to measure")


def measure(layer: "RecordedLayer", options: Probes) -> Parts:
    """Columns split, samples, and those that are declared from accuracy to penalty."""
    if "train" not in layer.splits or not layer.read("train").is_labelled:
        return  # there is nothing to fit
    found = layer.sums("train")
    fitted = ClassMoments(found.samples.mean, found.class_means, found.class_counts, found.samples.constant)
    readers_JCK = fitted.readers(layer.covariances("train")) if found.known and len(found.present) > 1 else None
    validated = None
    if readers_JCK is not None and "validation" in layer.splits:
        validated = _choose(layer, readers_JCK, fitted)
    for split in options.splits:
        activations = layer.read(split)
        samples = activations.n_samples
        row: dict[str, Any] = {"split": split, "samples": samples}
        if samples and readers_JCK is not None and layer.finite_nodes(activations).all():
            reader_JC = None if validated is None else readers_JCK[:, :, validated]
            directions = [fitted.to_means()] if reader_JC is None else [fitted.to_means(), reader_JC]
            projections = layer.projections(split, np.hstack(directions), fitted.mean)
            row |= scores(fitted, projections, activations.labels)
            row["penalty"] = None if validated is None else PENALTIES[validated]
        yield row


def _choose(layer: "RecordedLayer", readers_JCK: Floats, fitted: ClassMoments) -> int | None:
    """Place of the penalty with the best accuracy on validation samples; None where there are none, or not finite ones."""
    activations = layer.read("validation")
    if not activations.n_samples or not layer.finite_nodes(activations).all():
        return None
    nodes, classes, penalties = readers_JCK.shape
    projected = layer.projections("validation", readers_JCK.reshape(nodes, -1), fitted.mean)
    return fitted.best_penalty(projected.reshape(classes, penalties, -1), activations.labels)


def scores(fitted: ClassMoments, projections: Floats, labels_N: "NDArray[np.integer]") -> dict[str, Any]:
    """Columns from accuracy to majority_share.

    Parameters
    ----------
    fitted
    projections
        [present + C, N]: on the directions to the means of classes, and on those of a probe; of the first alone where there is
        no probe.
    labels_N
        At least one.
    """
    from nodescope.numerics.intervals import wilson  # late: it imports scipy

    near, read = projections[: len(fitted.present)], projections[len(fitted.present) :]
    row: dict[str, Any] = {
        "nearest_mean_accuracy": float((fitted.nearest_mean(near) == labels_N).mean()),
        "majority_share": float((labels_N == fitted.class_counts.argmax()).mean()),
    }
    if len(read):
        right = int((fitted.predicted(read) == labels_N).sum())
        low, high = wilson(right, len(labels_N)) or (None, None)
        row |= {"accuracy": right / len(labels_N), "interval_low": low, "interval_high": high}
    return row


#: What a probe gives, of a layer or of the inputs.
SCORES = (
    Column("samples", "int32", "samples of the split that are classified", number_of("samples")),
    Column(
        "accuracy",
        "float64",
        "of the linear probe; null where there is none, the split has no sample or the network diverged",
        share("accuracy of the linear probe"),
    ),
    Column(
        "interval_low", "float64", "lower end of Wilson's 95 % interval of it", share("accuracy of the linear probe")
    ),
    Column("interval_high", "float64", "upper end of it", share("accuracy of the linear probe")),
    Column(
        "nearest_mean_accuracy",
        "float64",
        "of the nearest class mean of the training samples",
        share("accuracy of the nearest mean"),
    ),
    Column(
        "majority_share",
        "float64",
        "share of the most frequent class of the training samples",
        share("most frequent class"),
    ),
    Column(
        "penalty",
        "float64",
        "lambda by the mean eigenvalue, chosen on validation samples",
        Quantity("penalty", range=(0.0, None), format=".0e"),
    ),
)

ANALYSIS = Analysis(
    title="linear probes",
    job="nodes",
    order=75,
    options=Probes,
    columns=SCORES,
    measure=measure,
    needs=("classes", "training samples"),
)
