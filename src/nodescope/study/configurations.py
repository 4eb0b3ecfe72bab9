"""The configurations of a study, their identifiers and axes, and the states of their networks. Imports nothing heavy."""

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from nodescope.config.fields import Section
    from nodescope.config.grid import Variant
    from nodescope.config.network import Network
    from nodescope.config.study import Study
    from nodescope.config.training import Training

    SettingsT = TypeVar("SettingsT", bound=Section)

#: Axes that every configuration has; further ones follow where the study's grid names them.
BASE_AXES = ("depth", "width", "activation", "batch_norm")


@dataclass(frozen=True)
class Configuration:
    """One point of a study's grid, without the seed.

    Attributes
    ----------
    study, dataset, model : str
        Names.
    axes : tuple of (str, value)
        The grid axes in table order: depth, width, activation, batch_norm and those the study adds.
    variant : Variant or None
        What departs from the study's settings.
    """

    study: str
    dataset: str
    model: str
    axes: tuple[tuple[str, Any], ...]
    variant: "Variant | None" = field(default=None, compare=False)

    def __getitem__(self, axis: str) -> Any:
        return dict(self.axes)[axis]

    @property
    def identifier(self) -> str:
        """A short, stable, readable name that is safe as a path.

        >>> axes = (("depth", 4), ("width", 200), ("activation", "relu"), ("batch_norm", True))
        >>> Configuration("mnist", "mnist", "mlp", axes).identifier
        'relu-4x200-bn'
        """
        values = dict(self.axes)
        parts = [] if self.model == "mlp" else [self.model.replace("_", "")]
        parts += [values["activation"].replace("_", ""), f"{values['depth']}x{values['width']}"]
        if values["batch_norm"]:
            parts.append("bn")
        parts += [str(value).replace("_", "") for axis, value in self.axes if axis not in BASE_AXES]
        return "-".join(parts)

    def keys(self) -> dict[str, Any]:
        """Data set, family and the values of the axes: columns of the collected tables."""
        return {"dataset": self.dataset, "model": self.model, **dict(self.axes)}

    def initialisation(self) -> str | None:
        """The initialisation that the study names; None for the one that suits the activation function."""
        named: str | None = dict(self.axes).get("initialisation")
        return (self.variant.initialisation if self.variant else None) or named

    def network(self, study: "Study") -> "Network":
        """The study's settings of the network, with what the variant changes."""
        network = _changed(study.network, self.variant.network) if self.variant else study.network
        weights = network.weights and network.weights.replace("{depth}", str(self["depth"]))
        return network.model_copy(update={"weights": weights})

    def training(self, study: "Study") -> "Training":
        """The study's settings of training, with what the variant changes."""
        return _changed(study.training, self.variant.training) if self.variant else study.training


def _changed(settings: "SettingsT", departure: "SettingsT") -> "SettingsT":
    return settings.model_copy(update={name: getattr(departure, name) for name in departure.model_fields_set})


def configurations_of(study: "Study") -> list[Configuration]:
    """All configurations of a study, in the order of its grid."""
    axes = {name: values for name, values in study.grid.axes().items() if name != "variants"}
    found = []
    for model, *values in itertools.product(study.model, *axes.values()):
        point = dict(zip(axes, values, strict=True))
        variants: list[Variant | None] = list(study.grid.variants) if study.grid.variants else [None]
        for variant in variants:
            departure = {} if variant is None else {"variant": variant.name, **_axes_that_change(variant, point)}
            found.append(
                Configuration(study.name, study.dataset.name, model, tuple({**point, **departure}.items()), variant)
            )
    return found


def _axes_that_change(variant: "Variant", point: dict[str, Any]) -> dict[str, Any]:
    changes = {axis: getattr(variant, axis) for axis in ("activation", "batch_norm", "initialisation") if axis in point}
    return {axis: value for axis, value in changes.items() if value is not None}


def states_of(study: "Study") -> list[str]:
    """The states that are recorded of every network of a study; see `nodescope.config.training.Training.states`."""
    return study.training.states()
