"""How well does one layer alone tell the classes apart, by its switches, by its values, by both?

Each node is a classifier by Bayes' rule with the class prior ``N_c / N``; a layer sums the log probabilities of
its nodes (taken as independent) and predicts the class with the largest sum. Fitted on the training split
(Davel et al. 2020). The likelihood of a node is

- discrete: ``P(theta = 1 | c) = (n_active + alpha) / (N_c + 2 alpha)``;
- continuous: a Gaussian kernel density estimate of ``z`` on the class's training samples;
- combined (ReLU family only): the discrete one where theta = 0, the continuous one where theta = 1.

In a layer with positions a node is on for a sample where it is on at any of them, and the value that the continuous and
the combined system take is the sample's activation, the mean of ``T(z)`` over the positions, in place of ``z``.

What normalises a node's probability is the same for all classes and does not enter the sum's largest entry; the
log prior enters once per node.

Needs: the activations of a layer, the net's output. Gives: accuracy per split and system, with the accuracy of
the whole net beside it; null where the split has no sample or the net diverged. A class without training samples is
never predicted. Cost: a table per node and class, and one look-up per sample, node and class.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import BANDWIDTH, Bandwidth, LayerOptions
from nodescope.config.fields import PositiveNumber
from nodescope.storage.columns import Column, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations

SAMPLES_AT_A_TIME = 2048

#: Log likelihoods of a layer summed over its nodes, [C, N], by system.
Scores = dict[str, NDArray[np.float64]]


class LayerAccuracy(LayerOptions):
    """Every layer alone as a classifier: the discrete, the continuous and the combined system."""

    smoothing: PositiveNumber = Field(
        0.5, description="alpha of the discrete system's (n_active + alpha) / (N_c + 2 alpha)"
    )
    bandwidth: Bandwidth = BANDWIDTH


def measure(layer: "RecordedLayer", options: LayerAccuracy) -> Parts:
    """Columns split, system, accuracy, network_accuracy."""
    if "train" not in layer.splits:
        return  # there is nothing to fit by
    train = layer.read("train")
    if not train.is_labelled:  # known only once it is recorded: the table has no rows then
        return
    evaluated: dict[str, LayerActivations] = {
        split: train if split == "train" else layer.read(split) for split in options.splits
    }
    rectifying = train.metadata.function.rectifying
    systems = ["discrete", "continuous", *(["combined"] if rectifying else [])]
    diverged = not all(a.finite_nodes().all() for a in [train, *evaluated.values()])
    scores = None if diverged else layer_scores(layer, train, evaluated, options)
    for split, activations in evaluated.items():
        network_accuracy = layer.network_accuracy(split)
        for system in systems:
            accuracy = None
            if scores is not None and activations.n_samples:
                accuracy = float((scores[split][system].argmax(axis=0) == activations.labels).mean())
            yield {"split": split, "system": system, "accuracy": accuracy, "network_accuracy": network_accuracy}


def layer_scores(
    layer: "RecordedLayer",
    train: "LayerActivations",
    evaluated: Mapping[str, "LayerActivations"],
    options: LayerAccuracy,
) -> dict[str, Scores]:
    """For each split and system the classes' sums of log probabilities [C, N], less what all classes share."""
    samples_C = train.class_counts()
    log_on_JC, log_off_JC = log_switch_probabilities(layer.active_samples(train), samples_C, options.smoothing)
    scores: dict[str, Scores] = {}
    fitted_JN = sample_values(train)
    values = {split: fitted_JN if a is train else sample_values(a) for split, a in evaluated.items()}
    switches = {split: layer.theta(a) for split, a in evaluated.items()}
    for split, activations in evaluated.items():
        shape = (train.n_classes, activations.n_samples)
        scores[split] = {
            "discrete": discrete_scores(switches[split], log_on_JC, log_off_JC),
            "continuous": np.zeros(shape),
            "combined": np.zeros(shape),
        }
    _add_kernel_densities(fitted_JN, train.class_slices(), log_off_JC, values, switches, scores, options)
    with np.errstate(divide="ignore"):
        log_prior_C = np.log(samples_C / samples_C.sum())
    for by_system in scores.values():
        for scores_CN in by_system.values():
            scores_CN += train.n_nodes * log_prior_C[:, None]
    return scores


