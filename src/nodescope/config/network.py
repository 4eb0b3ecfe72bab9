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
    """What all networks of the study have in common, beside what the grid varies."""

    bias: Literal["first_layer", "all", "all_and_output", "none"] = Field(
        "first_layer",
        description="which hidden layers of an mlp have a bias where there is no batch normalisation; all_and_output: its "
        "output layer has one too, as networks made elsewhere mostly have",
    )
    taper: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        1.0, description="width of each hidden layer of an mlp over that of the layer before (0.5: 64, 32, 16)"
    )
    layer_norm: Flag = Field(False, description="layer normalisation before the activation function of an mlp")
    skip_connections: Flag = Field(
        False, description="the input of each hidden layer of an mlp is added to its output where their widths agree"
    )
    dropout: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.0, description="share of the activations of each hidden layer of an mlp that is dropped in training"
    )
    batch_norm_scale: Literal["constant", "uniform"] = Field(
        "constant",
        description="what the factors of batch normalisation start with: 1, or numbers drawn from U(0, 1), as in "
        "PyTorch before 1.2",
    )
    batch_norm_momentum: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.1, description="share of a batch's mean and variance in the running ones of batch normalisation"
    )
    batch_norm_epsilon: PositiveNumber = Field(
        1e-5, description="added to the variance by which batch normalisation divides"
    )
    weights: LocalPath | None = Field(
        None,
        description="a local file of weights (safetensors, or a state dict of PyTorch) with which every network starts "
        "instead of drawn ones; {depth} in it stands for the depth. Prefixes of names are found, and the order of "
        "nn.Sequential is taken for an mlp; what does not fit is said before anything runs",
    )
