"""Section ``analyses``: what is measured, and how."""

from typing import Annotated, Literal

from pydantic import (
    Field,
)

from nodescope.config.fields import (
    ALL_SPLITS,
    MAYBE_IN_QUOTES,
    Count,
    Distinct,
    Flag,
    Index,
    PositiveNumber,
    Section,
    Splits,
)


class Analysis(Section):
    """What all analyses have in common."""

    enabled: Flag = Field(True, description="false leaves the analysis and its charts out")
    splits: Splits = Field(ALL_SPLITS, description="splits to measure")


class Medians(Analysis):
    """Median activation of each class at every node."""


class Activity(Analysis):
    """Share of each class's samples for which a node is on."""


class DeadNodes(Analysis):
    """Nodes that are on for no sample of any class."""


class Sparsity(Analysis):
    """Share of samples for which a node is off, averaged over the nodes of a layer that are not dead."""


class Patterns(Analysis):
    """Number and entropy of the patterns of switched-on nodes that a layer shows."""


class Statistics(Analysis):
    """Mean, spread, shape and range of all values of a layer; shares of zeros and of saturated values."""

    saturation_tolerance: PositiveNumber = Field(
        0.05, description="an activation this near to a bound of its function (0 and 1 of the sigmoid) is saturated"
    )


Bins = Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES]


class LayerDistributions(Analysis):
    """Histograms of all values of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


class NetworkAnalysis(Section):
    """What the analyses of the networks themselves have in common."""

    enabled: Flag = Field(True, description="false leaves the analysis and its charts out")


class Weights(NetworkAnalysis):
    """Mean, spread, shape and range of the weights of a layer."""


class WeightDistributions(NetworkAnalysis):
    """Histograms of the weights of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


class Gradients(NetworkAnalysis):
    """How much of the loss's gradient reaches each layer, and how it is spread."""

    samples: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        256, description="training samples of the one batch that is measured"
    )


class LocalGradients(NetworkAnalysis):
    """Gradient that each channel of some layers sends back (emission) and receives (absorption), over samples."""

    samples: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        500, description="training samples that are measured"
    )
    layers: Annotated[list[str], Field(min_length=1), Distinct] | None = Field(
        None,
        description="names of linear maps or convolutions, as in the table weights; left out: layers_per_network of "
        "them, evenly spaced",
    )
    layers_per_network: Count = Field(5, description="how many layers to look at where none are named")
    channels: Count = Field(15, description="the first channels of each layer that the table holds")


class NodeChoice(Analysis):
    """An analysis of a few nodes of every layer, where a row per bin of every node would be too much."""

    splits: Splits = Field(["train"], description="splits to measure")
    nodes: Annotated[list[Index], Field(min_length=1), Distinct] | None = Field(
        None, description="the nodes to look at in every layer; left out: nodes_per_layer of them, evenly spaced"
    )
    nodes_per_layer: Count = Field(3, description="how many nodes to look at where none are named")


class Distributions(NodeChoice):
    """Histograms of pre-activations and activations of each class at chosen nodes."""

    bins: Bins = Field(60, description="bins of each histogram")


Bandwidth = PositiveNumber | Literal["scott", "silverman"]


BANDWIDTH = Field(0.2, description="of the Gaussian kernel density estimate: a number, or the rule scott or silverman")


class Densities(NodeChoice):
    """Kernel density estimate of the pre-activations of each class at chosen nodes."""

    bandwidth: Bandwidth = BANDWIDTH
    points: Annotated[int, Field(strict=True, ge=2, le=10000), MAYBE_IN_QUOTES] = Field(
        120, description="where it is evaluated"
    )


class NodeHistograms(Analysis):
    """Histograms of each class at every node of the kept nets, for the report's look into a node."""

    splits: Splits = Field(["train"], description="splits to measure")
    bins: Bins = Field(30, description="bins of each histogram")
    bandwidth: Bandwidth = BANDWIDTH


class LayerAccuracy(Analysis):
    """Every layer alone as a classifier: the discrete, the continuous and the combined system."""

    smoothing: PositiveNumber = Field(
        0.5, description="alpha of the discrete system's (n_active + alpha) / (N_c + 2 alpha)"
    )
    bandwidth: Bandwidth = BANDWIDTH


class Analyses(Section):
    """Which measurements are made on the recorded activations and on the networks, and how."""

    medians: Medians = Medians()
    activity: Activity = Activity()
    dead_nodes: DeadNodes = DeadNodes()
    sparsity: Sparsity = Sparsity()
    patterns: Patterns = Patterns()
    statistics: Statistics = Statistics()
    layer_distributions: LayerDistributions = LayerDistributions()
    distributions: Distributions = Distributions()
    densities: Densities = Densities()
    node_histograms: NodeHistograms = NodeHistograms()
    layer_accuracy: LayerAccuracy = LayerAccuracy()
    weights: Weights = Weights()
    weight_distributions: WeightDistributions = WeightDistributions()
    gradients: Gradients = Gradients()
    local_gradients: LocalGradients = LocalGradients()

    def enabled(self) -> list[str]:
        """Names of the analyses that are switched on, in the order of the report."""
        return [name for name, options in self if options.enabled]
