"""Do the samples of a class fall together, and the classes apart evenly?

Formula (neural collapse, Papyan, Han & Donoho 2020): ``mu_c`` are the class means of the activations, ``mu_G`` their mean with
equal weights, ``M = [mu_c - mu_G]``, ``S_W`` the covariance within classes, ``S_B = M M' / C``. ``nc1 = tr(S_W S_B^+) / C``,
with a pseudo-inverse that drops eigenvalues below 1e-6 of the largest; ``variability_ratio = tr S_W / tr S_B``; ``nc2_norms`` is
the spread of ``|mu_c - mu_G|`` as a share of its mean, ``nc2_angles`` the mean over pairs of ``|cos + 1 / (C - 1)|``; ``nc4`` is
the share of samples for which the network predicts another class than that of the nearest class mean. All are 0 where
collapse is complete (methods, section 8).
Needs: the activations of a layer, and classes; nc4 the output of the networks. In a layer with positions a sample's
activation is the mean over them.
Gives: one row per split; null where a class has no sample, there are fewer than two, class means are all the same, or the
net diverged. Cost: the sums of a layer, and projections on the class means, O(N J C).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Splits
from nodescope.numerics.moments import are_constant
from nodescope.storage.columns import Column, Quantity, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer

#: Directions between classes with less than this share of the variance of the first do not count.
DROPPED = 1e-6

Floats = NDArray[np.float64]


class Collapse(LayerOptions):
    """How far the samples of a class fall together, and the classes apart evenly."""

    splits: Splits = Field(["train"], description="splits to measure")


def measure(layer: "RecordedLayer", options: Collapse) -> Parts:
    """Columns split, nc1, variability_ratio, nc2_norms, nc2_angles, nc4."""
    for split in options.splits:
        yield {"split": split, **_of_split(layer, split)}


def _of_split(layer: "RecordedLayer", split: str) -> dict[str, Any]:
    activations, found = layer.read(split), layer.sums(split)
    means_JC, counts_C = found.class_means, found.class_counts
    if not (found.known and activations.is_labelled and means_differ(means_JC)):
        return {}
    labels_N = activations.labels
    centre_J = means_JC.mean(axis=1)
    offsets_JC = means_JC - centre_J[:, None]
    gram_CC = offsets_JC.T @ offsets_JC
    projections_CN = layer.projections(split, offsets_JC, centre_J)
    nearest_N = (projections_CN - np.diag(gram_CC)[:, None] / 2).argmax(axis=0)
    between_J = (counts_C * (means_JC - found.samples.mean[:, None]) ** 2).sum(axis=1) / counts_C.sum()
    within = float(np.maximum(found.samples.variance - between_J, 0).sum())
    projections_CN -= gram_CC[:, labels_N]  # what is left is within classes
    within_CC = projections_CN @ projections_CN.T / len(labels_N)
    predicted_N = layer.network_predictions(split)
    norms_C = np.sqrt(np.diag(gram_CC))
    return {
        "nc1": nc1(gram_CC, within_CC),
        "variability_ratio": within / (np.trace(gram_CC) / len(gram_CC)),
        "nc2_norms": float(norms_C.std() / norms_C.mean()),
        "nc2_angles": angles(gram_CC),
        "nc4": None if predicted_N is None else float((predicted_N != nearest_N).mean()),
    }


def means_differ(means_JC: Floats) -> bool:
    """Whether there are two class means or more, all known, and not all the same but for rounding."""
    if means_JC.shape[1] < 2 or not np.isfinite(means_JC).all():
        return False
    return not bool(np.all(are_constant(means_JC.min(axis=1), means_JC.max(axis=1))))


def nc1(gram_CC: Floats, within_CC: Floats) -> float:
    """``tr(S_W S_B^+) / C`` from ``K = M' M`` and ``Q = M' S_W M``: it is ``tr(K^+ Q K^+)``."""
    inverse_CC = np.linalg.pinv(gram_CC, rcond=DROPPED, hermitian=True)
    return float(np.trace(inverse_CC @ within_CC @ inverse_CC))


def angles(gram_CC: Floats) -> float | None:
    """Mean over pairs of classes of ``|cos + 1 / (C - 1)|``; None where the mean of a class is that of all."""
    norms_C = np.sqrt(np.diag(gram_CC))
    if norms_C.min() <= np.finfo(np.float32).eps * norms_C.max():
        return None
    classes = len(gram_CC)
    cosines_CC = gram_CC / norms_C / norms_C[:, None]
    return float(np.abs(cosines_CC[~np.eye(classes, dtype=bool)] + 1 / (classes - 1)).mean())


def _ratio(title: str) -> Quantity:
    return Quantity(title, range=(0.0, None), format=".3f")


ANALYSIS = Analysis(
    title="neural collapse",
    job="nodes",
    order=74,
    options=Collapse,
    columns=(
        Column(
            "nc1",
            "float64",
            "variability within classes by that between them, direction by direction; null where a class has no sample",
            _ratio("NC1"),
        ),
        Column(
            "variability_ratio",
            "float64",
            "variance within classes by that of their means",
            _ratio("variability ratio"),
        ),
        Column(
            "nc2_norms",
            "float64",
            "spread of the distances of the class means from their centre, by the mean distance",
            _ratio("NC2, norms"),
        ),
        Column(
            "nc2_angles",
            "float64",
            "mean difference of the cosines between class means from those of even ones; null where one is at the centre",
            _ratio("NC2, angles"),
        ),
        Column(
            "nc4",
            "float64",
            "share of the samples whose nearest class mean is not what the network predicts; null where that is not known",
            share("NC4"),
        ),
    ),
    measure=measure,
    needs=("classes",),
)
