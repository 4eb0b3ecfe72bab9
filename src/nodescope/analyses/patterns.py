"""How many different patterns of switches does a layer show, and how evenly are they used?

Formula: a sample's pattern is the vector of ``theta`` over the layer's nodes. With ``p`` the shares of the ``K``
distinct patterns among ``T`` samples, the entropy is ``H = -sum p log2 p``, the relative entropy ``H / min(J, log2 T)``
for ``J`` nodes, Miller and Madow's correction ``H + (K - 1) / (2 T) log2 e``; with the classes ``L``, ``H(A|L)`` and
``I(A; L) = H - H(A|L)`` (Hartmann, Franzen & Brodehl 2021; methods, section 2). ``H`` cannot exceed ``log2 T``:
where most patterns are seen once, it says how many samples there are. In a layer with positions each position of a
sample has a pattern of its own over the channels, and counts as a sample: ``T = N P``.
Needs: the activations of a layer, of one with positions each of them (``positions: rows``). Gives: one row per split,
counted exactly; null where the split has no sample, the net diverged, or only a summary over the positions is recorded
(what a channel does somewhere is no pattern of the layer; through training `nodescope.training.pattern_evolution` counts
all positions); ``H(A|L)`` and ``I(A; L)`` also where samples have no classes. Cost: one comparison per value, one look-up
per pattern.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import DESCRIBED_PATTERNS, NODES, Column, number_of

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.numerics.pattern_counting import PatternHistogram

#: What is not known of samples that have no classes.
ON_CLASSES = ("entropy_given_class_bits", "class_information_bits")
#: Their packed patterns stay in a core's cache until they are counted.
SAMPLES_AT_A_TIME = 8_192


class Patterns(LayerOptions):
    """Number and entropy of the patterns of active nodes in a layer."""


def measure(layer: "RecordedLayer", options: Patterns) -> Parts:
    """Columns split, nodes, samples and what the patterns show."""
    from nodescope.numerics.pattern_counting import describe

    for split in options.splits:
        activations = layer.read(split)
        nodes, samples = activations.n_nodes, int(activations.position_counts().sum())
        z_JT = activations.each()
        found: dict[str, Any] = {}
        if z_JT is not None and samples > 0 and layer.finite_nodes(activations).all():
            found |= describe(count(z_JT, activations.row_labels(), layer.theta_threshold).class_counts(), nodes)
            if not activations.is_labelled:
                found |= dict.fromkeys(ON_CLASSES)
        yield {"split": split, "nodes": nodes, "samples": samples, **found}


def count(z_JN: NDArray[np.float32], labels_N: NDArray[np.int32], threshold: float) -> "PatternHistogram":
    """The patterns of all samples, counted by class."""
    from nodescope.numerics.pattern_counting import PatternHistogram
    from nodescope.numerics.pattern_packing import pack_rows

    nodes, samples = z_JN.shape
    histogram = PatternHistogram(nodes, int(labels_N.max()) + 1, samples)
    for begin in range(0, samples, SAMPLES_AT_A_TIME):
        end = begin + SAMPLES_AT_A_TIME
        histogram.add(pack_rows(z_JN, threshold, begin, end), labels_N[begin:end])
    return histogram


def compile_ahead() -> None:
    """Compile what counting needs; numba keeps the result beside the sources for all later processes."""
    from nodescope.numerics.pattern_counting import describe

    labels = np.zeros(2, np.int32)
    for nodes in (1, 4):  # the pattern as its number, and the table
        describe(count(np.zeros((nodes, 2), np.float32), labels, 0.0).class_counts(), nodes)


ANALYSIS = Analysis(
    title="patterns",
    job="nodes",
    order=50,
    options=Patterns,
    columns=(
        NODES,
        Column(
            "samples",
            "int32",
            "patterns that were counted, T: of samples, or of samples and positions",
            number_of("patterns"),
        ),
        *DESCRIBED_PATTERNS,
    ),
    measure=measure,
    needs=("positions",),
)
