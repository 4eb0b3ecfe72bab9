"""Do the output weights of a class point where its samples are?

Formula (neural collapse NC3, Papyan, Han & Donoho 2020): ``nc3 = | Wo' / |Wo| - M / |M| |^2`` in Frobenius norms, with ``Wo``
the weights of the output layer less their mean over classes, which no softmax sees, and M the means of what that layer takes
over the samples of each class, less their mean over classes. 0 where both agree, 2 where they are unrelated, at most 4
(methods, section 8).
Needs: the networks, training samples, classes; an output layer that is a fully connected map of one vector per sample.
Gives: one row per network and state; null without such a layer, where a class has none of the samples or class means are all
the same, and where the network diverged. Cost: one forward pass of the samples.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.analyses.collapse import means_differ
from nodescope.config.analysis_fields import NetworkOptions, Samples
from nodescope.storage.columns import Column, Quantity, number_of

if TYPE_CHECKING:
    from nodescope.measuring.networks import LinearMap, MeasuredNetwork

SAMPLES_AT_A_TIME = 256

Floats = NDArray[np.float64]


class Alignment(NetworkOptions):
    """How far the output weights of each class point to the mean of its samples."""

    samples: Samples = Field(1000, description="training samples that class means are taken over")


def measure(network: "MeasuredNetwork", options: Alignment) -> Parts:
    """Columns samples, nc3."""
    row: dict[str, Any] = {"samples": len(network.y)}
    output = _output_layer(network)
    if output is not None:
        means_JC = _class_means(network, output)
        weights_CJ = output.module.weight.detach().cpu().numpy().astype(np.float64)
        row["nc3"] = None if means_JC is None else nc3(weights_CJ, means_JC)
    return [row]


def nc3(weights_CJ: Floats, means_JC: Floats) -> float | None:
    """NC3 of output weights and class means; None where either does not differ between classes, or is not finite."""
    weights_JC = weights_CJ.T
    if not (means_differ(means_JC) and means_differ(weights_JC)):
        return None
    one, other = (values - values.mean(axis=1, keepdims=True) for values in (weights_JC, means_JC))
    return float(((one / np.linalg.norm(one) - other / np.linalg.norm(other)) ** 2).sum())


def _output_layer(network: "MeasuredNetwork") -> "LinearMap | None":
    """The last linear map behind all hidden layers, if it gives a value per class of each sample."""
    from torch import nn

    if not network.has_loss():
        return None
    maps, hidden = network.linear_maps(), network.hidden_layers()
    last = maps[-1] if maps else None
    if last is None or last.layer <= len(hidden) or not isinstance(last.module, nn.Linear) or last.output_axes != 2:
        return None
    return last if network.n_classes in (None, last.module.out_features) else None


def _class_means(network: "MeasuredNetwork", output: "LinearMap") -> Floats | None:
    """Means [J, C] of what the output layer takes; None where a class has no sample."""
    import torch

    classes, nodes = output.module.weight.shape
    sums_CJ, counts_C = np.zeros((classes, nodes)), np.zeros(classes, np.int64)
    taken: list[torch.Tensor] = []
    handle = output.module.register_forward_pre_hook(lambda _, given: taken.append(given[0].detach()))
    with torch.no_grad(), network.hooked([handle]):
        for x_B, y_B in network.batches(SAMPLES_AT_A_TIME):
            network.output(x_B)
            labels = y_B.cpu().numpy()
            of_class_CB = np.arange(classes)[:, None] == labels
            sums_CJ += of_class_CB @ taken.pop().cpu().numpy().astype(np.float64)
            counts_C += of_class_CB.sum(axis=1)
            taken.clear()
    return (sums_CJ / counts_C[:, None]).T if counts_C.all() else None


ANALYSIS = Analysis(
    title="alignment of output weights and class means",
    job="networks",
    order=160,
    options=Alignment,
    columns=(
        Column("samples", "int32", "training samples that class means are taken over", number_of("samples")),
        Column(
            "nc3",
            "float64",
            "squared difference of the output weights from the class means, both of norm 1; null where that is not known",
            Quantity("NC3", range=(0.0, 4.0), format=".3f"),
        ),
    ),
    measure=measure,
    needs=("classes", "output"),
)
