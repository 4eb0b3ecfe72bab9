"""The shape of a configuration's networks on a data set, and their layers."""

from typing import TYPE_CHECKING, Any

from nodescope.families import FAMILIES
from nodescope.families.layers import Layer
from nodescope.families.shape import NetworkShape, default_initialisation
from nodescope.study.family_configurations import FamilyConfiguration

if TYPE_CHECKING:
    from nodescope.config.network import Network
    from nodescope.config.study import FamilyStudy


def network_shape(
    keys: dict[str, Any],
    network: "Network",
    initialisation: str | None,
    *,
    input_shape: tuple[int, ...],
    n_classes: int,
) -> NetworkShape:
    """The shape of a configuration's networks.

    Parameters
    ----------
    keys
        Of the configuration: ``model``, ``depth``, ``width``, ``activation`` and ``batch_norm`` are used.
    network
        The configuration's settings of the network.
    initialisation
        None for the one that suits the activation function.
    input_shape, n_classes
        Of the data set.
    """
    return NetworkShape(
        model=keys["model"],
        input_shape=input_shape,
        n_classes=n_classes,
        depth=keys["depth"],
        width=keys["width"],
        activation=keys["activation"],
        batch_norm=keys["batch_norm"],
        initialisation=initialisation or default_initialisation(keys["activation"]),
        **network.model_dump(),
    )


def layers_of(
    study: "FamilyStudy", configuration: FamilyConfiguration, input_shape: tuple[int, ...], n_classes: int
) -> list[Layer]:
    """The layers of a configuration's networks on a data set, the output last."""
    shape = network_shape(
        configuration.keys(),
        configuration.network(study),
        configuration.initialisation(),
        input_shape=input_shape,
        n_classes=n_classes,
    )
    return FAMILIES[shape.model].layers(shape)
