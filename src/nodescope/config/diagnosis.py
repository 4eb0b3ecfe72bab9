"""Section ``diagnosis``: when a layer is called ill."""

from pydantic import (
    Field,
)

from nodescope.config.fields import Flag, PositiveNumber, Section, Share


class Diagnosis(Section):
    """Thresholds of the problems that are diagnosed in layers; the table contains the evidence regardless of them."""

    enabled: Flag = Field(True, description="false disables the diagnosis")
    vanishing_gradient: PositiveNumber = Field(
        0.01, description="found if the gradient norm in the layer is below this share of the norm at the output"
    )
    exploding_gradient: PositiveNumber = Field(
        100, description="found if the gradient norm in the layer exceeds the norm at the output by this factor"
    )
    dead_nodes: Share = Field(0.1, description="found if more than this share of the layer's nodes is never on")
    saturation: Share = Field(
        0.5, description="found if more than this share of the activations is saturated (sigmoid, tanh)"
    )
