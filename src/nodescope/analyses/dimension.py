"""In how many directions does a layer vary?

Formula: ``g`` are the eigenvalues of the covariance of the activations. ``participation_ratio`` is ``(sum g)^2 / sum g^2``;
``effective_rank`` is ``exp(-sum q ln q)`` with ``q = sqrt(g) / sum sqrt(g)``, the singular values of the centred activations
(Roy & Vetterli 2007); ``rank_99`` is the least number of directions with 99 % of the variance. The ``scaled`` columns are of
the correlations: every node counts alike, however large its values. ``participation_ratio_debiased`` estimates what more
samples would give: numerator and denominator are replaced by estimates without bias (methods, section 7).
Needs: the activations of a layer. In a layer with positions a sample's activation is the mean over them.
Gives: one row per split, between 1 and the smaller of nodes and samples - 1; null where all nodes are constant, there are
fewer than two samples (debiased: four), or the net diverged. An effective rank depends on the number of samples. Cost: the
correlations of a layer, their eigenvalues (O(J^3)), and one pass over the activations.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Splits
from nodescope.storage.columns import NODES, Column, Quantity, number_of

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer

#: `rank_99` counts the directions of this share of the variance.
EXPLAINED = 0.99

Floats = NDArray[np.float64]


class Dimension(LayerOptions):
    """In how many directions the activations of each layer vary."""

    splits: Splits = Field(["train"], description="splits to measure")


def measure(layer: "RecordedLayer", options: Dimension) -> Parts:
    """Columns split, nodes, samples, and those that are declared from participation_ratio on."""
    for split in options.splits:
        activations, found = layer.read(split), layer.sums(split)
        samples = activations.n_samples
        row: dict[str, Any] = {"split": split, "nodes": activations.n_nodes, "samples": samples}
        varies = np.flatnonzero(~found.samples.constant) if found.known and samples > 1 else np.empty(0, np.int64)
        if len(varies):
            part = np.ix_(varies, varies)
            covariance_VV, correlation_VV = layer.covariances(split)[part], layer.correlations(split)[part]
            row |= dimensions(covariance_VV, samples)
            row |= {f"{name}_scaled": value for name, value in dimensions(correlation_VV, samples).items()}
            row["participation_ratio_debiased"] = debiased(covariance_VV, layer.squared_lengths(split))
        yield row


def dimensions(covariance_JJ: Floats, samples: int) -> dict[str, float]:
    """Participation ratio, effective rank and rank_99 of a covariance that is not 0, from so many samples."""
    g = np.linalg.eigvalsh(covariance_JJ)[::-1]
    g = g[: samples - 1]
    g = g[g > g[0] * np.finfo(np.float64).eps * max(samples, len(covariance_JJ))]  # what is less is rounding
    q = np.sqrt(g) / np.sqrt(g).sum()
    return {
        "participation_ratio": float(g.sum() ** 2 / (g**2).sum()),
        "effective_rank": float(np.exp(-(q * np.log(q)).sum())),
        "rank_99": int((np.cumsum(g) < EXPLAINED * g.sum()).sum()) + 1,
    }


def debiased(covariance_JJ: Floats, squared_lengths_N: Floats) -> float | None:
    """Participation ratio from estimates without bias of ``(sum g)^2`` and ``sum g^2``; None where that is not known."""
    n = len(squared_lengths_N)
    if n < 4:
        return None
    x = squared_lengths_N
    squares = n**2 * float((covariance_JJ**2).sum())
    unbiased = squares - n / (n - 2) * float((x**2).sum()) + float(x.sum()) ** 2 / ((n - 1) * (n - 2))
    # A difference of large numbers: what is left of them may be rounding.
    if unbiased <= squares * np.finfo(np.float64).eps * n:
        return None
    trace = n / (n - 1) * float(np.trace(covariance_JJ))
    return trace**2 / (unbiased / (n * (n - 3)))


def _directions(title: str) -> Quantity:
    return Quantity(title, "directions", (0.0, None), ".1f")


ANALYSIS = Analysis(
    title="effective dimension",
    job="nodes",
    order=72,
    options=Dimension,
    columns=(
        NODES,
        Column("samples", "int32", "samples of the split", number_of("samples")),
        Column(
            "participation_ratio",
            "float64",
            "effective number of directions, by the squares of the variances; null where all nodes are constant",
            _directions("participation ratio"),
        ),
        Column(
            "participation_ratio_debiased",
            "float64",
            "the same, corrected for the number of samples; null also for fewer than four",
            _directions("debiased participation ratio"),
        ),
        Column(
            "effective_rank",
            "float64",
            "effective number of directions, by the entropy of the singular values; depends on the number of samples",
            _directions("effective rank"),
        ),
        Column("rank_99", "int32", "directions that hold 99 % of the variance", number_of("directions of 99 %")),
        Column(
            "participation_ratio_scaled",
            "float64",
            "participation ratio of the correlations, in which every node counts alike",
            _directions("participation ratio of the correlations"),
        ),
        Column(
            "effective_rank_scaled",
            "float64",
            "effective rank of the correlations",
            _directions("effective rank of the correlations"),
        ),
        Column(
            "rank_99_scaled",
            "int32",
            "directions that hold 99 % of the variance of the scaled nodes",
            number_of("directions of 99 %, scaled"),
        ),
    ),
    measure=measure,
)
