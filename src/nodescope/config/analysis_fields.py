"""What the options of analyses have in common; each analysis declares its own in `nodescope.analyses`."""

from typing import Annotated, Literal

from pydantic import Field

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

ENABLED = Field(True, description="false disables the analysis and its charts")


class LayerOptions(Section):
    """Options of an analysis of recorded activations."""

    enabled: Flag = ENABLED
    splits: Splits = Field(ALL_SPLITS, description="splits to measure")

    def packages(self) -> dict[str, str]:
        """Packages that these options need beside nodescope's own: names to import, and to install."""
        return {}


class NetworkOptions(Section):
    """Options of an analysis of the networks themselves."""

    enabled: Flag = ENABLED


class NodeChoice(LayerOptions):
    """An analysis of a few nodes of every layer, where a row per bin of every node would be too much."""

    splits: Splits = Field(["train"], description="splits to measure")
    nodes: Annotated[list[Index], Field(min_length=1), Distinct] | None = Field(
        None, description="node indices to measure in every layer; default: nodes_per_layer nodes, evenly spaced"
    )
    nodes_per_layer: Count = Field(3, description="number of nodes per layer if nodes is not given")

    def chosen(self, n_nodes: int) -> list[int]:
        """The nodes that are named, or evenly spaced ones, of a layer of ``n_nodes``."""
        if self.nodes is not None:
            return self.nodes
        # As numpy.linspace rounds, which the options of a configuration do without.
        count = min(self.nodes_per_layer, n_nodes)
        return [int(place * (n_nodes / count)) for place in range(count)]


Bins = Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES]

Samples = Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES]

Bandwidth = PositiveNumber | Literal["scott", "silverman"]

BANDWIDTH = Field(
    0.2, description="bandwidth of the Gaussian kernel density estimate: a number, or the rule scott or silverman"
)
