"""Section ``grid``: the axes of a study, and named departures from its settings."""

from typing import Annotated, Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from nodescope.config.fields import Depth, Distinct, Flag, Section, Width
from nodescope.config.network import INITIALISATIONS, ActivationName, InitialisationName, Network
from nodescope.config.training import Training
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

VARIANT_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"


VariantName = Annotated[str, Field(pattern=VARIANT_NAME)]


class Variant(Section):
    """A named departure from the study's settings; what it does not name stays as it is."""

    name: VariantName = Field(description="lower-case letters, digits and '-'; used in paths and figures")
    activation: ActivationName | None = Field(None, description="overrides the grid's")
    batch_norm: Flag | None = Field(None, description="overrides the grid's")
    initialisation: InitialisationName | None = Field(None, description="overrides the grid's or the default")
    network: Network = Field(Network(), description="keys of network to override")
    training: Training = Field(Training(), description="keys of training to override")

    @model_serializer(mode="wrap")
    def _only_what_differs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys of the two sections that were not given must not come back as given."""
        dumped: dict[str, Any] = handler(self)
        for name, section in (("network", self.network), ("training", self.training)):
            if name in dumped:
                dumped[name] = {key: value for key, value in dumped[name].items() if key in section.model_fields_set}
        return dumped


class Grid(Section):
    """Every combination of these values is one configuration; each is trained with every seed."""

    depth: Annotated[list[Depth], Field(min_length=1), Distinct] = Field(description="numbers of hidden layers")
    width: Annotated[list[Width], Field(min_length=1), Distinct] = Field(description="nodes per hidden layer")
    activation: Annotated[list[ActivationName], Field(min_length=1), Distinct] = Field(
        description=f"activation functions: {', '.join(ACTIVATION_FUNCTIONS)}"
    )
    batch_norm: Annotated[list[Flag], Field(min_length=1), Distinct] = Field(
        [False], description="batch normalisation between the linear map and the activation function"
    )
    initialisation: Annotated[list[InitialisationName], Field(min_length=1), Distinct] | None = Field(
        None,
        description=(
            "initialisations to compare: " + ", ".join(INITIALISATIONS) + "; default: "
            "He (kaiming_normal) for the ReLU family, xavier_normal for the others"
        ),
    )

    variants: Annotated[list[Variant], Field(min_length=1)] | None = Field(
        None,
        description="named overrides of the study's settings, each combined with every point of the grid; the others "
        "are compared with the first. Keys: name, and any of activation, batch_norm, initialisation, network, "
        "training (only the keys to override)",
    )

    def axes(self) -> dict[str, list[Any]]:
        """The axes that the study names, in the order in which they stand in identifiers and tables."""
        return {name: values for name, values in self if values is not None}
