"""Section ``diagnosis``: when a layer is called ill."""

from pydantic import (
    Field,
)

from nodescope.config.fields import Flag, PositiveNumber, Section, Share


class Diagnosis(Section):
    """When a layer is called ill; the evidence stands in the table whatever the thresholds."""

    enabled: Flag = Field(True, description="false leaves the diagnosis out")
    vanishing_gradient: PositiveNumber = Field(
        0.01, description="found where less than this share of the gradient's norm at the output reaches the layer"
    )
    exploding_gradient: PositiveNumber = Field(
        100, description="found where the gradient's norm in the layer exceeds that at the output by this factor"
    )
    dead_nodes: Share = Field(0.1, description="found where more than this share of the layer's nodes is never on")
    saturation: Share = Field(
        0.5, description="found where more than this share of the activations is saturated (sigmoid, tanh)"
    )
