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
from nodescope.storage.columns import Column, Quantity, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.measuring.sums import LayerSums

#: Multiples of the mean eigenvalue of which one is added to all eigenvalues.
PENALTIES = tuple(10.0**exponent for exponent in range(-6, 2))

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Probes(LayerOptions):
    """How well a linear classifier, fitted on the activations of each layer, predicts the class."""

    splits: Splits = Field(ALL_SPLITS, description="splits to measure")


def measure(layer: "RecordedLayer", options: Probes) -> Parts:
    """Columns split, samples, and those that are declared from accuracy to penalty."""
    if "train" not in layer.splits or not layer.read("train").is_labelled:
        return  # there is nothing to fit
    found = layer.sums("train")
    fitted = found.known and len(found.present) > 1
    readers_JCK = readers(layer.covariances("train"), found) if fitted else None
    validated = None
    if readers_JCK is not None and "validation" in layer.splits:
        validated = _choose(layer, readers_JCK, found)
    for split in options.splits:
        activations = layer.read(split)
        samples = activations.n_samples
        row: dict[str, Any] = {"split": split, "samples": samples}
        if samples and readers_JCK is not None and activations.finite_nodes().all():
            labels_N = activations.labels
            row |= _scores(layer, split, found, None if validated is None else readers_JCK[:, :, validated])
            row["majority_share"] = float((labels_N == found.class_counts.argmax()).mean())
            row["penalty"] = None if validated is None else PENALTIES[validated]
        yield row


def readers(covariance_JJ: Floats, found: "LayerSums") -> Floats:
    """Directions [J, C, 8] that each penalty gives, from the sums of the training samples; 0 of classes without any."""
    nodes, classes = found.class_means.shape
    share_C = found.class_counts / found.class_counts.sum()
    offsets_JC = np.nan_to_num(found.class_means - found.samples.mean[:, None])
    offsets_JC[found.samples.constant] = 0
    g, vectors_JJ = np.linalg.eigh(covariance_JJ)
    g = np.maximum(g, 0)
    turned_JC = vectors_JJ.T @ (offsets_JC * share_C)
    found_JCK = np.zeros((nodes, classes, len(PENALTIES)))
    if g.mean() > 0:
        for place, penalty in enumerate(PENALTIES):
            found_JCK[:, :, place] = vectors_JJ @ (turned_JC / (g + penalty * g.mean())[:, None])
    return found_JCK


def _predicted(projections_CN: Floats, found: "LayerSums") -> Ints:
    """Of the projections on the directions of one penalty."""
    share_C = found.class_counts / found.class_counts.sum()
    predicted_N: Ints = (projections_CN + share_C[:, None]).argmax(axis=0)
    return predicted_N


def _choose(layer: "RecordedLayer", readers_JCK: Floats, found: "LayerSums") -> int | None:
    """Place of the penalty with the best accuracy on validation samples; None where there are none, or not finite ones."""
    activations = layer.read("validation")
    if not activations.n_samples or not activations.finite_nodes().all():
        return None
    nodes, classes, penalties = readers_JCK.shape
    projected = layer.projections("validation", readers_JCK.reshape(nodes, -1), found.samples.mean)
    projected = projected.reshape(classes, penalties, -1)
    right = [int((_predicted(projected[:, place], found) == activations.labels).sum()) for place in range(penalties)]
    return max(range(penalties), key=lambda place: (right[place], place))


def _scores(layer: "RecordedLayer", split: str, found: "LayerSums", reader_JC: Floats | None) -> dict[str, Any]:
    """Columns accuracy, interval_low, interval_high, nearest_mean_accuracy of a split with samples."""
    from nodescope.numerics.intervals import wilson  # late: it imports scipy

    labels_N = layer.read(split).labels
    offsets_JC = found.class_means[:, found.present] - found.samples.mean[:, None]
    directions = [offsets_JC] if reader_JC is None else [offsets_JC, reader_JC]
    projections = layer.projections(split, np.hstack(directions), found.samples.mean)
    near, read = projections[: len(found.present)], projections[len(found.present) :]
    nearest_N = found.present[(near - (offsets_JC**2).sum(axis=0)[:, None] / 2).argmax(axis=0)]
    row: dict[str, Any] = {"nearest_mean_accuracy": float((nearest_N == labels_N).mean())}
    if reader_JC is not None:
        right = int((_predicted(read, found) == labels_N).sum())
        low, high = wilson(right, len(labels_N)) or (None, None)
        row |= {"accuracy": right / len(labels_N), "interval_low": low, "interval_high": high}
    return row


ANALYSIS = Analysis(
    title="linear probes",
    job="nodes",
    order=75,
    options=Probes,
    columns=(
        Column("samples", "int32", "samples of the split", number_of("samples")),
        Column(
            "accuracy",
            "float64",
            "of the linear probe; null where there is none, the split has no sample or the network diverged",
            share("accuracy of the linear probe"),
        ),
        Column("interval_low", "float64", "lower end of Wilson's 95 % interval of it", share("accuracy of the linear probe")),
        Column("interval_high", "float64", "upper end of it", share("accuracy of the linear probe")),
        Column(
            "nearest_mean_accuracy",
            "float64",
            "of the nearest class mean of the training samples",
            share("accuracy of the nearest mean"),
        ),
        Column(
            "majority_share", "float64", "share of the most frequent class of the training samples", share("most frequent class")
        ),
        Column(
            "penalty",
            "float64",
            "lambda by the mean eigenvalue, chosen on validation samples",
            Quantity("penalty", range=(0.0, None), format=".0e"),
        ),
    ),
    measure=measure,
    needs=("classes", "training samples"),
)  # fmt: skip
