"""Section ``network``: what all networks of a study have in common."""

from typing import Annotated, Literal

from pydantic import (
    Field,
)

from nodescope.config.fields import NO_BOOLEAN, Flag, LocalPath, PositiveNumber, Section, one_of
from nodescope.families import FAMILIES
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

#: See `nodescope.networks.initialisation.draw_tensor`.
INITIALISATIONS = (
    "kaiming_normal",
    "kaiming_uniform",
    "kaiming_normal_fan_out",
    "kaiming_uniform_fan_out",
    "xavier_normal",
    "xavier_uniform",
    "xavier_normal_relu",
    "xavier_uniform_relu",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "orthogonal_relu",
    "ones",
    "zeros",
)


ActivationName = Annotated[str, one_of("activation function", tuple(ACTIVATION_FUNCTIONS))]


InitialisationName = Annotated[str, one_of("initialisation", INITIALISATIONS)]


ModelName = Annotated[str, one_of("model", tuple(FAMILIES))]


class Network(Section):
    """Settings of all networks of the study, in addition to the grid."""

    bias: Literal["first_layer", "all", "all_and_output", "none"] = Field(
        "first_layer",
        description="which hidden layers of an mlp have a bias if there is no batch normalisation; all_and_output: "
        "the output layer too, as in most other implementations",
    )
    taper: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        1.0, description="ratio of the width of each hidden layer of an mlp to the previous one (0.5: 64, 32, 16)"
    )
    layer_norm: Flag = Field(False, description="layer normalisation before the activation function (mlp)")
    skip_connections: Flag = Field(
        False, description="add the input of each hidden layer to its output if the widths match (mlp)"
    )
    dropout: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.0, description="dropout probability in each hidden layer during training (mlp)"
    )
    batch_norm_scale: Literal["constant", "uniform"] = Field(
        "constant",
        description="initial scale of batch normalisation: 1, or drawn from U(0, 1) as in PyTorch before 1.2",
    )
    batch_norm_momentum: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.1,
        description="momentum of the running mean and variance of batch normalisation (weight of the current batch)",
    )
    batch_norm_epsilon: PositiveNumber = Field(
        1e-5, description="added to the variance in batch normalisation for numerical stability"
    )
    weights: LocalPath | None = Field(
        None,
        description="a local file of weights (safetensors, or a state dict of PyTorch) that every network starts "
        "with instead of a random initialisation; {depth} is replaced by the depth. Prefixes of names are detected, "
        "and the names of nn.Sequential are accepted for an mlp; mismatches are reported before anything runs",
    )
