"""How much of the class can be read linearly off the inputs, before any layer?

Formula: that of ``probes``, on the values of a sample as the network sees them: ridge regression of one-hot labels, its penalty
chosen on validation samples, and the nearest class mean. What a layer's probe reads beyond it, the layers up to there made
readable (methods, section 8).
Needs: training and validation samples with classes, inputs that are numbers. Gives: one row per split of the kept networks; the
same for all networks that see the same inputs. No rows where a sample has more values than ``most_values``, or is no array of
numbers; accuracy is null without validation samples. Cost: O(N F^2) for the covariance of F values and O(F^3) for its eigenvalues.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.analyses.probes import SCORES, scores
from nodescope.config.analysis_fields import NetworkOptions
from nodescope.config.fields import ALL_SPLITS, Count, Splits
from nodescope.numerics.linear_probe import PENALTIES, ClassMoments
from nodescope.numerics.moments import are_constant
from nodescope.storage.columns import SPLIT

if TYPE_CHECKING:
    from nodescope.measuring.networks import MeasuredNetwork

#: Samples whose products are taken together.
BATCH = 4096

Floats = NDArray[np.float64]


class InputProbe(NetworkOptions):
    """How well a linear classifier, fitted on the inputs themselves, predicts the class: what the probes of layers start from."""

    splits: Splits = Field(ALL_SPLITS, description="splits to measure")
    probe_samples: Count = Field(10_000, description="samples of a split to use at most, evenly spaced")
    most_values: Count = Field(1500, description="values of a sample up to which inputs are probed")


def measure(network: "MeasuredNetwork", options: InputProbe) -> Parts:
    """Columns split, and those that are declared from samples to penalty."""
    import torch

    if not isinstance(network.x, torch.Tensor) or not network.x.is_floating_point():
        return
    if network.x[0].numel() > options.most_values:
        return
    x_NF, y_N = _values(network, "train", options)
    classes = network.n_classes or int(y_N.max()) + 1
    fitted, covariance_FF = _moments(x_NF, y_N, classes)
    readers_FCK = fitted.readers(covariance_FF) if len(fitted.present) > 1 else None
    reader_FC = penalty = None
    if readers_FCK is not None:
        x, y = _values(network, "validation", options)
        if len(y):
            projected = (x - fitted.mean) @ readers_FCK.reshape(len(fitted.mean), -1)
            place = fitted.best_penalty(projected.T.reshape(classes, len(PENALTIES), -1), y)
            reader_FC, penalty = readers_FCK[:, :, place], PENALTIES[place]
    for split in options.splits:
        x, y = _values(network, split, options)
        row: dict[str, Any] = {"split": split, "samples": len(y)}
        if len(y) and readers_FCK is not None:
            directions = [fitted.to_means()] if reader_FC is None else [fitted.to_means(), reader_FC]
            row |= scores(fitted, ((x - fitted.mean) @ np.hstack(directions)).T, y) | {"penalty": penalty}
        yield row


def _values(network: "MeasuredNetwork", split: str, options: InputProbe) -> tuple[Floats, NDArray[np.int64]]:
    """Values [N, F] and labels of the samples of a split."""
    drawn = network.of_split(split, options.probe_samples)
    return drawn.x.flatten(1).double().cpu().numpy(), drawn.y.cpu().numpy()


def _moments(x_NF: Floats, y_N: NDArray[np.int64], classes: int) -> tuple[ClassMoments, Floats]:
    """Of training samples; and their covariance [F, F]."""
    mean_F = x_NF.mean(axis=0)
    counts_C = np.bincount(y_N, minlength=classes)
    means_FC = np.full((len(mean_F), classes), np.nan)
    for label in np.flatnonzero(counts_C):
        means_FC[:, label] = x_NF[y_N == label].mean(axis=0)
    covariance_FF = np.zeros((len(mean_F), len(mean_F)))
    for begin in range(0, len(x_NF), BATCH):
        centred = x_NF[begin : begin + BATCH] - mean_F
        covariance_FF += centred.T @ centred
    constant_F = are_constant(x_NF.min(axis=0), x_NF.max(axis=0))
    return ClassMoments(mean_F, means_FC, counts_C, constant_F), covariance_FF / len(x_NF)


ANALYSIS = Analysis(
    title="linear probe on the inputs",
    job="networks",
    order=77,
    options=InputProbe,
    columns=(SPLIT, *SCORES),
    measure=measure,
    states="kept",
    needs=("classes", "training samples"),
)
