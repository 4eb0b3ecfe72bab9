"""Does a node answer to classes, how much, and to which?

Formula: ``mu_c`` is the mean activation over the samples of class ``c``; preferred is the class of the largest, avoided that
of the smallest. Four measures, because the field gives one name to several things. ``class_share``: share of the variance of
the activation that classes explain, ``sum_c N_c (mu_c - mu)^2 / sum_x (a - mu)^2``. ``auc_preferred``, ``auc_avoided``: the
largest and the smallest area under the ROC curve that the node alone reaches for one class against the rest.
``selectivity_index``: ``(mu_b - m) / (mu_b + m)``, with m the mean of the other class means (Morcos et al. 2018);
``selectivity_null`` is its mean over shuffled labels. ``theta_information``: mutual information of theta and the class, in
bits. ``top_precision``: share of the preferred class among the samples that drive the node most, at most 50 (Zhou et al.
2015). See methods, section 7.
Needs: the activations of a layer, and classes. In a layer with positions a sample's activation is the mean over them.
Gives: one row per split and node, in ``class_aucs`` one for each class; null where fewer than two classes have samples, or the
net diverged. The index is null
where a class mean is negative. Cost: the sums of a layer, and a sort of the values of each node for the areas.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Flag, Index, Splits
from nodescope.storage.columns import CLASS, NODE, Column, Quantity, Table, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.measuring.sums import LayerSums
    from nodescope.recording import LayerActivations

#: `top_precision` looks at so many samples, or at all of the class where it has fewer.
TOP = 50

SAMPLES_AT_A_TIME = 4096

#: What says nothing of a constant node.
OF_CLASSES = ("preferred_class", "second_class", "avoided_class", "margin")

#: Values that are ranked at a time, in a core's cache.
VALUES_AT_A_TIME = 1 << 15

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Selectivity(LayerOptions):
    """How much each node answers to classes, and to which."""

    splits: Splits = Field(["train", "test"], description="splits to measure")
    auc: Flag = Field(True, description="whether to compute the areas under the ROC curve, which take the most time")
    shuffles: Index = Field(20, description="shuffled labels that the selectivity index is compared with; 0: none")


def measure(layer: "RecordedLayer", options: Selectivity) -> Parts:
    """Columns as declared, from split to selectivity_null."""
    for split in options.splits:
        activations, found = layer.read(split), layer.sums(split)
        row: dict[str, Any] = {"split": split, "node": np.arange(activations.n_nodes)}
        if found.known and len(found.present) > 1 and activations.is_labelled:
            row |= _of_means(found)
            of_values, auc_JC = _of_values(activations, found, row["preferred_class"], options)
            row |= of_values
            for name in OF_CLASSES:  # means of a constant node differ by rounding alone
                row[name] = np.ma.masked_array(row[name], found.samples.constant)
            row["theta_information"] = _theta_information(layer, activations)
            if options.auc:
                yield {"table": "class_aucs", "split": split} | _of_classes(auc_JC)
        yield row


def _of_classes(auc_JC: Floats) -> dict[str, Any]:
    """Columns node, class, auc: a row for each node and class."""
    nodes, classes = auc_JC.shape
    return {
        "node": np.repeat(np.arange(nodes), classes),
        "class": np.tile(np.arange(classes), nodes),
        "auc": auc_JC.ravel(),
    }


def ordered_classes(means_JC: Floats, present: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    """The classes of the largest, the second and the smallest mean of each node, and its margin [J] each.

    Ties: the lower class. The margin is the lead of the largest mean over the second, as a share of the range of the means;
    0 where they are all the same.

    Parameters
    ----------
    means_JC
        Class means.
    present
        The classes that have samples; at least two.
    """
    order_JC = np.argsort(-means_JC[:, present], axis=1, kind="stable")
    sorted_JC = np.take_along_axis(means_JC[:, present], order_JC, axis=1)
    lead_J, range_J = sorted_JC[:, 0] - sorted_JC[:, 1], sorted_JC[:, 0] - sorted_JC[:, -1]
    margin_J = np.divide(lead_J, range_J, out=np.zeros_like(lead_J), where=range_J > 0)
    avoided = present[means_JC[:, present].argmin(axis=1)]
    return present[order_JC[:, 0]], present[order_JC[:, 1]], avoided, margin_J


def _of_means(found: "LayerSums") -> dict[str, Any]:
    preferred, second, avoided, margin_J = ordered_classes(found.class_means, found.present)
    means_JC, counts_C = found.class_means[:, found.present], found.class_counts[found.present]
    between_J = (counts_C * (means_JC - found.samples.mean[:, None]) ** 2).sum(axis=1) / counts_C.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        share_J = np.where(found.samples.constant, np.nan, np.minimum(between_J / found.samples.variance, 1))
    return {
        "preferred_class": preferred,
        "second_class": second,
        "avoided_class": avoided,
        "margin": margin_J,
        "class_share": share_J,
        "selectivity_index": _indices(means_JC),
    }


def _indices(means_JC: Floats) -> Floats:
    """Selectivity index of each node [J] from the means of the classes that are present."""
    largest_J = means_JC.max(axis=1)
    others_J = (means_JC.sum(axis=1) - largest_J) / (means_JC.shape[1] - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        index_J = (largest_J - others_J) / (largest_J + others_J)
    # The sum of the others may be rounded to less than nothing.
    return np.where((means_JC.min(axis=1) >= 0) & (largest_J + others_J > 0), np.minimum(index_J, 1), np.nan)


def _of_values(
    activations: "LayerActivations", found: "LayerSums", preferred: Ints, options: Selectivity
) -> tuple[dict[str, Any], Floats]:
    """What takes the values of each node: areas under the ROC curve [J, C] too, precision of the top, index of shuffled labels."""
    from nodescope.numerics.ordering import class_aucs, largest_places

    labels_N, n_classes = activations.labels, activations.n_classes
    a_JN = activations.a()
    driven_JN = activations.z if activations.positions == 1 else activations.largest()
    by_sample = np.argsort(activations.samples, kind="stable")
    nodes = len(a_JN)
    auc_JC, precision_J = np.full((nodes, n_classes), np.nan), np.full(nodes, np.nan)
    varying = np.flatnonzero(~found.samples.constant)
    at_a_time = max(1, VALUES_AT_A_TIME // len(labels_N))
    for begin in range(0, len(varying) if options.auc else 0, at_a_time):
        some = varying[begin : begin + at_a_time]
        auc_JC[some] = class_aucs(a_JN[some], labels_N, n_classes)
    for node in varying:
        k = min(TOP, int(found.class_counts[preferred[node]]))
        top = by_sample[largest_places(driven_JN[node, by_sample], k)]
        precision_J[node] = np.mean(labels_N[top] == preferred[node])
    row: dict[str, Any] = {"top_precision": precision_J}
    known_J = ~np.isnan(auc_JC[:, found.present]).any(axis=1)
    for end, choose in (("preferred", np.nanargmax), ("avoided", np.nanargmin)):
        class_J = np.zeros(nodes, np.int64)
        class_J[known_J] = choose(auc_JC[known_J], axis=1) if known_J.any() else 0
        row[f"auc_{end}"] = auc_JC[np.arange(nodes), class_J]
        row[f"auc_{end}_class"] = np.ma.masked_array(class_J, ~known_J)
    if options.shuffles:
        shuffled_J = _shuffled_indices(a_JN, labels_N, found, options.shuffles)
        defined = np.isfinite(_indices(found.class_means[:, found.present]))
        row["selectivity_null"] = np.where(defined, shuffled_J, np.nan)
    return row, auc_JC


def _shuffled_indices(
    a_JN: NDArray[np.float32], labels_N: NDArray[np.int32], found: "LayerSums", shuffles: int
) -> Floats:
    """Mean selectivity index of each node over shuffled labels [J]."""
    random = np.random.default_rng(0)  # the same for all networks
    classes = len(found.present)
    places = np.searchsorted(found.present, labels_N)
    columns_NS = np.stack([random.permutation(places) + s * classes for s in range(shuffles)], axis=1)
    sums_JK = np.zeros((len(a_JN), shuffles * classes))
    for begin in range(0, len(labels_N), SAMPLES_AT_A_TIME):
        of_block = columns_NS[begin : begin + SAMPLES_AT_A_TIME]
        indicator = np.zeros((len(of_block), shuffles * classes), np.float32)
        indicator[np.arange(len(of_block))[:, None], of_block] = 1
        sums_JK += a_JN[:, begin : begin + SAMPLES_AT_A_TIME] @ indicator
    means = sums_JK.reshape(-1, classes) / np.tile(found.class_counts[found.present], (len(a_JN) * shuffles, 1))
    return _indices(means).reshape(len(a_JN), shuffles).mean(axis=1)


def _theta_information(layer: "RecordedLayer", activations: "LayerActivations") -> Floats:
    """Mutual information of theta and the class in bits [J], over samples and positions."""
    switches_C = layer.switch_counts(activations)
    on_JC = layer.active_counts(activations)
    total = switches_C.sum()
    information_J = np.zeros(len(on_JC))
    for counts_JC in (on_JC, switches_C - on_JC):
        p_JC = counts_JC / total
        expected_JC = p_JC.sum(axis=1, keepdims=True) * (switches_C / total)
        with np.errstate(divide="ignore", invalid="ignore"):
            information_J += np.where(p_JC > 0, p_JC * np.log2(p_JC / expected_JC), 0).sum(axis=1)
    return np.maximum(information_J, 0)


AUC = Quantity("area under the ROC curve", range=(0.0, 1.0), format=".3f")
INDEX = Quantity("selectivity index", range=(0.0, 1.0), format=".3f")

ANALYSIS = Analysis(
    title="selectivity of the nodes",
    job="nodes",
    order=44,
    options=Selectivity,
    columns=(
        NODE,
        Column(
            "preferred_class",
            "int32",
            "class of the largest mean activation; of equal ones the first; null where the node is constant",
        ),
        Column("second_class", "int32", "class of the second largest, likewise"),
        Column("avoided_class", "int32", "class of the smallest, likewise"),
        Column(
            "margin",
            "float64",
            "lead of the largest mean over the second, as a share of the range of the class means, likewise",
            share("lead over the next class"),
        ),
        Column(
            "class_share",
            "float64",
            "share of the variance of the activation that classes explain; null where the node is constant",
            share("variance explained by classes"),
        ),
        Column("auc_preferred", "float64", "largest over the classes; null where the node is constant", AUC),
        Column("auc_preferred_class", "int32", "of which class that is"),
        Column("auc_avoided", "float64", "smallest over the classes: below 0.5 the node is lower for that class", AUC),
        Column("auc_avoided_class", "int32", "of which class that is"),
        Column(
            "selectivity_index",
            "float64",
            "of Morcos et al. (2018); null where a class mean is negative. Not comparable between activation functions",
            INDEX,
        ),
        Column("selectivity_null", "float64", "mean of the index over shuffled labels", INDEX),
        Column(
            "theta_information",
            "float64",
            "what being on or off says about the class",
            Quantity("information on the class", "bits", (0.0, 1.0)),
        ),
        Column(
            "top_precision",
            "float64",
            "share of the preferred class among the samples with the largest pre-activations, at most 50; null where the "
            "node is constant",
            share("preferred class among the top samples"),
        ),
    ),
    further=(
        Table(
            "class_aucs",
            "How well each node alone tells each class from the rest.",
            (
                NODE,
                CLASS,
                Column(
                    "auc",
                    "float64",
                    "probability that the node is larger for a sample of the class than for one of another; null where the node is "
                    "constant or the class has no sample",
                    AUC,
                ),
            ),
        ),
    ),
    measure=measure,
    needs=("classes",),
)