def sample_values(activations: "LayerActivations") -> NDArray[np.float32]:
    """What the continuous system sees of each node and sample [J, N]."""
    return activations.z if activations.positions == 1 else activations.a()


def log_switch_probabilities(
    active_JC: NDArray[np.int64], samples_C: NDArray[np.int64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``log P(theta = 1 | c)`` and ``log P(theta = 0 | c)``, [J, C] each, smoothed by alpha."""
    total_C = samples_C + 2 * alpha
    return np.log((active_JC + alpha) / total_C), np.log((samples_C - active_JC + alpha) / total_C)


def discrete_scores(
    theta_JN: NDArray[np.bool_], log_on_JC: NDArray[np.float64], log_off_JC: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum over the nodes of the log probability of their switch, given each class [C, N]."""
    gain_CJ = np.ascontiguousarray((log_on_JC - log_off_JC).T)
    scores_CN = np.empty((len(gain_CJ), theta_JN.shape[1]))
    for begin in range(0, theta_JN.shape[1], SAMPLES_AT_A_TIME):  # the switches as numbers take eight times as much
        block = slice(begin, begin + SAMPLES_AT_A_TIME)
        scores_CN[:, block] = gain_CJ @ theta_JN[:, block].astype(np.float64)
    return scores_CN + log_off_JC.sum(axis=0)[:, None]


def _add_kernel_densities(
    fitted_JN: NDArray[np.float32],
    class_slices: Sequence[slice],
    log_off_JC: NDArray[np.float64],
    values: Mapping[str, NDArray[np.float32]],
    switches: Mapping[str, NDArray[np.bool_]],
    scores: Mapping[str, Scores],
    options: LayerAccuracy,
) -> None:
    """Add the nodes' log likelihoods of each class to the continuous and the combined system, for each split's values.

    The values of a node on all splits are looked up together.
    """
    from nodescope.numerics import kernel_density

    begins = np.cumsum([0, *(values_JN.shape[1] for values_JN in values.values())])
    total = int(begins[-1])
    if not total:
        return
    sums = {name: np.zeros((len(class_slices), total)) for name in ("continuous", "combined")}
    for node, fitted_N in enumerate(fitted_JN):
        values_M = np.concatenate([values_JN[node] for values_JN in values.values()])
        on_M = np.concatenate([on_JN[node] for on_JN in switches.values()])
        lowest, highest = float(values_M.min()), float(values_M.max())
        for c, samples in enumerate(class_slices):
            if samples.start == samples.stop:
                continue
            h = kernel_density.bandwidth(fitted_N[samples], options.bandwidth)
            estimate = kernel_density.fit(fitted_N[samples], h, lowest, highest, total)
            log_density_M = estimate(values_M, begins[:-1].tolist())
            sums["continuous"][c] += log_density_M
            sums["combined"][c] += np.where(on_M, log_density_M, log_off_JC[node, c])
    for begin, split in zip(begins, values, strict=False):
        for name, sums_CM in sums.items():
            scores_CN = scores[split][name]
            scores_CN += sums_CM[:, begin : begin + scores_CN.shape[1]]


ANALYSIS = Analysis(
    title="layers as classifiers",
    job="classifiers",
    order=110,
    options=LayerAccuracy,
    columns=(
        Column("system", "string", "discrete, continuous or combined"),
        Column(
            "accuracy",
            "float64",
            "of the layer alone; null where the split has no sample or the network diverged",
            share("accuracy"),
        ),
        Column(
            "network_accuracy", "float64", "of the whole network on the same samples", share("accuracy of the network")
        ),
    ),
    measure=measure,
    needs=("classes", "training samples"),
)
