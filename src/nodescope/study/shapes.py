"""The shape of a configuration's networks on a data set, and their layers."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nodescope.config.layer_patterns import Selection, nearest
from nodescope.families import FAMILIES
from nodescope.families.layers import Layer
from nodescope.families.shape import NetworkShape, default_initialisation
from nodescope.messages.errors import ConfigError
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


def recorded_layers(
    study: "FamilyStudy", configuration: FamilyConfiguration, input_shape: tuple[int, ...], n_classes: int
) -> list[Layer]:
    """The layers of a configuration's networks that are recorded, the output last.

    A layer has the parameters and maps of those before it that are left out, too: all those behind the layer that is
    recorded before it.

    Raises
    ------
    ConfigError
        If a pattern of the study fits none.
    """
    *hidden, output = layers_of(study, configuration, input_shape, n_classes)
    selection, names = Selection(study.layers), [layer.name for layer in hidden]
    for pattern in selection.patterns:
        if not any(pattern.fits([name], "") for name in names):
            near = nearest(pattern.text, names)
            raise ConfigError(
                f"Study '{study.name}', layers: {pattern.text} fits no layer of {configuration.identifier}. "
                f"Hint: {f'did you mean {near}? ' if near else ''}Its layers: {', '.join(names)}"
            )
    found: list[Layer] = []
    before: list[Layer] = []
    for layer in (*hidden, output):
        is_recorded = layer is output or (
            not selection.excludes([layer.name], "")
            if selection.all_activations
            else bool(selection.chosen([layer.name], ""))
        )
        if not is_recorded:
            before.append(layer)
            continue
        maps = tuple(each for own in (*before, layer) for each in own.maps)
        others = sum(own.other_parameters for own in (*before, layer))
        found.append(replace(layer, maps=maps, other_parameters=others))
        before = []
    if len(found) == 1:
        raise ConfigError(
            f"Study '{study.name}', layers: no layer of {configuration.identifier} is left. Its layers: {', '.join(names)}"
        )
    return found


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
